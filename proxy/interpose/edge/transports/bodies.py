"""HTTP bodies: read whole, sent with a mark of when they are out, decoded for reading."""

import asyncio
import io
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import lru_cache

import aiohttp
from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11
from aiohttp.streams import EmptyStreamReader

from interpose.core.events import Frame
from interpose.core.wire.message import Message, read
from interpose.core.wire.sse import Block
from interpose.edge.transports.pace import paced

Reader = Callable[[bytes], Message | None]
_STEP = 1 << 18
_MANY, _HUGE = 1 << 10, 1 << 24  # pieces, and bytes
_DECODED_LIMIT = 1 << 27  # what a compressed body, or event, may unfold to before it counts as unreadable


class Body:
    """A request body on its way out, in `over` seconds. `sent` is set once every byte was handed to the connection."""

    def __init__(self, data: bytes, over: float = 0.0) -> None:
        self.data = data
        self._over = over
        self.sent = asyncio.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body a step at a time, as aiohttp wants it."""
        for piece, pause in paced(self.data, self._over, _STEP):
            if pause:
                await asyncio.sleep(pause)
            yield self.data if len(piece) == len(self.data) else bytes(piece)
        self.sent.set()


class WholeBody(EmptyStreamReader):
    """A body that is here, in place of a stream: nothing is waited for, and nothing can break."""

    __slots__ = ("_left",)

    def __init__(self, data: bytes) -> None:
        self._left = data

    def at_eof(self) -> bool:
        return not self._left

    def read_nowait(self, n: int = -1) -> bytes:
        if n < 0:
            n = len(self._left)
        data, self._left = self._left[:n], self._left[n:]
        return data

    async def read(self, n: int = -1) -> bytes:
        return self.read_nowait(n)

    async def readany(self) -> bytes:
        return self.read_nowait()


class Decoder:
    """Undoes a content coding so that messages can be read; what is forwarded stays coded.

    `broken` is set, for good, when the bytes are not coded as they should be or unfold beyond the limit.
    """

    def __init__(self, coding: str) -> None:
        self._bits = zlib.MAX_WBITS | 16 if "gzip" in coding else zlib.MAX_WBITS
        self._inflate = zlib.decompressobj(self._bits)
        self._left = _DECODED_LIMIT
        self._begun = False
        self.broken = False

    @property
    def ended(self) -> bool:
        """Whether the coding came to its end, as a whole body must."""
        return self._inflate.eof and not self.broken

    def renew(self) -> None:
        """What was unfolded so far made whole events: the limit counts from here."""
        self._left = _DECODED_LIMIT

    def feed(self, data: bytes) -> bytes:
        """What these bytes unfold to; nothing once broken."""
        pieces: list[bytes] = []
        while data and not self.broken:
            if self._inflate.eof:  # RFC 1952 §2.2: members of a gzip file follow one another
                self._inflate = zlib.decompressobj(self._bits)
            pieces.append(self._unfold(data))
            data = self._inflate.unused_data
        return b"".join(pieces) if not self.broken else b""

    def _unfold(self, data: bytes) -> bytes:
        try:
            text = self._inflate.decompress(data, self._left)
        except zlib.error:
            if not self._begun and self._bits == zlib.MAX_WBITS:
                return self._as_bare_deflate(data)
            self.broken = True
            return b""
        self._begun = True
        self._left -= len(text)
        self.broken = self._left <= 0
        return text

    def _as_bare_deflate(self, data: bytes) -> bytes:
        """RFC 9110 §8.4.1.2: some send `deflate` without the zlib wrapper."""
        self._bits = -zlib.MAX_WBITS
        self._inflate = zlib.decompressobj(self._bits)
        return self._unfold(data)


def readable(body: bytes, content_type: str | None, coding: str | None, plain: Reader = read) -> Message | None:
    """The message in a body; None when the body says that it is no JSON, or is coded in a way we do not read.

    `plain` reads a body that is not coded.
    """
    if not is_json(content_type):
        return None
    if not coded(coding):
        return plain(body)
    decoder = decoder_of(coding)
    text = decoder.feed(body) if decoder else b""
    return read(text) if decoder and decoder.ended else None


class Gathered:
    """A body that comes in pieces. A few large ones are joined once; many small ones, and all of a huge body, go into a
    buffer that grows, so that they never take the memory of two."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0  # of these
        self._before: io.BytesIO | None = None

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if len(self._pieces) >= _MANY or self._size >= _HUGE:
            self._before = self._before or io.BytesIO()
            self._before.writelines(self._pieces)
            self._pieces.clear()
            self._size = 0

    def take(self) -> bytes:
        """All of it; here it is no more."""
        before, self._before = self._before, None
        pieces, self._pieces, self._size = self._pieces, [], 0
        if before is None:
            return b"".join(pieces)
        before.writelines(pieces)
        return before.getvalue()


async def whole(stream: aiohttp.StreamReader) -> bytes:
    """Everything until the end of a body."""
    body = Gathered()
    async for chunk in stream.iter_any():
        body.add(chunk)
    return body.take()


async def received(request: web.BaseRequest) -> bytes:
    """The body that a client sends. A client that waits to be asked for it is asked (RFC 9110 §10.1.1)."""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    return await whole(request.content)


async def pieces(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The body of a reply as it comes. Raises ClientError when it breaks off.

    aiohttp forgets whoever reads a body in which a chunk has no size: the connection is closed and the reader waits on.
    """
    content = response.content
    protocol = response.connection.protocol if response.connection is not None else None
    closed = protocol.closed if protocol is not None else None

    def wake(closed: "asyncio.Future[None]") -> None:
        if not closed.cancelled():
            closed.exception()
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("broken"))

    if closed is not None:
        closed.add_done_callback(wake)
    try:
        async for chunk in content.iter_any():
            yield chunk
    finally:
        if closed is not None:
            closed.remove_done_callback(wake)


def block_frame(raw: bytes, block: Block) -> Frame:
    """A block of an event stream; other events than `message` carry no JSON-RPC."""
    carries = block.data and block.event == "message"
    return Frame(raw, read(block.data) if carries and block.data else None, block, wire="block")


def is_event_stream(content_type: str | None) -> bool:
    return _media_type(content_type) == "text/event-stream"


def is_json(content_type: str | None) -> bool:
    media_type = _media_type(content_type)
    return media_type == "application/json" or media_type.endswith("+json")


def coded(coding: str | None) -> bool:
    """Whether a Content-Encoding changes the bytes."""
    return (coding or "identity").strip().lower() not in ("", "identity")


@lru_cache(maxsize=64)
def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def decoder_of(coding: str | None) -> Decoder | None:
    """What undoes a Content-Encoding; None for one that we do not read."""
    name = (coding or "").strip().lower()
    return Decoder(name) if name in ("gzip", "x-gzip", "deflate") else None
