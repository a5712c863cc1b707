"""A reply as frames that may be edited: nothing in it stays coded that could not be read."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp

from interpose.core.events import Frame
from interpose.core.wire.sse import BlockSplitter
from interpose.edge.transports.bodies import Decoder, block_frame, coded, frames, is_event_stream, is_json, pieces

_READ = ("gzip", "x-gzip", "deflate")


class Unreadable(Exception):
    """The reply cannot be judged. The text says why."""


async def plain_frames(response: aiohttp.ClientResponse) -> AsyncGenerator[Frame, None]:
    """The frames of a reply; a coded event stream comes decoded. Raises Unreadable, and ClientError when it breaks off.

    A coded body that holds one message keeps its bytes: it passes whole, or another is sent in its place.
    """
    content_type, coding = response.headers.get("Content-Type"), response.headers.get("Content-Encoding")
    if not coded(coding) or not (is_event_stream(content_type) or is_json(content_type)):
        source = frames(response)
    elif (coding or "").strip().lower() not in _READ:
        raise Unreadable(f"policy cannot read `Content-Encoding: {(coding or '')[:40]}`")
    else:
        source = _decoded(response, coding or "") if is_event_stream(content_type) else frames(response)
    async with aclosing(source) as parts:
        async for frame in parts:
            yield frame


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
