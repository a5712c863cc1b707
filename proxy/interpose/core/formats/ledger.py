"""What became of every request and ask of a recording, in a few bytes each: a first pass fills it, a second one reads.

Rows are in the order in which requests and asks were first seen, so that two passes over one recording agree on them.
Of the messages themselves it keeps only where they are.
"""

from array import array
from bisect import bisect_left
from typing import NamedTuple

from interpose.core.events import Closed, Event, Responded
from interpose.core.formats import outcome
from interpose.core.formats.outcome import Outcome
from interpose.core.session.asks import Ask
from interpose.core.session.pending import STDIO
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_ASK = 0xFFFF  # the `part` of an ask's row: an ask is no message of its own
_NOWHERE = -1
HIDDEN = 0
_PENDING = (Outcome.OPEN, Outcome.LISTENING)


class Place(NamedTuple):
    """Where an entry is: the offset of its line, and how many bytes its message has."""

    offset: int
    size: int


class Answer(NamedTuple):
    """Where the answer of a row is, and which message of a batch it is."""

    place: Place
    part: int


def opens(seen: Sighting, ask: Ask) -> bool:
    """Whether the ask gets a row here: it is new, and no request of its own."""
    return ask.carrier != "request" and ask.seq == seen.seq and ask.state == "open"


class Ledger:
    """The rows."""

    def __init__(self) -> None:
        self.outcomes = bytearray()
        self.context = bytearray()  # 1: something inside it failed
        self.durations = array("d")
        self.polls = array("I")  # how many polls the row stands for; HIDDEN: another row stands for it
        self.clients = self.servers = 0
        self._seqs, self._parts, self._numbers = array("q"), array("H"), array("i")
        self._offsets, self._sizes, self._answer_parts = array("q"), array("q"), array("H")
        self._asks: Ring[tuple[int, str], tuple[int, float]] = Ring(65_536)
        self._polled: Ring[tuple[str, str], tuple[int, str | None]] = Ring(4096)
        self._carried: dict[str, list[tuple[int, float, bool]]] = {}
        self._refused: set[str] = set()

    def __len__(self) -> int:
        return len(self._seqs)

    def take(self, place: Place, event: Event, sightings: tuple[Sighting, ...]) -> None:
        """Enter what an entry says."""
        match event:
            case Responded(status=status):
                if status >= 400:
                    self._refused.add(event.channel)
            case Closed():
                self._close(event)
        for seen in sightings:
            if seen.kind is Kind.REQUEST:
                self._request(seen)
            elif seen.message.is_response:
                self._answer(place, seen)
            else:
                self._tell(seen)
            self._take_asks(place, seen)

    def row(self, seq: int, part: int = 0) -> int | None:
        """The row of a request, by the message that made it."""
        at = bisect_left(self._seqs, seq)
        while at < len(self._seqs) and self._seqs[at] == seq:
            if self._parts[at] == part:
                return at
            at += 1
        return None

    def number(self, row: int) -> str:
        """What people call it: `#1` the client's first request, `s#1` the server's; empty for an ask in a result."""
        number = self._numbers[row]
        return f"#{number}" if number > 0 else f"s#{-number}" if number else ""

    def name(self, seq: int) -> str | None:
        """The number of the request that a message made."""
        row = self.row(seq)
        return None if row is None else self.number(row) or None

    def outcome(self, row: int) -> Outcome:
        return Outcome(self.outcomes[row])

    def answer(self, row: int) -> Answer | None:
        """Where its answer is; None when there is none."""
        if self._offsets[row] == _NOWHERE:
            return None
        return Answer(Place(self._offsets[row], self._sizes[row]), self._answer_parts[row])

    def _request(self, seen: Sighting) -> None:
        if seen.end == "client":
            self.clients += 1
        else:
            self.servers += 1
        row = self._add(seen.seq, seen.part, self.clients if seen.end == "client" else -self.servers)
        if seen.end == "client" and seen.channel != STDIO:
            self._carried.setdefault(seen.channel, []).append((row, seen.at, seen.era == "stateless"))

    def _add(self, seq: int, part: int, number: int) -> int:
        self._seqs.append(seq)
        self._parts.append(part)
        self._numbers.append(number)
        self._offsets.append(_NOWHERE)
        self._sizes.append(0)
        self._answer_parts.append(0)
        self.durations.append(0.0)
        self.polls.append(1)
        self.outcomes.append(Outcome.OPEN)
        self.context.append(0)
        return len(self._seqs) - 1

    def _answer(self, place: Place, seen: Sighting) -> None:
        row = None if seen.call is None else self.row(seen.call.seq, seen.call.part)
        if row is None or self.outcomes[row] not in _PENDING:
            return
        ended, status = outcome.of_answer(seen)
        self._settle(row, ended, seen.elapsed or 0.0)
        self._answered_at(row, place, seen.part)
        if ended.failed:
            self._mark(seen.parents)
        if seen.method == "tasks/get" and seen.task is not None:
            self._poll(row, (seen.end, seen.task), status)

    def _poll(self, row: int, task: tuple[str, str], status: str | None) -> None:
        """Polls that tell the same as the one before stand behind the first that told it."""
        leader, before = self._polled.get(task, (row, None))
        if status is None or status != before:
            self._polled.put(task, (row, status))
            return
        self.polls[leader] += 1
        self.polls[row] = HIDDEN

    def _tell(self, seen: Sighting) -> None:
        """What a notification does to a request."""
        row = None if seen.call is None else self.row(seen.call.seq, seen.call.part)
        if row is None or seen.call is None or self.outcomes[row] not in _PENDING:
            return
        if seen.method == "notifications/cancelled" and "late" not in seen.notes:
            self._settle(row, Outcome.CANCELLED, seen.at - seen.call.at)
        elif seen.method == "notifications/subscriptions/acknowledged":
            self.outcomes[row] = Outcome.LISTENING

    def _close(self, event: Closed) -> None:
        """What an exchange's end does to its requests: without a session, a client cancels by leaving (2026-07-28)."""
        refused = event.channel in self._refused
        self._refused.discard(event.channel)
        ended = Outcome.HTTP_ERROR if refused else Outcome.CANCELLED if event.end == "client" else Outcome.LOST
        for row, since, stateless in self._carried.pop(event.channel, ()):
            if self.outcomes[row] in _PENDING and (refused or stateless):
                self._settle(row, ended, event.at - since)

    def _take_asks(self, place: Place, seen: Sighting) -> None:
        for ask in seen.asks:
            if opens(seen, ask):
                self._asks.put((ask.seq, ask.key), (self._add(ask.seq, _ASK, 0), ask.at))
            elif ask.state != "open" and ask.carrier != "request":
                self._settle_ask(place, seen, ask)

    def _settle_ask(self, place: Place, seen: Sighting, ask: Ask) -> None:
        row, since = self._asks.pop((ask.seq, ask.key), (_NOWHERE, 0.0))
        if row == _NOWHERE:
            return
        self._settle(row, outcome.of_ask(ask), seen.at - since)
        self._answered_at(row, place, seen.part)

    def _settle(self, row: int, ended: Outcome, took: float) -> None:
        self.outcomes[row] = ended
        self.durations[row] = took

    def _answered_at(self, row: int, place: Place, part: int) -> None:
        self._offsets[row], self._sizes[row], self._answer_parts[row] = place.offset, place.size, part

    def _mark(self, parents: tuple[int, ...]) -> None:
        for seq in parents:
            row = self.row(seq)
            if row is not None:
                self.context[row] = 1
