"""2025-11-25: tasks (experimental, either side may run them) and elicitation by URL."""

from interpose.core.protocol import v2025_06_18
from interpose.core.protocol.method import Table, but, difference, notification, request

_OLD = v2025_06_18.TABLE.methods
_TASK = ("taskId", "status", "createdAt", "lastUpdatedAt", "ttl", "pollInterval")

_CHANGED = (
    but(_OLD["tools/call"], tasks=True),
    but(_OLD["sampling/createMessage"], tasks=True),
    but(_OLD["elicitation/create"], tasks=True),
    request("tasks/get", "either", gate=("receiver", "tasks"), name_param="taskId", result=_TASK, polled=True),
    request("tasks/result", "either", gate=("receiver", "tasks"), name_param="taskId"),
    request("tasks/list", "either", gate=("receiver", "tasks", "list"), result=("tasks",), polled=True),
    request("tasks/cancel", "either", gate=("receiver", "tasks", "cancel"), name_param="taskId", result=_TASK),
    notification("notifications/tasks/status", "either", name_param="taskId", polled=True),
    notification("notifications/elicitation/complete", "server", name_param="elicitationId"),
)

TABLE = Table("2025-11-25", "stateful", difference(_OLD, add=_CHANGED))
