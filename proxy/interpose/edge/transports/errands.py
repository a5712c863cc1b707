"""How an edge tells the requests of interpose's own from those of clients."""

from interpose.core.wire.message import Kind, Message

# What keeps a task's promises (tasks extension): nobody waits for the answer.
_FOR_NOBODY = frozenset({"tasks/update", "tasks/cancel"})


def is_errand(channel: str) -> bool:
    """Whether a channel is that of a request of interpose's own; clients' are `x1`, `x2` and so on."""
    return channel.startswith("i")


def is_awaited(message: Message) -> bool:
    """Whether a client's call waits for the answer to such a request."""
    return message.kind is Kind.REQUEST and message.method not in _FOR_NOBODY
