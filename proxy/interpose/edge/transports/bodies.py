"""HTTP bodies: read whole, sent with a mark of when they are out, decoded for reading, cut into frames."""

import asyncio
import zlib
from collections.abc import AsyncIterator

import aiohttp

from interpose.core.events import Frame
from interpose.core.wire.message import Message, read
from interpose.core.wire.sse import Block, BlockSplitter

_STEP = 1 << 18
_DECODED_LIMIT = 1 << 28  # what a compressed body may unfold to before it counts as unreadable


class Body:
    """A request body on its way out. `sent` is set once every byte was handed to the connection."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sent = asyncio.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body a step at a time, as aiohttp wants it."""
        for start in range(0, len(self.data), _STEP):
            yield self.data if len(self.data) <= _STEP else self.data[start : start + _STEP]
        self.sent.set()


class Decoder:
    """Undoes a content coding so that messages can be read; what is forwarded stays coded."""

    def __init__(self, coding: str) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32 if "gzip" in coding else zlib.MAX_WBITS)
        self._left = _DECODED_LIMIT

    def feed(self, data: bytes) -> bytes:
        """What these bytes unfold to; empty once the limit is passed or the coding is broken."""
        try:
            text = self._inflate.decompress(data, self._left)
        except zlib.error:
            self._left = 0
            return b""
        self._left -= len(text)
        return text if self._left > 0 else b""


def readable(body: bytes, content_type: str | None, coding: str | None) -> Message | None:
    """The message in a body; None when the body says that it is no JSON, or is coded in a way we do not read."""
    if not is_json(content_type):
        return None
    if coded(coding):
        decoder = _decoder(coding)
        return read(decoder.feed(body)) if decoder else None
    return read(body)


async def whole(stream: aiohttp.StreamReader) -> bytes:
    """Everything until the end of a body."""
    chunks = [chunk async for chunk in stream.iter_any()]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def frames(response: aiohttp.ClientResponse) -> AsyncIterator[Frame]:
    """A reply as frames: the blocks of an event stream as they come, any other body in one piece."""
    content_type, coding = response.headers.get("Content-Type"), response.headers.get("Content-Encoding")
    if not is_event_stream(content_type):
        body = await whole(response.content)
        if body:
            yield Frame(body, readable(body, content_type, coding), wire="body")
        return
    splitter = BlockSplitter()
    decoder = _decoder(coding)
    async for chunk in response.content.iter_any():
        if not coded(coding):
            for block in splitter.feed(chunk):
                yield block_frame(block.raw, block)
            continue
        for block in splitter.feed(decoder.feed(chunk) if decoder else b""):
            yield block_frame(b"", block)
        yield Frame(chunk, wire="body")
    if rest := splitter.finish():
        yield Frame(b"" if coded(coding) else rest, wire="block")


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
