"""Threads of a script being played side by side: which message is due next, and which has to wait for what."""

from heapq import heappop, heappush

import msgspec

from interpose.core.replay.script import NONE, Script


class Run(msgspec.Struct, eq=False):
    """A thread being played: its call's row (NONE for what is outside of calls), and the row that is next.

    `id` and `token` are the live call's. `again` holds the answers heard since, when the thread was played before;
    `repeats` when only the call's answer is given again.
    """

    head: int
    next: int
    id: str = ""
    token: str | None = None
    over: bool = False
    repeats: bool = False
    again: set[int] | None = None


class Runs:
    """The runs of one player. `done` says which rows have come or were said."""

    def __init__(self, script: Script, done: bytearray) -> None:
        self._script = script
        self._done = done
        self._waits: dict[int, list[Run]] = {}  # by the row that they wait for
        self._ready: list[tuple[int, int, Run]] = []
        self._turn = 0

    def take(self) -> tuple[int, Run] | None:
        """The due message that was recorded first, and its run, which is past it now; None when nothing is due."""
        while self._ready:
            row, _, run = heappop(self._ready)
            if not run.over and run.next == row:
                run.next = NONE if run.repeats else self._script.follows[row]
                return row, run
        return None

    def go(self, run: Run) -> None:
        """Find out whether a run's next message is due, or what it waits for."""
        script = self._script
        while not run.over and (row := run.next) != NONE:
            own = script.own(row)
            needed = script.causes[row] if own else row
            if needed != NONE and not run.repeats and not self._has_come(needed, run):
                self._waits.setdefault(needed, []).append(run)
                return
            if own:
                self._turn += 1
                heappush(self._ready, (row, self._turn, run))
                return
            run.next = script.follows[row]

    def waiting_for(self, row: int) -> list[Run]:
        """The runs that wait for a row of the other end; they wait no more."""
        return self._waits.pop(row, [])

    def waited_for(self) -> int:
        """The first row that a call waits for; NONE when none does."""
        return min((row for row, runs in self._waits.items() if any(run.head != NONE for run in runs)), default=NONE)

    def _has_come(self, row: int, run: Run) -> bool:
        if run.again is not None and self._script.threads[row] == run.head and row != run.head:
            return row in run.again
        return bool(self._done[row])
