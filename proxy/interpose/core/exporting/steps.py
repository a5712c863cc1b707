"""A recording a second time, line by line, once a survey knows how everything ended. Holds one line at most."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from interpose.core.formats.facts import HIDDEN
from interpose.core.formats.line import Line
from interpose.core.formats.survey import Again, Survey
from interpose.core.formats.transcript import Transcript
from interpose.core.recording.entry import Entry


class Step(NamedTuple):
    """One line of the conversation, and the entry it comes from. `row` is a request's in the ledger."""

    line: Line
    entry: Entry
    row: int | None = None


def steps(entries: Iterable[Entry], survey: Survey) -> Iterator[Step]:
    """Every request, answer, notification and fact in its order; what only a full transcript shows is left out."""
    return _folded(_all(entries, survey))


def _all(entries: Iterable[Entry], survey: Survey) -> Iterator[Step]:
    again, transcript = Again(), Transcript(survey.ledger, None)
    for number, entry in enumerate(islice(entries, survey.entries), 1):
        seen = again.take(entry)
        for line in transcript.lines(entry, *seen) if seen is not None else ():
            row = survey.ledger.row(number) if line.type == "request" else None
            yield Step(line, entry, row)


def _folded(found: Iterable[Step]) -> Iterator[Step]:
    """Lines of one run in a row as one."""
    held: Step | None = None
    for step in found:
        line = step.line
        if line.run == HIDDEN:
            continue
        if held is not None and line.run and line.run == held.line.run and step.entry.verdict is None:
            first = held.line
            held = Step(replace(line, at=first.at, seq=first.seq, times=first.times + 1), held.entry)
            continue
        if held is not None:
            yield held
        held = step
    if held is not None:
        yield held
