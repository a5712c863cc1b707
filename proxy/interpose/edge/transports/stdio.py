"""The stdio transport: one message a line, on two byte streams (2025-11-25 §basic/transports)."""

import asyncio
from collections.abc import Sequence

from interpose.core.events import Closed, End, Event, Frame, Received
from interpose.core.wire.lines import Line, LineSplitter
from interpose.core.wire.message import read
from interpose.edge.link import Clock, Outbox
from interpose.edge.transports.pace import paced
from interpose.edge.transports.pipes import READ_SIZE, Reader, Writer, is_idle, reader, writer

CHANNEL = "stdio"


class StdioLink:
    """One end reached through two byte streams. `write_loop` must run beside the session."""

    def __init__(self, end: End, reader: Reader, writer: Writer, clock: Clock) -> None:
        self.end = end
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._splitter = LineSplitter()
        self._outbox = Outbox()
        self._done = False
        self._due = False  # something was sent and the write loop does not know yet
        self.finished = False
        self.reads = 0
        self.gone = asyncio.Event()  # the write loop has ended: all is written, or nobody reads any more
        self.severed = asyncio.Event()  # the connection is to be broken off

    async def receive(self) -> Sequence[Event]:
        """The lines that arrived together; at the end of the stream what was left, and `Closed`."""
        while not self._done:
            chunk, reason = await self._read()
            if chunk:
                lines = self._splitter.feed(chunk)
                if lines:
                    return self._events(lines)
                continue
            self._done = True
            return [*self._events(self._splitter.finish()), Closed(self._clock(), self.end, CHANNEL, reason)]
        return ()

    def send(self, channel: str, frame: Frame) -> None:
        for number, piece in enumerate(as_line(frame)):
            self._outbox.put(piece, 0.0 if number else frame.over, stir=False)
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._write_now)

    def cut(self, channel: str) -> bool:
        """Take no more; what is queued is still written. What else there is to end is the session's business."""
        self.finished = True
        self._outbox.end()
        self.severed.set()
        return True

    async def room(self) -> None:
        self._write_now()
        await self._outbox.room()

    def _write_now(self) -> None:
        """Write what is queued without a turn of the write loop, unless the reader has to be waited for."""
        if not self._due:
            return
        self._due = False
        if not is_idle(self._writer):
            self._outbox.stir()
        elif data := self._outbox.snatch():
            self._writer.write(data)
            self._outbox.taken(len(data))

    @property
    def backlogged(self) -> bool:
        """Whether this end has more queued than it should: it reads slowly, or not at all."""
        return self._outbox.full

    async def finish(self) -> None:
        """Let the write loop empty the queue and close the stream."""
        self.finished = True
        self._outbox.end()

    async def write_loop(self) -> None:
        """Write until `finish`, or until the reader is gone; then close the stream."""
        try:
            while (taken := await self._outbox.take()) is not None:
                data, over = taken
                for piece, pause in paced(data, over, READ_SIZE):
                    if pause:
                        await asyncio.sleep(pause)
                    self._writer.write(piece)
                    await self._writer.drain()
                self._outbox.taken(len(data))
            self._writer.close()
            await self._writer.wait_closed()
        except OSError:
            self._outbox.abandon()
        finally:
            self._writer.close()
            self.gone.set()

    def abandon_after(self, seconds: float) -> None:
        """Give the reader this long to take what is queued, then forget it."""
        asyncio.get_running_loop().call_later(seconds, self.abandon)

    def abandon(self) -> None:
        """Forget what is queued and end the write loop, even in the middle of a write."""
        self._outbox.abandon()
        self.gone.set()

    async def _read(self) -> tuple[bytes, str]:
        try:
            chunk = await self._reader.read(READ_SIZE)
            self.reads += 1
            return chunk, "end"
        except OSError as error:
            return b"", error.strerror or "disconnect"

    def _events(self, lines: Sequence[Line]) -> list[Event]:
        at, end = self._clock(), self.end
        return [
            Received(at, end, CHANNEL, Frame(content, read(content) if content.strip() else None, None, tail))
            for content, tail in lines
        ]


async def own(clock: Clock) -> StdioLink:
    """The client on this process's standard input and output."""
    found: list[StdioLink] = []

    def vanished() -> None:
        for link in found:
            link.abandon()

    found.append(StdioLink("client", await reader(0), await writer(1, vanished), clock))
    return found[0]


def as_line(frame: Frame) -> tuple[bytes, ...]:
    """The bytes of a frame on stdio: as they came from a line; else the message, its line breaks taken out.

    A line break in JSON can only stand between tokens, so taking it out changes no value.
    """
    if frame.wire == "line":
        return (frame.raw + frame.tail,) if len(frame.raw) < READ_SIZE else (frame.raw, frame.tail)
    if frame.message is None:
        return ()
    raw = frame.message.raw
    if b"\n" in raw or b"\r" in raw:
        raw = raw.replace(b"\r", b" ").replace(b"\n", b" ")
    return raw, b"\n"
