"""The seam to the world: an end of a session, live or recorded."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

from interpose.core.effects import Release, Seek
from interpose.core.events import Decision, End, Event, Frame

Clock = Callable[[], float]
Hear = Callable[[Sequence[Event]], None]
FAULT = "fault: disconnect"  # why a connection was closed that a policy broke off


class Sink(Protocol):
    """Where the core's deliveries to one end go."""

    end: End

    def send(self, channel: str, frame: Frame) -> None:
        """Queue a frame for this end. Never waits; dropped once the end is gone."""

    def flush(self) -> None:
        """What was sent together is all there: let it go out. Never waits."""


class ClientSink(Sink, Protocol):
    """Where what a client is to get goes."""

    def cut(self, channel: str) -> bool:
        """Break the connection off, as a server would that fails. True when the session is over with it."""


class Decide(Protocol):
    """What hears a decision about one held message."""

    def __call__(self, decision: Decision, by: str, instead: bytes | None = None, /) -> str:
        """Decide, once. `by` is who does; `instead` goes with `edit` and `answer` (`Decided`).

        Returns why the decision does not count; nothing when it was carried out.
        """


class Approver(Protocol):
    """Who decides about held messages."""

    def seek(self, seek: Seek, decide: Decide) -> None:
        """Ask. `decide` hears the decision and who made it, later, if it is ever made; never before this returns."""

    def release(self, release: Release) -> None:
        """What was asked about waits no more, whoever decided. It may never have been asked about. Never waits."""


class BoundedSink(Sink, Protocol):
    """A sink with a queue."""

    @property
    def full(self) -> bool:
        """Whether more is queued than should be: who produces for this end waits for `room`."""

    async def room(self) -> None:
        """Wait until the queue is below its bound."""


class Link(BoundedSink, Protocol):
    """One end of a session. Failures of traffic are events (`Closed` with a reason), never exceptions."""

    async def carry(self, hear: Hear, sink: BoundedSink) -> None:
        """Have heard all that this end says until it is done, no faster than the sink takes it."""

    async def finish(self) -> None:
        """Nothing more will be sent: flush the queue, then tell this end so (close its input)."""


async def carry(receive: Callable[[], Awaitable[Sequence[Event]]], hear: Hear, sink: BoundedSink) -> None:
    """The carrying of a link that is asked for what comes next; nothing is the end of it."""
    while events := await receive():
        hear(events)
        if sink.full:
            await sink.room()


_TOGETHER = 1 << 16


class Outbox:
    """A queue of bytes with one writer, bounded by who fills it: `put` always succeeds, `room` waits.

    A message larger than the bound passes alone. Each piece has the seconds that writing it is to take.
    """

    def __init__(self, bound: int = 1 << 20) -> None:
        self._bound = bound
        self._queue: deque[tuple[bytes, float]] = deque()
        self._size = 0
        self._ended = False
        self._busy = False  # something was taken and is not written yet
        self._filled = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    @property
    def ended(self) -> bool:
        """Whether nothing more is taken."""
        return self._ended

    @property
    def full(self) -> bool:
        """Whether the bound is passed."""
        return not self._roomy.is_set()

    def put(self, data: bytes, over: float = 0.0, *, stir: bool = True) -> None:
        """Queue bytes; nothing is taken after `end`. Without `stir`, whoever waits in `take` goes on waiting."""
        if self._ended or not data:
            return
        self._queue.append((data, over))
        self._size += len(data)
        if stir:
            self._filled.set()
        if self._size > self._bound:
            self._roomy.clear()

    def stir(self) -> None:
        """Wake whoever waits in `take`."""
        self._filled.set()

    def end(self) -> None:
        """Nothing more comes; what is queued is still taken."""
        self._ended = True
        self._filled.set()

    def abandon(self) -> None:
        """The reader is gone: forget what is queued, let everybody pass."""
        self.end()
        self._queue.clear()
        self._size = 0
        self._roomy.set()

    async def take(self) -> tuple[bytes, float] | None:
        """The next bytes and their seconds, small messages together; None at the end."""
        while not self._queue:
            if self._ended:
                return None
            self._filled.clear()
            await self._filled.wait()
        self._busy = True
        data, over = self._queue.popleft()
        if over or not self._queue or len(data) >= _TOGETHER:
            return data, over
        return b"".join((data, *self._small(len(data)))), 0.0

    def snatch(self) -> bytes:
        """What can be written at once, in the place of `take`. Where anything is left, that is stirred."""
        first = self._queue[0] if self._queue and not self._busy else (b"", 1.0)
        data = b"" if first[1] or len(first[0]) >= _TOGETHER else b"".join(self._small(0))
        if self._queue:
            self._filled.set()
        return data

    def _small(self, size: int) -> Iterator[bytes]:
        """What stands next in the queue and goes together with so many bytes."""
        while self._queue and not self._queue[0][1] and size < _TOGETHER:
            data, _ = self._queue.popleft()
            size += len(data)
            yield data

    def taken(self, size: int) -> None:
        """So many bytes have been written: make room."""
        self._busy = False
        self._size = max(0, self._size - size)
        if self._size <= self._bound:
            self._roomy.set()

    async def room(self) -> None:
        await self._roomy.wait()
