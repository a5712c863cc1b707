"""The HTTP exchanges of a session: which requests each carries, how it was answered, what its end means.

Not the bytes and not the headers as such: those are the transport's and the recording's.
"""

import msgspec

from interpose.core.events import Headers
from interpose.core.protocol import Era
from interpose.core.session.pending import Key, Lost
from interpose.core.session.ring import Ring
from interpose.core.wire.sse import Block

_ROOM = 4096


class Exchange(msgspec.Struct, gc=False):
    """One exchange. `keys` are the requests whose answers its stream brings."""

    channel: str
    verb: str
    in_session: bool = False
    era: Era | None = None
    keys: tuple[Key, ...] = ()
    seqs: tuple[int, ...] = ()
    status: int | None = None
    streams: bool = False
    is_session: bool = False
    resumes: bool = False
    retry: float | None = None
    last_id: str | None = None

    def lost(self, at: float) -> Lost:
        return Lost(at, self.retry, self.last_id)

    @property
    def may_resume(self) -> bool:
        """Whether an answer may still come on another stream (2025-11-25 §basic/transports)."""
        return self.era != "stateless" and (self.streams or self.status == 202)


class Exchanges:
    """The exchanges that are open now, and where the streams that were lost may go on."""

    def __init__(self) -> None:
        self.open: Ring[str, Exchange] = Ring(_ROOM)
        self.lost: Ring[str, Exchange] = Ring()

    def requested(self, channel: str, verb: str, headers: Headers) -> Exchange:
        exchange = Exchange(channel, verb, in_session=header(headers, "mcp-session-id") is not None)
        resumed = header(headers, "last-event-id")
        exchange.resumes = resumed is not None
        origin = None if resumed is None else self.lost.pop(resumed, None)
        if origin is not None:
            exchange.era, exchange.keys, exchange.seqs = origin.era, origin.keys, origin.seqs
        self.open.put(channel, exchange)
        return exchange

    def responded(self, exchange: Exchange, status: int, headers: Headers) -> None:
        exchange.status = status
        exchange.streams = (header(headers, "content-type") or "").lower().startswith("text/event-stream")

    def streamed(self, channel: str, block: Block) -> None:
        """Take in what a block of a stream says about the stream."""
        exchange = self.open.get(channel)
        if exchange is None:
            return
        if block.retry is not None:
            exchange.retry = block.retry / 1000
        if block.id is not None:
            exchange.last_id = block.id
        if block.event == "endpoint":
            exchange.is_session = True

    def carrying(self, channel: str) -> Exchange:
        """The exchange a client's message travels in, begun now if its start was not seen."""
        return self.open.get(channel) or self.requested(channel, "POST", ())

    def closed(self, channel: str) -> Exchange | None:
        exchange = self.open.pop(channel, None)
        if exchange is not None and exchange.last_id is not None and exchange.may_resume:
            self.lost.put(exchange.last_id, exchange)
        return exchange


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header, by its lower-case name."""
    return next((value for key, value in headers if key.lower() == name), None)
