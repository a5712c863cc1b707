"""A reply as frames: the blocks of an event stream as they come, any other body in one piece."""

from typing import Protocol

import aiohttp

from interpose.core.events import Frame
from interpose.core.wire.message import read
from interpose.core.wire.sse import BlockSplitter
from interpose.edge.transports.bodies import Gathered, Reader, block_frame, coded, decoder_of, is_event_stream, readable
from interpose.edge.transports.memory import keep_blocks_of
from interpose.edge.transports.sending import Answer


class Cutter(Protocol):
    """Cuts a body into frames."""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that this chunk completes."""

    def finish(self, cut: bool) -> list[Frame]:
        """What is left at the end; `cut` when the body broke off."""


class Frames:
    """The frames of a reply, as many at a time as are there. `ended` once the last of them were given."""

    def __init__(self, answer: Answer, cutter: Cutter) -> None:
        self.ended = False
        self._content = answer.content
        self._cutter = cutter
        self._error: aiohttp.ClientError | None = None

    async def more(self) -> list[Frame]:
        """Wait for frames; none at the end. Raises ClientError when the reply breaks off.

        What came of an unfinished frame is still given before that.
        """
        if self._error is not None:
            raise self._error
        while not self.ended:
            try:
                content = self._content
                frames = self._cutter.feed(content.read_nowait() if content.is_eof() else await content.readany())
            except aiohttp.ClientError as error:
                self._error = error
                if rest := self._cutter.finish(cut=True):
                    return rest
                raise
            if self._content.at_eof():
                self.ended = True
                frames += self._cutter.finish(cut=False)
            if frames:
                return frames
        return []

    def rest(self) -> list[Frame]:
        """All frames of a reply that is here."""
        self.ended = True
        return [*self._cutter.feed(self._content.read_nowait()), *self._cutter.finish(cut=False)]


def frames_of(answer: Answer, plain: Reader = read) -> Frames:
    """The frames of a reply as it came. `plain` reads a body of one message."""
    headers = answer.headers
    return Frames(answer, cutter_for(headers.get("Content-Type"), headers.get("Content-Encoding"), plain))


def cutter_for(content_type: str | None, coding: str | None, plain: Reader = read) -> Cutter:
    """What cuts a body that says this of itself."""
    if not is_event_stream(content_type):
        return _Whole(content_type, coding, plain)
    return _CodedEvents(coding) if coded(coding) else _Events()


class _Whole:
    """A body in one piece."""

    def __init__(self, content_type: str | None, coding: str | None, plain: Reader) -> None:
        self._plain = plain
        self._body = Gathered()
        self._content_type, self._coding = content_type, coding

    def feed(self, chunk: bytes) -> list[Frame]:
        self._body.add(chunk)
        return []

    def finish(self, cut: bool) -> list[Frame]:
        """The body. What was cut off is not read as a message."""
        body = self._body.take()
        if not body:
            return []
        keep_blocks_of(len(body))
        message = None if cut else readable(body, self._content_type, self._coding, self._plain)
        return [Frame(body, message, wire="body")]


class _Events:
    """A plain event stream."""

    def __init__(self) -> None:
        self._splitter = BlockSplitter()

    def feed(self, chunk: bytes) -> list[Frame]:
        return [block_frame(block.raw, block) for block in self._splitter.feed(chunk)]

    def finish(self, cut: bool) -> list[Frame]:
        """The unterminated rest, which dispatches nothing."""
        rest = self._splitter.finish()
        return [Frame(rest, wire="block")] if rest else []


class _CodedEvents:
    """A compressed event stream: what can be read of it, then the bytes as they came."""

    def __init__(self, coding: str | None) -> None:
        self._splitter = BlockSplitter()
        self._decoder = decoder_of(coding)

    def feed(self, chunk: bytes) -> list[Frame]:
        frames = [block_frame(b"", block) for block in self._splitter.feed(self._text(chunk))]
        return [*frames, Frame(chunk, wire="body")] if chunk else frames

    def finish(self, cut: bool) -> list[Frame]:
        return []

    def _text(self, chunk: bytes) -> bytes:
        if self._decoder is None:
            return b""
        text = self._decoder.feed(chunk)
        if self._decoder.broken:
            self._splitter.finish()
        elif b"\n" in text or b"\r" in text:
            self._decoder.renew()
        return text
