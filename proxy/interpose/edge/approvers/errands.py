"""Asks that take their time, one task each, given up as soon as nobody waits for the answer. Bounded at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from interpose.core.effects import Release, Seek
from interpose.core.formats.approval import asked_of
from interpose.edge.approvers.verdict import carry_out
from interpose.edge.link import Decide

Say = Callable[[str], None]


class Failed(Exception):
    """The one who is asked did not answer; the text says why."""


class Errands:
    """An approver that puts a question as JSON and gets a verdict as JSON.

    `ask` takes the one and returns the other, or raises Failed; it is cancelled when the hold is over. Without a
    verdict that counts nothing is decided, and the hold's own time decides.
    """

    def __init__(self, who: str, ask: Callable[[bytes], Awaitable[bytes]], say: Say, at_once: int) -> None:
        self._who, self._ask, self._say, self._at_once = who, ask, say, at_once
        self._free: asyncio.Semaphore | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def seek(self, seek: Seek, decide: Decide) -> None:
        now = time.time()
        question = msgspec.json.encode(asked_of(seek, now, now + seek.until - seek.at))
        self._tasks[seek.hold] = asyncio.get_running_loop().create_task(self._run(seek.hold, question, decide))

    def release(self, release: Release) -> None:
        task = self._tasks.pop(release.hold, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def _run(self, hold: str, question: bytes, decide: Decide) -> None:
        if self._free is None:
            self._free = asyncio.Semaphore(self._at_once)
        try:
            async with self._free:
                answer = await self._ask(question)
            trouble = carry_out(answer, hold, self._who, decide)
        except Failed as failed:
            trouble = str(failed)
        if trouble:
            self._say(f"approver {self._who}: {trouble}; nothing is decided about {hold}")
