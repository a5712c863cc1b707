"""The stdio transport: one message a line, on two byte streams (2025-11-25 §basic/transports)."""

import asyncio
from collections.abc import Callable, Sequence

from interpose.core.events import Closed, End, Event, Frame, Received
from interpose.core.wire.lines import Line, LineSplitter, portions
from interpose.core.wire.message import read
from interpose.edge.link import BoundedSink, Clock, Hear, Outbox
from interpose.edge.runner import Conversation
from interpose.edge.transports.ahead import Ahead
from interpose.edge.transports.memory import return_large_blocks
from interpose.edge.transports.pace import paced
from interpose.edge.transports.pipes import READ_SIZE, Reader, Source, Writer, is_idle, reader, writer

CHANNEL = "stdio"
_PORTION = 1 << 15  # bytes: the other end has these lines while the next are heard
_NOTHING = Ahead()


class StdioLink:
    """One end reached through two byte streams. `write_loop` must run beside the session."""

    def __init__(self, end: End, reader: Reader | Source, writer: Writer, clock: Clock) -> None:
        self.end = end
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._splitter = LineSplitter()
        self._ahead = b""  # what the other end has already, though it was not heard
        self._outbox = Outbox()
        self.finished = False
        self.reads = 0
        self.gone = asyncio.Event()  # the write loop has ended: all is written, or nobody reads any more
        self.severed = asyncio.Event()  # the connection is to be broken off

    def begin_after(self, data: bytes) -> None:
        """The other end has these bytes already; `relay` is to hear them first."""
        self._ahead = data

    async def carry(self, hear: Hear, sink: BoundedSink) -> None:
        """The lines that arrived together are heard together; at the end what was left, and `Closed`."""

        def heard(chunk: bytes) -> None:
            if lines := self._lines(chunk):
                hear(self._events(lines))

        def ended(reason: str) -> None:
            hear([*self._events(self._splitter.finish()), self._closed(reason)])

        await self._carry(heard, ended, sink)

    async def relay(self, conversation: Conversation, sink: "StdioLink") -> None:
        """The same towards another end on stdio. Where all passes as it comes, bytes go on without a look at them.

        INVARIANT: several lines are recorded before they go on. A single one, or a part of one, goes on first, and is
        recorded before anything else is heard: who is killed between the two loses that last line. A large one may
        still be on its way to the disk then: before the end of the next line goes on, it is there.
        """
        if not conversation.passes:
            await self._relay_judged(conversation, sink)
            return
        conversation.overhear(self.end, self._lines(self._ahead))

        def heard(chunk: bytes) -> None:
            lines = self._lines(chunk)
            together = len(lines) > 1
            if not together and conversation.passes:
                if lines:
                    conversation.settle()
                sink.pass_on(chunk)
            if lines:
                conversation.overhear(self.end, lines)
            if together and conversation.passes:
                sink.pass_on(chunk)

        def ended(reason: str) -> None:
            conversation.overhear(self.end, self._splitter.finish())
            conversation.hear(self._closed(reason))

        await self._carry(heard, ended, sink)

    async def _relay_judged(self, conversation: Conversation, sink: "StdioLink") -> None:
        """The same where policy has a say in every line."""

        def heard(chunk: bytes) -> None:
            if lines := self._lines(chunk):
                conversation.hear_lines(self.end, lines)

        def ended(reason: str) -> None:
            conversation.hear_lines(self.end, self._splitter.finish())
            conversation.hear(self._closed(reason))

        await self._carry(heard, ended, sink)

    async def _carry(self, hear: Callable[[bytes], None], ended: Callable[[str], None], sink: BoundedSink) -> None:
        def heard(chunk: bytes) -> None:
            for portion in portions(chunk, _PORTION):
                hear(portion)

        if isinstance(self._reader, Source):
            await _Flow(self._reader, heard, ended, sink).run()
            return
        reason = ""
        while not reason:
            chunk, reason = await self._read(self._reader)
            heard(chunk)
            if sink.full:
                await sink.room()
        ended(reason)

    def pass_on(self, data: bytes) -> None:
        """Write bytes as they came, at once if that can be."""
        self._outbox.put(data, stir=False)
        self.flush()

    def send(self, channel: str, frame: Frame) -> None:
        for number, piece in enumerate(as_line(frame)):
            self._outbox.put(piece, 0.0 if number else frame.over, stir=False)

    def flush(self) -> None:
        """Write what is queued without a turn of the write loop, unless the reader has to be waited for."""
        if not is_idle(self._writer):
            self._outbox.stir()
        elif data := self._outbox.snatch():
            self._writer.write(data)
            self._outbox.taken(len(data))

    def cut(self, channel: str) -> bool:
        """Take no more; what is queued is still written. What else there is to end is the session's business."""
        self.finished = True
        self._outbox.end()
        self.severed.set()
        return True

    @property
    def full(self) -> bool:
        """Whether this end has more queued than it should: it reads slowly, or not at all."""
        return self._outbox.full

    async def room(self) -> None:
        await self._outbox.room()

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

    def _closed(self, reason: str) -> Closed:
        return Closed(self._clock(), self.end, CHANNEL, reason)

    def _lines(self, chunk: bytes) -> Sequence[Line]:
        self.reads += 1
        lines = self._splitter.feed(chunk)
        if not lines:  # it may become a large one
            return_large_blocks()
        return lines

    async def _read(self, reader: Reader) -> tuple[bytes, str]:
        """The next bytes; without any, why there are no more."""
        try:
            chunk = await reader.read(READ_SIZE)
            return chunk, "" if chunk else "end"
        except OSError as error:
            return b"", error.strerror or "disconnect"

    def _events(self, lines: Sequence[Line]) -> list[Event]:
        at, end = self._clock(), self.end
        return [
            Received(at, end, CHANNEL, Frame(content, read(content) if content.strip() else None, None, tail))
            for content, tail in lines
        ]


