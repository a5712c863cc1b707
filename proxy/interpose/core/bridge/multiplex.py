"""Many clients on one connection (2026-07-28): every request gets an id no other has, its answers get the old one back.

Ids, progress tokens, subscription ids and the ids in cancellations are spliced in the bytes; all else stays as it came.
Knows nothing of streams and clients: a channel is a name.
"""

from collections import OrderedDict

import msgspec

from interpose.core.bridge.reply import cancelled
from interpose.core.wire.ids import Edit, Finder, Path, splice
from interpose.core.wire.message import Kind, Message, id_text, read

ELSEWHERE = "stdio"  # the channel of what belongs to no request
_SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"

_ID: Path = ("id",)
_TOKEN: Path = ("params", "_meta", "progressToken")
_PROGRESS: Path = ("params", "progressToken")
_CANCELLED: Path = ("params", "requestId")
_NOTICE_SUBSCRIPTION: Path = ("params", "_meta", _SUBSCRIPTION)
_RESULT_SUBSCRIPTION: Path = ("result", "_meta", _SUBSCRIPTION)

_down = Finder(_ID, _TOKEN)
_answer = Finder(_ID, _RESULT_SUBSCRIPTION)
_notice = Finder(_PROGRESS, _CANCELLED, _NOTICE_SUBSCRIPTION)
_TOMBS = 1024
# The handshake of an era cannot be cancelled (2025-11-25 §basic/utilities/cancellation; SDKs keep to it for discover).
_UNCANCELLABLE = frozenset({"server/discover", "initialize"})


class Ticket(msgspec.Struct):
    """A request under way: whose it is, and the bytes of its own id and progress token."""

    channel: str
    method: str
    ident: bytes
    token: bytes | None
    dead: bool = False


class Multiplexer:
    """The requests under way on one connection. New ids are integers, counted from 1."""

    def __init__(self) -> None:
        self._last = 0
        self._tickets: dict[str, Ticket] = {}
        self._tombs: OrderedDict[str, None] = OrderedDict()

    def down(self, channel: str, message: Message) -> Message | None:
        """A client's message as it goes to the server; None for what must not: a cancel of an unknown exchange.

        2026-07-28 over HTTP cancels by closing the stream; the ids in a posted cancel are no one's in particular.
        """
        if message.kind is Kind.NOTIFICATION and message.method == "notifications/cancelled":
            return None
        if message.kind is not Kind.REQUEST:
            return message
        spans = _down.find(message.raw)
        values = {path: message.raw[start:end] for path, start, end in spans}
        self._last += 1
        new = str(self._last)
        self._tickets[new] = Ticket(channel, message.method or "", values.get(_ID, b"null"), values.get(_TOKEN))
        raw = splice(message.raw, [(start, end, new.encode()) for _, start, end in spans])
        return msgspec.structs.replace(message, raw=raw, id=new)

    def cancel(self, channel: str) -> list[Message]:
        """The client of a channel has left: what the server must be told."""
        notices = []
        for new, ticket in self._tickets.items():
            if ticket.channel == channel and not ticket.dead:
                ticket.dead = True
                self._tombs[new] = None
                if ticket.method not in _UNCANCELLABLE:
                    notices.append(cancelled(new, "the client closed the stream"))
        while len(self._tombs) > _TOMBS:
            del self._tickets[self._tombs.popitem(last=False)[0]]
        return notices

    def up(self, message: Message) -> tuple[str, Message]:
        """A server's message as its client should read it, and the channel it belongs to."""
        if message.is_response:
            return self._answered(message)
        if message.kind is Kind.NOTIFICATION:
            return self._noticed(message)
        return ELSEWHERE, message

    def _answered(self, message: Message) -> tuple[str, Message]:
        ticket = self._tickets.pop(message.id or "", None)
        if ticket is None:
            return ELSEWHERE, message
        self._tombs.pop(message.id or "", None)
        spans = [
            span
            for span in _answer.find(message.raw)
            if span.path == _ID or id_text(message.raw[span.start : span.end]) == message.id
        ]
        raw = splice(message.raw, [(start, end, ticket.ident) for _, start, end in spans])
        if len(spans) > 1:
            return ticket.channel, read(raw)
        # Not read again: the sections of a 64 MB message are copies already.
        return ticket.channel, msgspec.structs.replace(message, raw=raw, id=id_text(ticket.ident))

    def _noticed(self, message: Message) -> tuple[str, Message]:
        edits: list[Edit] = []
        channel = ELSEWHERE
        for path, start, end in _notice.find(message.raw):
            ticket = self._tickets.get(id_text(message.raw[start:end]))
            if ticket is None or not _speaks_of_request(path, message.method):
                continue
            own = ticket.token if path == _PROGRESS and ticket.token is not None else ticket.ident
            edits.append((start, end, own))
            channel = ticket.channel
        return (channel, read(splice(message.raw, edits))) if edits else (ELSEWHERE, message)


def _speaks_of_request(path: Path, method: str | None) -> bool:
    if path == _PROGRESS:
        return method == "notifications/progress"
    return path == _NOTICE_SUBSCRIPTION or method == "notifications/cancelled"
