"""Puts what waits at a desk to the person at the terminal that controls this process, one at a time.

Only where that can be done: not in CI, not without a terminal, not in the background, not where a program draws on it.
Whoever decides elsewhere is as good; then the question is over here.
"""

import asyncio
import os
import pwd
import time
from collections.abc import Iterator
from itertools import islice

from interpose.core.events import Decision
from interpose.core.formats import approval
from interpose.core.formats.approval import Asked
from interpose.core.formats.excerpt import said
from interpose.core.formats.paint import plain
from interpose.core.formats.sheet import Row
from interpose.core.formats.words import cut
from interpose.edge.approvers.desk import Desk, Gone, Unfit
from interpose.edge.approvers.tty import NoTerminal, Tty

_AGAIN = 1.0  # seconds until it is tried again, where another asks, or we are in the background
_LINES, _LINE = 60, 1000
_SHORT = 12
_SKIP = "skip"
_ASKED: dict[str, Decision] = {"approve": "approve", "decline": "decline", "cancel": "cancel"}  # others take a text


class Questioner:
    """Asks about what waits longest. What was skipped is left to others."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tty: Tty | None = None
        self._asked: Asked | None = None
        self._skipped: set[str] = set()
        self._later: asyncio.TimerHandle | None = None
        self._is_person_there = not os.environ.get("CI")

    def look(self) -> None:
        """Something began or ceased to wait."""
        waiting = self._desk.pending() if self._is_person_there else ()
        self._skipped &= {each.hold for each in waiting}
        if self._asked is not None and self._asked not in waiting:
            self._end(f"\n{approval.what(self._asked)}: {self._desk.fate(self._asked.hold)}\n")
        if self._asked is None:
            self._ask(next((each for each in waiting if each.hold not in self._skipped), None))

    def _ask(self, asked: Asked | None) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if asked is None:
            return
        try:
            self._tty = Tty(self._hear)
        except NoTerminal:
            self._is_person_there = False
        except OSError:
            self._later = asyncio.get_running_loop().call_later(_AGAIN, self.look)
        else:
            self._asked = asked
            self._tty.say("\n" + "\n".join(map(plain, _rows(asked))) + "\n" + _prompt(asked))

    def _hear(self, line: str | None) -> None:
        """What the person says; a word may be shortened. A line without a word is nothing."""
        asked, tty = self._asked, self._tty
        assert asked is not None
        assert tty is not None
        if line is None:
            self._end("")
            self._later = asyncio.get_running_loop().call_later(_AGAIN, self.look)
            return
        found = [word for word in _words(asked) if line and word.startswith(line.lower())]
        if len(found) != 1:
            tty.say(_prompt(asked))
        elif found == [_SKIP]:
            self._skipped.add(asked.hold)
            self._end(f"left to `interpose approvals approve {asked.hold[:_SHORT]}`\n")
            self.look()
        else:
            self._decide(asked, tty, found[0])

    def _decide(self, asked: Asked, tty: Tty, word: str) -> None:
        try:
            self._desk.decide(asked.hold, _ASKED[word], _name())
        except Unfit as unfit:
            tty.say(f"    {said(str(unfit), 400)}\n{_prompt(asked)}")
        except Gone:
            self.look()

    def _end(self, text: str) -> None:
        if self._tty is not None:
            self._tty.say(text)
            self._tty.close()
        self._tty = self._asked = None


def _rows(asked: Asked) -> Iterator[Row]:
    """What would happen, with the message to its last word or nearly so."""
    yield approval.row(asked, time.time())
    yield from approval.details(asked)
    lines = [plain(row) for row in approval.whole(asked)]
    yield from ((("plain", f"    {cut(line, _LINE)}"),) for line in islice(lines, _LINES))
    if len(lines) > _LINES or any(len(line) > _LINE for line in lines):
        yield (("warn", f"    this is not all of it: `interpose approvals show {asked.hold[:_SHORT]}`"),)


def _words(asked: Asked) -> list[str]:
    return [*(each for each in _ASKED if each in asked.may), _SKIP]


def _prompt(asked: Asked) -> str:
    return f"    {', '.join(_words(asked)[:-1])} or {_SKIP}? "


def _name() -> str:
    user = os.getuid()
    try:
        return f"{pwd.getpwuid(user).pw_name} (terminal)"
    except KeyError:
        return f"user {user} (terminal)"