class _Flow:
    """Bytes that come by themselves: heard in the very turn of the event loop that brings them."""

    def __init__(
        self, source: Source, heard: Callable[[bytes], None], ended: Callable[[str], None], sink: BoundedSink
    ) -> None:
        self._source = source
        self._heard = heard
        self._ended = ended
        self._sink = sink
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until the end of the stream. Raises what hearing it raised."""
        self._source.listen(self._hear, self._end)
        try:
            await self._over
            while self._sink.full:
                await self._sink.room()
        finally:
            self._source.leave()
            if self._waiting is not None:
                self._waiting.cancel()

    def _hear(self, chunk: bytes) -> None:
        try:
            self._heard(chunk)
        except BaseException as error:
            self._fail(error)
        if self._sink.full and self._waiting is None:
            self._source.pause()
            self._waiting = asyncio.ensure_future(self._wait())

    def _end(self, reason: str) -> None:
        try:
            self._ended(reason)
        except BaseException as error:
            self._fail(error)
        if not self._over.done():
            self._over.set_result(None)

    def _fail(self, error: BaseException) -> None:
        """An event loop would only tell of it: whoever runs this is to know."""
        self._source.leave()
        if not self._over.done():
            self._over.set_exception(error)

    async def _wait(self) -> None:
        """Read on when the sink has room."""
        await self._sink.room()
        self._waiting = None
        self._source.resume()


async def own(clock: Clock, ahead: Ahead = _NOTHING) -> StdioLink:
    """The client on this process's standard input and output, from which this much was read already."""
    found: list[StdioLink] = []

    def vanished() -> None:
        for link in found:
            link.abandon()

    client = StdioLink("client", await reader(0, b"" if ahead.passed else ahead.data), await writer(1, vanished), clock)
    if ahead.passed:
        client.begin_after(ahead.data)
    found.append(client)
    return client


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
