"""2024-11-05, the first version: everything that later versions change."""

from interpose.core.protocol.method import Table, difference, notification, request

_REQUESTS = (
    request("initialize", "client", result=("protocolVersion", "capabilities", "serverInfo")),
    request("ping", "either", polled=True),
    request("tools/list", "client", gate=("server", "tools"), result=("tools",)),
    request("tools/call", "client", gate=("server", "tools"), name_param="name", result=("content", "isError")),
    request("resources/list", "client", gate=("server", "resources"), result=("resources",)),
    request("resources/templates/list", "client", gate=("server", "resources"), result=("resourceTemplates",)),
    request("resources/read", "client", gate=("server", "resources"), name_param="uri", result=("contents",)),
    request("resources/subscribe", "client", gate=("server", "resources", "subscribe"), name_param="uri"),
    request("resources/unsubscribe", "client", gate=("server", "resources", "subscribe"), name_param="uri"),
    request("prompts/list", "client", gate=("server", "prompts"), result=("prompts",)),
    request("prompts/get", "client", gate=("server", "prompts"), name_param="name", result=("messages",)),
    request("completion/complete", "client", result=("completion",)),
    request("logging/setLevel", "client", gate=("server", "logging")),
    request(
        "sampling/createMessage",
        "server",
        gate=("client", "sampling"),
        ask="sampling",
        result=("role", "content", "model"),
    ),
    request("roots/list", "server", gate=("client", "roots"), ask="roots", result=("roots",)),
)

_NOTIFICATIONS = (
    notification("notifications/initialized", "client"),
    notification("notifications/cancelled", "either"),
    notification("notifications/progress", "either", polled=True),
    notification("notifications/message", "server", gate=("server", "logging"), polled=True),
    notification("notifications/tools/list_changed", "server", gate=("server", "tools", "listChanged")),
    notification("notifications/prompts/list_changed", "server", gate=("server", "prompts", "listChanged")),
    notification("notifications/resources/list_changed", "server", gate=("server", "resources", "listChanged")),
    notification(
        "notifications/resources/updated",
        "server",
        gate=("server", "resources", "subscribe"),
        name_param="uri",
    ),
    notification("notifications/roots/list_changed", "client", gate=("client", "roots", "listChanged")),
)

TABLE = Table("2024-11-05", "stateful", difference({}, add=_REQUESTS + _NOTIFICATIONS))
