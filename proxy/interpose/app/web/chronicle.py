"""One session as the page tells it: rows by number, what became of each, what waits, which tasks live.

Follows a shelf as far as it goes. Of the messages it keeps nothing but where they are.
"""

import time
from array import array
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from interpose.app.web.row import Frame, Row, decode, encode, row, state
from interpose.app.web.shelf import Kept, Shelf
from interpose.app.web.tasks import TaskLives
from interpose.core.errors import RecordingError
from interpose.core.formats import head, waits
from interpose.core.formats.ledger import Ledger
from interpose.core.formats.line import Line
from interpose.core.formats.survey import Survey
from interpose.core.formats.transcript import WAITING, Transcript
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry, Header

_MOST_CHANGES = 4096
_MOST_POLLED = 4096
_MOST_HELD = 4096
_NONE = -1
_HELD = ("APPROVER", "DELAY")


class Chronicle:
    """A session that is followed. `live` while more may come.

    `changes` counts every time that a row of before has ended otherwise than by an answer of its own.
    """

    def __init__(self, header: Header, shelf: Shelf, rows: Kept, *, live: bool) -> None:
        self.header = header
        self.live = live
        self.problem = ""
        self.reading = True  # what is there was not followed to its end yet
        self.survey = Survey()
        self.tasks = TaskLives()
        self.changes = 0
        self._transcript = Transcript(self.survey.ledger, None)
        self._shelf, self._rows = shelf, rows
        self._lines = 0
        self._left: Iterator[tuple[int, bytes]] = iter(())
        self._main = array("I")
        self._asked: dict[str, array[int]] = {"#": array("q"), "s": array("q")}
        self._places, self._answers = array("q"), array("q")
        self._open: dict[int, int] = {}
        self._open_asks: dict[tuple[object, ...], int] = {}
        self._polled: set[str] = set()
        self._held: dict[str, str] = {}
        self._changed: deque[tuple[int, int]] = deque(maxlen=_MOST_CHANGES)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def name(self) -> str:
        return self.header.session

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.survey.last is not None or bool(self.problem) or not self.live

    @property
    def ledger(self) -> Ledger:
        return self.survey.ledger

    @property
    def at(self) -> float:
        """The time in the session: of its last line, or now where it goes on. Seconds since it began."""
        if self.over:
            return self.survey.at
        return max(self.survey.at, time.time() - epoch(self.header.started))

    def advance(self, seconds: float) -> bool:
        """Follow what came, for about so long. Whether there is more."""
        self.reading = self._follow(time.perf_counter() + seconds)
        return self.reading

    def rows(self, numbers: range | list[int]) -> list[Row]:
        """The rows of these numbers that are still there."""
        found = (self._rows.get(number) for number in numbers)
        return [decode(piece) for piece in found if piece is not None]

    def piece(self, number: int) -> bytes | None:
        """A row as JSON."""
        return self._rows.get(number)

    def main(self, begin: int = 0) -> list[int]:
        """The rows from one on that are shown when nobody searches."""
        return [number for number in self._main if number >= begin] if begin else list(self._main)

    def states(self, rows: list[Row]) -> dict[str, dict[str, Any]]:
        """How each of the rows that are owed an answer stands."""
        return {str(each.i): self.state(each.r) for each in rows if each.r is not None}

    def state(self, place: int) -> dict[str, Any]:
        answer = self._answers[place]
        piece = self._rows.get(answer) if answer != _NONE else None
        return state(self.ledger, place, None if piece is None else decode(piece), self.over and not self.reading)

    def changed(self, since: int) -> dict[str, dict[str, Any]] | None:
        """The states that changed after a count of `changes`; None when that is too long ago to tell."""
        if since < self.changes - len(self._changed):
            return None
        places = {place for number, place in self._changed if number > since}
        return {str(self._places[place]): self.state(place) for place in places}

    def row_of(self, number: str) -> int | None:
        """The row of the request that people call `#3` or `s#1`."""
        found = self._asked.get(number[:1])
        digits = number.removeprefix("s").removeprefix("#")
        if found is None or not digits.isdecimal() or len(digits) > 12 or not 0 < int(digits) <= len(found):
            return None
        return found[int(digits) - 1]

    def entry(self, number: int) -> Entry | None:
        """A line of the recording; None when it is kept no more."""
        line = self._shelf.line(number) if 0 < number <= self.survey.entries else None
        return None if line is None else decode_entry(line)

    def waits(self, most: int, *, desk: bool = False) -> tuple[list[dict[str, Any]], int]:
        """What waits, the oldest first, and how many there are.

        A call that is held waits for nobody else; with a `desk`, what is held lies there and is not told again.
        """
        at = self.at
        found = waits.told_once(self.survey.session.waits(at))
        held = {each.seq for each in found if each.who in _HELD}
        found = tuple(each for each in found if each.who in _HELD or each.seq not in held)
        if desk and not self.over:
            found = tuple(each for each in found if each.who != "APPROVER")
        told = [{**waits.fields(each, at, self.ledger), "style": waits.style(each, at)} for each in found[:most]]
        return told, len(found)

    def summary(self) -> dict[str, Any]:
        """The session in a few words."""
        opening = self.survey.opening
        last = self.survey.last
        return {
            **head.head_fields(self.header, opening),
            "name": str(self.header.server.get("name", "server"))[:80],
            "rows": len(self),
            "main": len(self._main),
            "messages": self.survey.session.counts.messages,
            "tally": head.tally(self.ledger, self.survey.session.counts),
            "at": self.at,
            "live": not self.over,
            "reading": self.reading,
            "ended": None if last is None else last.reason[:200],
            "problem": self.problem,
            "epoch": epoch(self.header.started),
        }

    def close(self) -> None:
        self._shelf.close()
        self._rows.close()

    def _follow(self, until: float) -> bool:
        while not self.problem:
            for offset, line in self._left:
                self._take(offset, line)
                if time.perf_counter() >= until:
                    return True
            try:
                news = self._shelf.news()
            except RecordingError as error:
                self.problem = str(error)
                return False
            self._note_ended()
            if not news:
                return False
            self._left = iter(news)
        return False

    def _take(self, offset: int, line: bytes) -> None:
        self._lines += 1
        if self._lines == 1:
            return  # the header
        try:
            entry = decode_entry(line)
        except ValueError as error:
            self.problem = f"line {self._lines}: damaged: {error}"
            return
        seen = self.survey.take(offset, entry)
        if seen is None:
            return
        for told in self._transcript.lines(entry, *seen):
            self._tell(told, entry)
        self.tasks.see(entry, seen[1], self.ledger)

    def _tell(self, line: Line, entry: Entry) -> None:
        number = len(self._rows)
        frame = Frame(number, self._lines - 1, self._begun(line, number), self._answered(line, number))
        made = row(line, entry, frame)
        if line.method == "tasks/get" and line.type == "request":
            made.main = made.task not in self._polled
            if len(self._polled) < _MOST_POLLED:
                self._polled.add(made.task)
        if made.type == "fact":
            made.inside = made.inside or self._about(entry)
        elif (hold := (entry.verdict or {}).get("hold")) and line.number and len(self._held) < _MOST_HELD:
            self._held.setdefault(str(hold), line.number)
        self._rows.add(encode(made))
        if made.main:
            self._main.append(number)

    def _about(self, entry: Entry) -> tuple[str, ...]:
        """What people call the message that was held and is decided about."""
        number = self._held.pop(entry.hold, "") if entry.kind == "decision" else ""
        return (number,) if number else ()

    def _begun(self, line: Line, number: int) -> int | None:
        """The place in the ledger of what is owed an answer from here on."""
        if line.type != "request" and not (line.type == "ask" and line.word == WAITING):
            return None
        place = len(self._places)
        self._places.append(number)
        self._answers.append(_NONE)
        self._open[place] = number
        if line.type == "request":
            self._asked[line.number[:1]].append(number)
        else:
            self._open_asks[_ask(line)] = place
        return place

    def _answered(self, line: Line, number: int) -> int | None:
        """The row that this line answers."""
        if line.type == "ask" and line.word != WAITING:
            place = self._open_asks.pop(_ask(line), None)
        elif line.type == "answer" and (asked := self.row_of(line.number)) is not None:
            place = self._place(asked)
        else:
            return None
        if place is None:
            return None
        if self._answers[place] == _NONE:
            self._answers[place] = number
            self._open.pop(place, None)
            self._note(place)
        return self._places[place]

    def _place(self, number: int) -> int | None:
        piece = self._rows.get(number)
        return None if piece is None else decode(piece).r

    def _note_ended(self) -> None:
        """What ended without an answer: cancelled, lost, refused with a status."""
        for place in [place for place in self._open if self.ledger.outcomes[place]]:
            del self._open[place]
            self._note(place)

    def _note(self, place: int) -> None:
        self.changes += 1
        self._changed.append((self.changes, place))


def epoch(started: str) -> float:
    """When a session began, in seconds since 1970; 0 where it does not say."""
    try:
        return datetime.fromisoformat(started).timestamp()
    except ValueError:
        return 0.0


def _ask(line: Line) -> tuple[object, ...]:
    return line.facts.get("carrier"), line.facts.get("key"), line.facts.get("task"), line.inside
