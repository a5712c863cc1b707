"""A recorded end as a link: what the live end says goes to a player, what the player answers comes out.

The time is here: the player itself has none. Messages come out at once, or when as much time has passed as when they
were recorded; polls of a task are paced in any case.
"""

import asyncio
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Protocol

from interpose.core.events import Closed, End, Event, Frame, Received
from interpose.core.replay.player import Said
from interpose.core.replay.report import Report
from interpose.core.wire.message import Message, read
from interpose.edge.link import BoundedSink, Clock, Hear, carry

CHANNEL = "stdio"


class Plays(Protocol):
    """What a link needs of a player; see `core.replay.player.Player`."""

    def begin(self) -> list[Said]: ...

    def hear(self, message: Message) -> list[Said]: ...

    def end(self, reason: str) -> Report: ...

    @property
    def waiting(self) -> str | None: ...


class PlayerLink:
    """One recorded end. `speed` is how many recorded seconds pass in one; None: no time passes.

    `heard` is called after each message of the live end.
    """

    def __init__(self, end: End, player: Plays, clock: Clock, speed: float | None = None) -> None:
        self.end = end
        self.player = player
        self.heard: Callable[[], None] = lambda: None
        self.finished = asyncio.Event()  # nothing more will come out than what is queued
        self.severed = asyncio.Event()  # a policy has broken the connection off
        self._clock = clock
        self._speed = speed
        self._queue: list[tuple[float, int, bytes]] = []  # by the time that a message comes out
        self._count = 0
        self._filled = asyncio.Event()
        self._closed = False
        self._latest = 0.0
        self._schedule(player.begin())

    async def receive(self) -> Sequence[Event]:
        """What this end says now. At the end, `Closed`."""
        while not self._closed:
            events = self._taken()
            if events:
                return events
            if self.finished.is_set() and not self._queue:
                self._closed = True
                return [Closed(self._clock(), self.end, CHANNEL, "end")]
            await self._wait()
        return ()

    async def carry(self, hear: Hear, sink: BoundedSink) -> None:
        await carry(self.receive, hear, sink)

    def send(self, channel: str, frame: Frame) -> None:
        """The live end said something."""
        if frame.message is not None:
            self._schedule(self.player.hear(frame.message))
            self.heard()

    def flush(self) -> None:
        """A player hears at once."""

    @property
    def full(self) -> bool:
        return False

    async def room(self) -> None:
        """A player takes all at once."""

    async def finish(self) -> None:
        """The live end says no more: what it is still to get comes out in its time."""
        self.finished.set()
        self._filled.set()

    def close(self) -> None:
        """Say what is left without delay, and no more."""
        self._speed = None
        self._queue = [(0.0, number, raw) for _, number, raw in sorted(self._queue)]
        self.finished.set()
        self._filled.set()

    @property
    def holds_back(self) -> bool:
        """Whether something is not said yet only because its time has not come."""
        return self._clock() < self._latest

    def cut(self, channel: str) -> bool:
        self.close()
        self.severed.set()
        return True

    def _schedule(self, said: list[Said]) -> None:
        now = self._clock()
        for each in said:
            wait = 0.0 if self._speed is None else each.gap / self._speed
            if each.poll is not None:
                wait = max(wait, each.poll)
            elif wait:
                self._latest = max(self._latest, now + wait)
            self._count += 1
            heappush(self._queue, (now + wait if wait else 0.0, self._count, each.message))
        if said:
            self._filled.set()

    def _taken(self) -> list[Event]:
        now, events = self._clock(), list[Event]()
        while self._queue and self._queue[0][0] <= now:
            raw = heappop(self._queue)[2]
            if b"\n" in raw or b"\r" in raw:  # only between tokens: see stdio.as_line
                raw = raw.replace(b"\r", b" ").replace(b"\n", b" ")
            events.append(Received(now, self.end, CHANNEL, Frame(raw, read(raw), tail=b"\n")))
        return events

    async def _wait(self) -> None:
        """Until something new is queued, or what is queued is due."""
        self._filled.clear()
        left = max(0.0, self._queue[0][0] - self._clock()) if self._queue else None
        try:
            async with asyncio.timeout(left):
                await self._filled.wait()
        except TimeoutError:
            pass
