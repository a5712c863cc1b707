"""A queue between a producer that never waits to put and a consumer that takes all there is; bounded by weight."""

import asyncio
from collections.abc import Sequence
from typing import Generic, TypeVar

from interpose.core.events import Event, Frame, Received, Told
from interpose.edge.link import Clock

_Item = TypeVar("_Item")


class Mailbox(Generic[_Item]):
    """`put` always succeeds, `room` waits while more than the bound is queued: who produces waits there.

    An item heavier than the bound passes alone.
    """

    def __init__(self, bound: int = 1 << 20) -> None:
        self._bound = bound
        self._items: list[_Item] = []
        self._weight = 0
        self._ended = False
        self._filled = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    def put(self, item: _Item, weight: int = 0) -> None:
        """Queue an item; nothing is taken after `end`."""
        if self._ended:
            return
        self._items.append(item)
        self._weight += weight
        self._filled.set()
        if self._weight > self._bound:
            self._roomy.clear()

    def end(self) -> None:
        """Nothing more comes; what is queued is still taken."""
        self._ended = True
        self._filled.set()
        self._roomy.set()

    async def take(self) -> Sequence[_Item]:
        """Everything that is queued, at least one item; empty at the end."""
        while not self._items and not self._ended:
            self._filled.clear()
            await self._filled.wait()
        items, self._items, self._weight = self._items, [], 0
        self._roomy.set()
        return items

    @property
    def full(self) -> bool:
        return not self._roomy.is_set()

    async def room(self) -> None:
        await self._roomy.wait()


class Inbox(Mailbox[Event]):
    """What the server's end says, in order: messages, facts about exchanges, and notes of our own."""

    def __init__(self, clock: Clock, bound: int = 1 << 20) -> None:
        super().__init__(bound)
        self.clock = clock

    def frame(self, channel: str, frame: Frame) -> None:
        """The server sent something."""
        self.put(Received(self.clock(), "server", channel, frame), len(frame.raw))

    def note(self, text: str) -> None:
        """What interpose itself did, and why."""
        self.put(Told(self.clock(), "server", "note", text))
