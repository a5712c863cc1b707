"""A reply as frames that may be edited: nothing in it stays coded that could not be read."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from interpose.core.events import Frame
from interpose.core.wire.gate import Gate
from interpose.core.wire.sse import BlockSplitter
from interpose.edge.transports.bodies import Decoder, block_frame, coded, is_event_stream, is_json
from interpose.edge.transports.frames import Cutter, Frames, cutter_for
from interpose.edge.transports.sending import Answer

_READ = ("gzip", "x-gzip", "deflate")


class Unreadable(Exception):
    """The reply cannot be judged. The text says why."""


def is_plain_json(content_types: Sequence[str]) -> bool:
    """Whether what a body says of itself leaves no doubt: once, and in UTF-8."""
    return len(content_types) == 1 and _is_plain(content_types[0])


@lru_cache(maxsize=256)
def _is_plain(content_type: str) -> bool:
    return Gate().refuse(b"{}", version=None, content_type=content_type) is None


def plain_frames(answer: Answer) -> Frames:
    """The frames of a reply; a coded event stream comes decoded. Raises Unreadable, and so may reading them.

    A coded body that holds one message keeps its bytes: it passes whole, or another is sent in its place. What is read
    in one way here and may be in another elsewhere is no message.
    """
    content_type, coding = answer.headers.get("Content-Type"), answer.headers.get("Content-Encoding") or ""
    certain, streams = is_plain_json(answer.headers.getall("Content-Type", [])), is_event_stream(content_type)
    if streams and not certain:
        raise Unreadable("policy cannot read an event stream that is not in UTF-8")
    if coded(coding) and (streams or is_json(content_type)) and coding.strip().lower() not in _READ:
        raise Unreadable(f"policy cannot read `Content-Encoding: {coding[:40]}`")
    if streams and coded(coding):
        return Frames(answer, _Decoded(coding))
    cutter = cutter_for(content_type, coding)
    return Frames(answer, cutter if certain else _Unread(cutter))


class _Unread:
    """A body whose frames are no messages."""

    def __init__(self, cutter: Cutter) -> None:
        self._cutter = cutter

    def feed(self, chunk: bytes) -> list[Frame]:
        return [msgspec.structs.replace(frame, message=None) for frame in self._cutter.feed(chunk)]

    def finish(self, cut: bool) -> list[Frame]:
        return [msgspec.structs.replace(frame, message=None) for frame in self._cutter.finish(cut)]


class _Decoded:
    """A compressed event stream, as what it unfolds to."""

    def __init__(self, coding: str) -> None:
        self._splitter = BlockSplitter()
        self._decoder = Decoder(coding.strip().lower())

    def feed(self, chunk: bytes) -> list[Frame]:
        """Raises Unreadable where it is not coded as it says."""
        blocks = self._splitter.feed(self._decoder.feed(chunk))
        if self._decoder.broken:
            raise Unreadable("the reply is not coded as it says")
        if blocks:
            self._decoder.renew()
        return [block_frame(block.raw, block) for block in blocks]

    def finish(self, cut: bool) -> list[Frame]:
        return []
