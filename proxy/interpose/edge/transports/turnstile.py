"""The order in which the requests of one session go up, whatever connections they come and go by."""

import asyncio
from collections import deque
from collections.abc import Callable

from interpose.edge.transports.sending import Sending

Begin = Callable[[], Sending]


class Turnstile:
    """Lets one request begin after the other is under way.

    Those that wait are begun by whoever was before them, and not when their own tasks run again: else a single wait
    would make everybody after it wait for a turn of the event loop, for as long as there is much to do.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[asyncio.Future[Sending], Begin]] = deque()
        self._held = False

    def begin(self, begin: Begin) -> Sending | None:
        """Begin where nobody is before it. Whoever does this waits by `settle`, or gives it up."""
        return None if self._held else self._begun(begin)

    async def enter(self, begin: Begin) -> tuple[Sending, str]:
        """Begin in its turn, and wait until it is under way. The text says what was waited for in vain."""
        sending = self.begin(begin) or await self._turn(begin)
        return sending, await self.settle(sending)

    async def settle(self, sending: Sending) -> str:
        """Wait until what was begun is under way. The text says what was waited for in vain."""
        if sending.is_under_way:
            return ""
        try:
            return await sending.under_way()
        finally:
            self._leave()

    def give_up(self, sending: Sending) -> None:
        """Nobody waits for what was begun."""
        sending.release()
        if not sending.is_under_way:
            self._leave()

    async def _turn(self, begin: Begin) -> Sending:
        turn: asyncio.Future[Sending] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, begin))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_up(turn.result())
            raise

    def _begun(self, begin: Begin) -> Sending:
        sending = begin()
        self._held = not sending.is_under_way
        return sending

    def _leave(self) -> None:
        self._held = False
        while self._waiting and not self._held:
            turn, begin = self._waiting.popleft()
            if not turn.done():  # else its client has left
                turn.set_result(self._begun(begin))
