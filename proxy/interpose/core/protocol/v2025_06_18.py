"""2025-06-18: elicitation comes, batches go, tools answer with structured content."""

from interpose.core.protocol import v2025_03_26
from interpose.core.protocol.method import Table, but, difference, request

_OLD = v2025_03_26.TABLE.methods

_CHANGED = (
    but(_OLD["tools/call"], result=("content", "structuredContent", "isError")),
    request(
        "elicitation/create",
        "server",
        gate=("client", "elicitation"),
        ask="elicitation",
        result=("action", "content"),
    ),
)

TABLE = Table("2025-06-18", "stateful", difference(_OLD, add=_CHANGED))
