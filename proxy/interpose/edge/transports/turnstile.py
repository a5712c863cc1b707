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

    async def enter(self, begin: Begin) -> tuple[Sending, str]:
        """Begin in its turn, and wait until it is under way. The text says what was waited for in vain."""
        if not self._held:
            sending = self._begun(begin)
        else:
            sending = await self._turn(begin)
        if sending.is_under_way:
            return sending, ""
        try:
            return sending, await sending.under_way()
        finally:
            self._leave()

    async def _turn(self, begin: Begin) -> Sending:
        turn: asyncio.Future[Sending] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, begin))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                sending = turn.result()
                sending.release()
                if not sending.is_under_way:
                    self._leave()
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
