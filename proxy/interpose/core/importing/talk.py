"""What was said in an exchange: its bodies as frames, as if they had just come."""

import zlib

import msgspec

from interpose.core.events import Frame, Headers
from interpose.core.importing.exchange import Exchange, header
from interpose.core.wire.message import Kind, Message, read
from interpose.core.wire.sse import Block, BlockSplitter

_UNFOLDED_LIMIT = 1 << 27


class Talk(msgspec.Struct, frozen=True):
    """An exchange, what the client said in it and what the server did. `streams` where that came as events.

    `lost` says, in words, what of it the file does not hold or nobody can read.
    """

    exchange: Exchange
    asked: tuple[Frame, ...] = ()
    said: tuple[Frame, ...] = ()
    streams: bool = False
    lost: str = ""

    @property
    def opening(self) -> Message | None:
        """The client's message."""
        return self.asked[0].message if self.asked else None

    @property
    def is_timed(self) -> bool:
        """Whether the file tells when each of its events came."""
        return self.streams and len(self.exchange.events_at) == len(self.said) > 0

    @property
    def endpoint(self) -> bytes | None:
        """Where a legacy SSE server says that messages are to be posted."""
        for frame in self.said:
            if frame.block is not None and frame.block.event == "endpoint" and frame.block.data:
                return frame.block.data
        return None


def talk(exchange: Exchange) -> Talk:
    """Read the bodies of an exchange."""
    asked, _ = _frames(exchange.body, exchange.headers, exchange.plain)
    said, lost = _frames(exchange.answer_body, exchange.answer_headers, exchange.plain)
    ok = exchange.status is not None and 200 <= exchange.status < 300
    streams = ok and _media_type(exchange.answer_headers) == "text/event-stream"
    if exchange.status is None:
        lost = "no answer is in the file"
    elif streams and not said and not lost:
        lost = "the stream is empty in the file: nothing was said in it, or it was not kept"
    if exchange.body is None:
        lost = "the body of the request is not in the file" + (f"; {lost}" if lost else "")
    return Talk(exchange, asked, said, streams, lost)


def _frames(body: bytes | None, headers: Headers, plain: bool) -> tuple[tuple[Frame, ...], str]:
    """A body as frames, and what is lost of it."""
    if body is None:
        return (), "the body of the answer is not in the file"
    if not body:
        return (), ""
    coding = "" if plain else (header(headers, "Content-Encoding") or "").strip().lower()
    text = _unfold(body, coding)
    if text is None:
        return (Frame(body, wire="body"),), f"its body cannot be read: content coding `{coding[:20]}`"
    media_type = _media_type(headers)
    if media_type == "text/event-stream":
        return _blocks(text), ""
    is_json = media_type == "application/json" or media_type.endswith("+json")
    return (Frame(body, read(text) if is_json else None, wire="body"),), ""


def _blocks(text: bytes) -> tuple[Frame, ...]:
    splitter = BlockSplitter()
    frames = [_frame(block) for block in splitter.feed(text)]
    rest = splitter.finish()
    return (*frames, Frame(rest, wire="block")) if rest else tuple(frames)


def _frame(block: Block) -> Frame:
    """Other events than `message` carry no JSON-RPC."""
    message = read(block.data) if block.data and block.event == "message" else None
    return Frame(block.raw, message, block, wire="block")


def _unfold(body: bytes, coding: str) -> bytes | None:
    """Undo a content coding; None for one that is not read, or not kept to."""
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        return None
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # RFC 9110 §8.4.1.2: some send `deflate` bare
        inflate = zlib.decompressobj(bits)
        try:
            text = inflate.decompress(body, _UNFOLDED_LIMIT)
        except zlib.error:
            continue
        return None if inflate.unconsumed_tail else text
    return None


def _media_type(headers: Headers) -> str:
    return (header(headers, "Content-Type") or "").partition(";")[0].strip().lower()


def speaks(message: Message) -> bool:
    """Whether a message, or one of a batch, is JSON-RPC 2.0."""
    return any(part.kind is not Kind.OPAQUE and "no-version" not in part.flags for part in message.messages())
