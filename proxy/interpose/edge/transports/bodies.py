"""HTTP bodies: read whole, sent with a mark of when they are out, decoded for reading, cut into frames."""

import asyncio
import io
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Protocol

import aiohttp

from interpose.core.events import Frame
from interpose.core.wire.message import Message, read
from interpose.core.wire.sse import Block, BlockSplitter
from interpose.edge.transports.pace import paced

_STEP = 1 << 18
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


def readable(body: bytes, content_type: str | None, coding: str | None) -> Message | None:
    """The message in a body; None when the body says that it is no JSON, or is coded in a way we do not read."""
    if not is_json(content_type):
        return None
    if not coded(coding):
        return read(body)
    decoder = _decoder(coding)
    text = decoder.feed(body) if decoder else b""
    return read(text) if decoder and decoder.ended else None


async def whole(stream: aiohttp.StreamReader) -> bytes:
    """Everything until the end of a body. A BytesIO grows in place: no moment holds the body twice."""
    body = io.BytesIO()
    async for chunk in stream.iter_any():
        body.write(chunk)
    return body.getvalue()


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


async def frames(response: aiohttp.ClientResponse) -> AsyncGenerator[Frame, None]:
    """A reply as frames: the blocks of an event stream as they come, any other body in one piece.

    When the reply breaks off, what came of an unfinished frame is still given before the error goes on.
    """
    content_type, coding = response.headers.get("Content-Type"), response.headers.get("Content-Encoding")
    cutter = _cutter(content_type, coding)
    try:
        async with aclosing(pieces(response)) as chunks:
            async for chunk in chunks:
                for frame in cutter.feed(chunk):
                    yield frame
    except aiohttp.ClientError:
        for frame in cutter.finish(cut=True):
            yield frame
        raise
    for frame in cutter.finish(cut=False):
        yield frame


class _Cutter(Protocol):
    """Cuts a body into frames."""

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that this chunk completes."""

    def finish(self, cut: bool) -> Iterator[Frame]:
        """What is left at the end; `cut` when the body broke off."""


def _cutter(content_type: str | None, coding: str | None) -> _Cutter:
    if not is_event_stream(content_type):
        return _Whole(content_type, coding)
    return _CodedEvents(coding) if coded(coding) else _Events()


class _Whole:
    """A body in one piece."""

    def __init__(self, content_type: str | None, coding: str | None) -> None:
        self._body = io.BytesIO()
        self._content_type, self._coding = content_type, coding

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        self._body.write(chunk)
        return iter(())

    def finish(self, cut: bool) -> Iterator[Frame]:
        """The body. What was cut off is not read as a message."""
        body = self._body.getvalue()
        self._body = io.BytesIO()
        if body:
            yield Frame(body, None if cut else readable(body, self._content_type, self._coding), wire="body")


class _Events:
    """A plain event stream."""

    def __init__(self) -> None:
        self._splitter = BlockSplitter()

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        return (block_frame(block.raw, block) for block in self._splitter.feed(chunk))

    def finish(self, cut: bool) -> Iterator[Frame]:
        """The unterminated rest, which dispatches nothing."""
        if rest := self._splitter.finish():
            yield Frame(rest, wire="block")


class _CodedEvents:
    """A compressed event stream: what can be read of it, then the bytes as they came."""

    def __init__(self, coding: str | None) -> None:
        self._splitter = BlockSplitter()
        self._decoder = _decoder(coding)

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        for block in self._splitter.feed(self._text(chunk)):
            yield block_frame(b"", block)
        yield Frame(chunk, wire="body")

    def finish(self, cut: bool) -> Iterator[Frame]:
        return iter(())

    def _text(self, chunk: bytes) -> bytes:
        if self._decoder is None:
            return b""
        text = self._decoder.feed(chunk)
        if self._decoder.broken:
            self._splitter.finish()
        elif b"\n" in text or b"\r" in text:
            self._decoder.renew()
        return text


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


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _decoder(coding: str | None) -> Decoder | None:
    name = (coding or "").strip().lower()
    return Decoder(name) if name in ("gzip", "x-gzip", "deflate") else None
