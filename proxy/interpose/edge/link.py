"""The seam to the world: an end of a session, live or recorded."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from interpose.core.effects import Seek
from interpose.core.events import Decision, End, Event, Frame

Clock = Callable[[], float]
Decide = Callable[[Decision, str], None]
FAULT = "fault: disconnect"  # why a connection was closed that a policy broke off


class Sink(Protocol):
    """Where the core's deliveries to one end go."""

    end: End

    def send(self, channel: str, frame: Frame) -> None:
        """Queue a frame for this end. Never waits; dropped once the end is gone."""


class ClientSink(Sink, Protocol):
    """Where what a client is to get goes."""

    def cut(self, channel: str) -> bool:
        """Break the connection off, as a server would that fails. True when the session is over with it."""


class Approver(Protocol):
    """Who decides about held messages."""

    def seek(self, seek: Seek, decide: Decide) -> None:
        """Ask. `decide` hears the decision and who made it, later, if it is ever made; never before this returns."""


class Link(Sink, Protocol):
    """One end of a session. Failures of traffic are events (`Closed` with a reason), never exceptions."""

    async def receive(self) -> Sequence[Event]:
        """Wait for what this end says next. Empty: it will say nothing more."""

    async def room(self) -> None:
        """Wait until the queue is below its bound: who produces for this end waits here."""

    async def finish(self) -> None:
        """Nothing more will be sent: flush the queue, then tell this end so (close its input)."""


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
