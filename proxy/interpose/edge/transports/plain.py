"""A reply as frames that may be edited: nothing in it stays coded that could not be read."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp
import msgspec

from interpose.core.events import Frame
from interpose.core.wire.gate import Gate
from interpose.core.wire.sse import BlockSplitter
from interpose.edge.transports.bodies import Decoder, block_frame, coded, frames, is_event_stream, is_json, pieces

_READ = ("gzip", "x-gzip", "deflate")


class Unreadable(Exception):
    """The reply cannot be judged. The text says why."""


def is_plain_json(content_types: list[str]) -> bool:
    """Whether what a body says of itself leaves no doubt: once, and in UTF-8."""
    return len(content_types) == 1 and Gate().refuse(b"{}", version=None, content_type=content_types[0]) is None


def plain_frames(response: aiohttp.ClientResponse) -> AsyncGenerator[Frame, None]:
    """The frames of a reply; a coded event stream comes decoded. Raises Unreadable now, ClientError when it breaks off.

    A coded body that holds one message keeps its bytes: it passes whole, or another is sent in its place. What is read
    in one way here and may be in another elsewhere is no message.
    """
    content_type, coding = response.headers.get("Content-Type"), response.headers.get("Content-Encoding") or ""
    certain, streams = is_plain_json(response.headers.getall("Content-Type", [])), is_event_stream(content_type)
    if streams and not certain:
        raise Unreadable("policy cannot read an event stream that is not in UTF-8")
    if coded(coding) and (streams or is_json(content_type)) and coding.strip().lower() not in _READ:
        raise Unreadable(f"policy cannot read `Content-Encoding: {coding[:40]}`")
    if streams and coded(coding):
        return _decoded(response, coding)
    return frames(response) if certain else _unread(response)


async def _unread(response: aiohttp.ClientResponse) -> AsyncGenerator[Frame, None]:
    async with aclosing(frames(response)) as parts:
        async for frame in parts:
            yield msgspec.structs.replace(frame, message=None)


async def _decoded(response: aiohttp.ClientResponse, coding: str) -> AsyncGenerator[Frame, None]:
    decoder, splitter = Decoder(coding.strip().lower()), BlockSplitter()
    async with aclosing(pieces(response)) as chunks:
        async for chunk in chunks:
            blocks = splitter.feed(decoder.feed(chunk))
            if decoder.broken:
                raise Unreadable("the reply is not coded as it says")
            if blocks:
                decoder.renew()
            for block in blocks:
                yield block_frame(block.raw, block)
