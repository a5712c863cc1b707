"""Watches sessions and sends their spans to a collector. Spans say what the recording would, no more.

What cannot be sent is kept up to a bound, then the oldest goes. Traffic never waits for any of it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from interpose.core.exporting.otlp import Trace
from interpose.core.exporting.otlp_text import Group, traces
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Header
from interpose.edge.spans.collector import Collector, Reply
from interpose.edge.stores.beginning import began

_EVERY = 1.0  # seconds between two batches that are not full
_BATCH = 512
_MOST_SPANS = 8192
_MOST_BYTES = 16 << 20  # of lines that no span was made of yet
_SLOWEST = 30.0
_LAST = 1.0  # seconds at the end for what is left


class Exporter:
    """A watcher that makes spans of what it hears, a line at a time between two turns of the event loop."""

    def __init__(self, collector: Collector, say: Callable[[str], None]) -> None:
        self._collector = collector
        self._say = say
        self._warned = False
        self._traces: dict[str, Trace] = {}
        self._lines: deque[tuple[str, bytes]] = deque()  # an empty line is a session's end
        self._size = 0
        self._heard = asyncio.Event()
        self._spans: deque[tuple[Group, str]] = deque()
        self._many = asyncio.Event()
        self._ending = asyncio.Event()
        self.lost_lines = 0
        self.lost_spans = 0

    # --- what it hears -----------------------------------------------------------------------------------------------

    def opened(self, session: str, header: Header) -> None:
        self._traces[session] = Trace(header, began(header))

    def recorded(self, session: str, lines: Sequence[bytes]) -> None:
        for line in lines:
            self._lines.append((session, line))
            self._size += len(line)
        while self._size > _MOST_BYTES:
            self._skip()
        self._heard.set()

    def closed(self, session: str) -> None:
        self._lines.append((session, b""))
        self._heard.set()

    def _skip(self) -> None:
        """Leave the oldest line out; never an end."""
        session, line = self._lines.popleft()
        self._size -= len(line)
        if line:
            self.lost_lines += 1
        else:
            self._end(session)

    # --- what it makes of it -----------------------------------------------------------------------------------------

    async def translate(self) -> None:
        """Make spans, for ever."""
        while await self._heard.wait():
            self._heard.clear()
            await self._translate()

    async def _translate(self) -> None:
        while self._lines:
            session, line = self._lines.popleft()
            self._size -= len(line)
            if line:
                self._take(session, line)
            else:
                self._end(session)
            await asyncio.sleep(0)

    def _take(self, session: str, line: bytes) -> None:
        trace = self._traces[session]
        self._keep(trace.group, trace.take(decode_entry(line)))

    def _end(self, session: str) -> None:
        trace = self._traces.pop(session)
        self._keep(trace.group, trace.rest())

    def _keep(self, group: Group, spans: Iterable[str]) -> None:
        self._spans.extend((group, span) for span in spans)
        while len(self._spans) > _MOST_SPANS:
            self._spans.popleft()
            self.lost_spans += 1
        if len(self._spans) >= _BATCH:
            self._many.set()

    # --- what becomes of them ----------------------------------------------------------------------------------------

    async def deliver(self) -> None:
        """Send spans as they come, until `finish`; more seldom while they are not taken."""
        pause = _EVERY
        while not self._ending.is_set():
            await self._pause(pause)
            reply = await self._deliver()
            pause = min(_SLOWEST, max(2 * pause, reply.after)) if reply.again else _EVERY

    async def _pause(self, seconds: float) -> None:
        """The end ends it, and unless spans are not taken, a full batch."""
        ends = self._many if seconds <= _EVERY else self._ending
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await ends.wait()
        self._many.clear()

    async def _deliver(self) -> Reply:
        """Send what there is, until one batch has to wait."""
        reply = Reply()
        while self._spans and not reply.again:
            batch = [self._spans.popleft() for _ in range(min(_BATCH, len(self._spans)))]
            try:
                reply = await self._collector.send(_body(batch))
            except asyncio.CancelledError:
                self._put_back(batch)
                raise
            if reply.again:
                self._put_back(batch)
            elif reply.problem:
                self.lost_spans += reply.rejected or len(batch)
            if reply.problem:
                self._warn(reply.problem)
        return reply

    def _put_back(self, batch: list[tuple[Group, str]]) -> None:
        room = max(0, _MOST_SPANS - len(self._spans))
        self.lost_spans += max(0, len(batch) - room)
        self._spans.extendleft(reversed(batch[-room:] if room else []))

    def _warn(self, problem: str) -> None:
        if not self._warned:
            self._warned = True
            self._say(f"spans: {self._collector.name} does not take them ({problem}); traffic goes on")

    async def finish(self, delivering: asyncio.Task[None]) -> None:
        """Send what is left, within a second, and say what was lost. What is on its way is not sent twice."""
        self._ending.set()
        self._many.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST):
                await self._translate()
                await delivering
                await self._deliver()
        lost, unread = self.lost_spans + len(self._spans), self.lost_lines + len(self._lines)
        if lost:
            self._say(f"spans: {lost} were not taken by {self._collector.name}")
        if unread:
            self._say(f"spans: none were made of {unread} entries: there was more traffic than time for it")


@asynccontextmanager
async def exporting(collector: Collector, say: Callable[[str], None]) -> AsyncIterator[Exporter]:
    """Export within the block. Sessions are to be closed in it: their last spans go out at its end."""
    async with collector:
        exporter = Exporter(collector, say)
        translating, delivering = asyncio.create_task(exporter.translate()), asyncio.create_task(exporter.deliver())
        try:
            yield exporter
        finally:
            translating.cancel()
            await asyncio.wait((translating,))
            await exporter.finish(delivering)


def _body(batch: Iterable[tuple[Group, str]]) -> bytes:
    """Spans of several sessions, each with its own."""
    spans: dict[Group, list[str]] = {}
    for group, span in batch:
        spans.setdefault(group, []).append(span)
    return traces(group.text(of_group) for group, of_group in spans.items()).encode()
