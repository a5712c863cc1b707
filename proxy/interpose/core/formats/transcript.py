"""The conversation as lines, entry by entry. What became of each request comes from a ledger that is ahead of it.

With `live`, the ledger is not ahead: a request's line is open, and its answer is a line of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec.structs import replace

from interpose.core.events import Event, Received
from interpose.core.formats import answered, asked, facts
from interpose.core.formats.answered import Answers, Ending
from interpose.core.formats.label import label, of_ask
from interpose.core.formats.ledger import HIDDEN, Ledger, opens
from interpose.core.formats.line import Line
from interpose.core.formats.outcome import Outcome
from interpose.core.recording.entry import Entry
from interpose.core.session.asks import Ask
from interpose.core.session.call import Call
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

WAITING = "…"
_ODD_ANSWERS = frozenset({"late", "after-cancel", "orphan", "duplicate-answer"})
_REPEATED = frozenset(
    {
        "notifications/progress",
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
    }
)


class Transcript:
    """Turns what a session saw into lines."""

    def __init__(self, ledger: Ledger, answers: Answers | None) -> None:
        """Without `answers` it is live."""
        self._ledger = ledger
        self._answers = answers
        self._facts = facts.Facts()
        self._row = 0

    def lines(self, entry: Entry, event: Event, sightings: tuple[Sighting, ...]) -> Iterator[Line]:
        """The lines of one entry. Rows are counted: every entry must come here, in order, and be used up."""
        if not isinstance(event, Received) or event.frame.message is None:
            found = self._facts.line(entry, event)
            if found is not None:
                yield found
        for seen in sightings:
            yield from self._of(entry, seen)

    def _of(self, entry: Entry, seen: Sighting) -> Iterator[Line]:
        match seen.kind:
            case Kind.REQUEST:
                yield self._request(entry, seen)
            case Kind.NOTIFICATION:
                yield self._notification(entry, seen)
            case Kind.RESULT | Kind.ERROR:
                self._facts.answered(self._number(seen.call))
                if self._answers is None or _ODD_ANSWERS & set(seen.notes):
                    yield self._answer(entry, seen)
            case _:
                yield facts.noise(entry, seen)
        for ask in seen.asks:
            if opens(seen, ask):
                yield self._ask(entry, seen, ask)
            elif self._answers is None and ask.carrier != "request" and ask.state != "open":
                yield self._settled(entry, seen, ask)

    def _request(self, entry: Entry, seen: Sighting) -> Line:
        row, self._row = self._row, self._row + 1
        number, method = self._ledger.number(row), seen.method or ""
        self._facts.carries(seen.channel, number)
        said = " · ".join(text for text in (self._round(seen), asked.summary(method, seen.message.params)) if text)
        line = self._line(entry, seen, "request", number)
        if self._answers is None:
            failed, context = self._ledger.outcome(row).failed, bool(self._ledger.context[row])
            return replace(line, outcome=Outcome.OPEN, word=WAITING, text=said, failed=failed, context=context)
        ended = self._answers.request(row, method)
        polls = self._ledger.polls[row]
        if polls > 1:
            said = f"{said} polled {polls}×".lstrip()
        done = self._ended(row, line, ended, said)
        run = facts.HIDDEN if polls == HIDDEN else "ping" if method == "ping" and ended.outcome is Outcome.OK else ""
        return replace(done, run=run, facts={**done.facts, "polls": polls} if method == "tasks/get" else done.facts)

    def _ended(self, row: int, line: Line, ended: Ending, said: str) -> Line:
        return replace(
            line,
            outcome=ended.outcome,
            word=ended.word,
            took=self._ledger.durations[row] or None,
            text=said,
            reply=ended.text,
            failed=ended.outcome.failed,
            context=bool(self._ledger.context[row]),
            facts=line.facts if ended.code is None else {**line.facts, "code": ended.code},
        )

    def _answer(self, entry: Entry, seen: Sighting) -> Line:
        ended = answered.answered(seen)
        line = self._line(entry, seen, "answer", self._number(seen.call))
        return replace(
            line,
            label=line.label if seen.call else "answer",
            outcome=ended.outcome,
            word=ended.word,
            took=seen.elapsed,
            reply=ended.text,
            failed=ended.outcome.failed,
            facts=line.facts if ended.code is None else {**line.facts, "code": ended.code},
        )

    def _notification(self, entry: Entry, seen: Sighting) -> Line:
        method, number = seen.method or "", self._number(seen.call)
        line = self._line(entry, seen, "notification", number)
        if method == "notifications/cancelled":
            line = replace(line, label=f"cancelled {number}".rstrip(), inside=())
        run = f"{seen.end} {method} {number} {seen.name or ''}" if method in _REPEATED else ""
        return replace(line, text=asked.summary(method, seen.message.params), run=run)

    def _ask(self, entry: Entry, seen: Sighting, ask: Ask) -> Line:
        row, self._row = self._row, self._row + 1
        said = asked.summary(ask.method, ask.params)
        line = self._ask_line(entry, seen, ask)
        if self._answers is None:
            return replace(line, outcome=Outcome.OPEN, word=WAITING, text=said)
        return self._ended(row, line, self._answers.ask(row, ask), said)

    def _settled(self, entry: Entry, seen: Sighting, ask: Ask) -> Line:
        ended = answered.settled(ask, seen.message)
        return replace(
            self._ask_line(entry, seen, ask),
            end=seen.end,
            outcome=ended.outcome,
            word=ended.word,
            took=seen.at - ask.at,
            reply=ended.text,
        )

    def _ask_line(self, entry: Entry, seen: Sighting, ask: Ask) -> Line:
        """An ask inside a result or an error: no message of its own, so it has no number."""
        inside = self._names(ask.parents)
        what: Mapping[str, Any] = {"carrier": ask.carrier, "key": ask.key, "task": ask.task}
        return Line("ask", seen.at, entry.seq, "server", of_ask(ask), method=ask.method, inside=inside, facts=what)

    def _line(
        self, entry: Entry, seen: Sighting, kind: Literal["request", "answer", "notification"], number: str
    ) -> Line:
        return Line(
            kind,
            seen.at,
            entry.seq,
            seen.end,
            label(seen),
            method=seen.method,
            name=seen.name,
            number=number,
            inside=self._names(seen.parents),
            sure=seen.confidence != "candidates",
            notes=seen.notes,
            facts=self._wire(seen),
            body=seen.message.raw,
        )

    def _wire(self, seen: Sighting) -> dict[str, Any]:
        """How the message stood on the wire, for other programs."""
        call = seen.call
        return {
            "id": seen.message.id,
            "channel": seen.channel,
            "era": seen.era,
            "confidence": seen.confidence,
            "task": seen.task,
            "round": call.round + 1 if call is not None and call.previous is not None else None,
            "previous": self._previous(call),
        }

    def _round(self, seen: Sighting) -> str:
        previous = self._previous(seen.call)
        return f"round {seen.call.round + 1} after {previous}" if seen.call and previous else ""

    def _previous(self, call: Call | None) -> str | None:
        return None if call is None or call.previous is None else self._ledger.name(call.previous)

    def _number(self, call: Call | None) -> str:
        row = None if call is None else self._ledger.row(call.seq, call.part)
        return "" if row is None else self._ledger.number(row)

    def _names(self, parents: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(name for name in map(self._ledger.name, parents) if name)
