"""The tasks extension on 2026-07-28: the server decides to answer with a task; one reads and feeds it by its id."""

from interpose.core.protocol import v2026_07_28
from interpose.core.protocol.method import Table, but, difference, notification, request

NAME = "io.modelcontextprotocol/tasks"

_OLD = v2026_07_28.TABLE.methods
_GATE = ("server", "extensions", NAME)
_TASK = ("taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs", "pollIntervalMs")

_CHANGED = (
    but(_OLD["tools/call"], tasks=True),
    request("tasks/get", "client", gate=_GATE, name_param="taskId", result=_TASK, polled=True),
    request("tasks/update", "client", gate=_GATE, name_param="taskId"),
    request("tasks/cancel", "client", gate=_GATE, name_param="taskId"),
    notification("notifications/tasks", "server", gate=_GATE, name_param="taskId", polled=True),
)

TABLE = Table(v2026_07_28.TABLE.version, "stateless", difference(_OLD, add=_CHANGED))
