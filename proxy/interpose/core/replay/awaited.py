"""What a played client still waits for from the server, and which of it a live message is."""

from collections.abc import Sequence
from itertools import chain

from interpose.core.replay.script import NONE, Mark, Script


class Awaited:
    """The server's rows that have not come. `done` says which have.

    `due` are those that the client was past when it stopped to wait for them, `timed` those that it does not wait for.
    """

    def __init__(self, script: Script, done: bytearray) -> None:
        self._script = script
        self._done = done
        self.due: dict[int, None] = {}
        self.timed: dict[int, None] = {}
        self._keys: dict[int, int] = {}  # where the rows begin that have not come, by key
        self._threads: dict[int, int] = {}  # the same, by thread

    def came(self, row: int) -> None:
        self.due.pop(row, None)
        self.timed.pop(row, None)

    def equal(self, key: int, thread: int = NONE) -> int:
        """The first row that compares equal, of a thread if one is named; NONE when there is none left."""
        script = self._script
        row = self._left(self._keys, key, script.first.get(key, NONE), script.twins)
        while row != NONE and (self._done[row] or (thread != NONE and script.threads[row] != thread)):
            row = script.twins[row]
        return row

    def alike(self, method: str, thread: int = NONE) -> int:
        """The first row of a method, for something that compares equal to none; without a thread, of what is past."""
        script = self._script
        if thread != NONE:
            row = self._left(self._threads, thread, script.follows[thread], script.follows)
            while row != NONE and (script.own(row) or self._done[row] or script.method(row) != method):
                row = script.follows[row]
            return row
        for row in chain(self.due, self.timed):
            if script.method(row) == method and not script.marks[row] & Mark.RESPONSE:
                return row
        return NONE

    def _left(self, known: dict[int, int], key: int, first: int, following: Sequence[int]) -> int:
        """The first row of a chain that is not done; what was passed once is not passed again."""
        before = row = known.get(key, first)
        while row != NONE and self._done[row]:
            row = following[row]
        if row != before:
            known[key] = row
        return row
