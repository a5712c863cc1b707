"""2026-07-28: no sessions. Each request carries its version and capabilities; what a server asks travels in results."""

from interpose.core.protocol import v2025_11_25
from interpose.core.protocol.method import Table, but, difference, notification, request

_OLD = v2025_11_25.TABLE.methods
_CACHED = ("ttlMs", "cacheScope")

_GONE = (
    "initialize",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "tasks/get",
    "tasks/result",
    "tasks/list",
    "tasks/cancel",
    "notifications/initialized",
    "notifications/roots/list_changed",
    "notifications/elicitation/complete",
    "notifications/tasks/status",
)

_CHANGED = (
    request("server/discover", "client", result=("supportedVersions", "capabilities", *_CACHED)),
    request("subscriptions/listen", "client"),
    but(_OLD["tools/list"], result=("tools", *_CACHED)),
    but(_OLD["tools/call"], rounds=True, tasks=False),
    but(_OLD["resources/list"], result=("resources", *_CACHED)),
    but(_OLD["resources/templates/list"], result=("resourceTemplates", *_CACHED)),
    but(_OLD["resources/read"], result=("contents", *_CACHED), rounds=True),
    but(_OLD["prompts/list"], result=("prompts", *_CACHED)),
    but(_OLD["prompts/get"], rounds=True),
    but(_OLD["sampling/createMessage"], kind="input", tasks=False),
    but(_OLD["elicitation/create"], kind="input", tasks=False),
    but(_OLD["roots/list"], kind="input"),
    but(_OLD["notifications/progress"], direction="server"),
    notification("notifications/subscriptions/acknowledged", "server"),
)

TABLE = Table("2026-07-28", "stateless", difference(_OLD, add=_CHANGED, remove=_GONE))
