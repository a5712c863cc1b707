"""A transcript from its first row to its last, for people or for programs: rows to write, wherever that is."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from interpose.core.formats import body, head, records, waits
from interpose.core.formats.choice import Choice
from interpose.core.formats.excerpt import said
from interpose.core.formats.line import Line
from interpose.core.formats.sheet import Row, Sheet, folded
from interpose.core.formats.survey import Survey
from interpose.core.formats.words import age, cells, cut, plural
from interpose.core.recording.entry import Header
from interpose.core.session.waiting import Wait

JSON = "json"  # the style of a row that is one JSON object
_MOST_WAITS, _FOOTER_WAITS = 100, 8
_BODY = " " * 21
_LIVE_LABEL = 38

Rows = Iterator[Row]


class Page(Protocol):
    """What can be written of a recording. Every method gives the rows to write."""

    def begin(self, header: Header, survey: Survey | None) -> Rows:
        """Which session this is. Without a survey, all that is known is the header."""

    def waiting(self, survey: Survey) -> Rows:
        """Who is waited for, as far as the recording goes."""

    def lines(self, lines: Iterable[Line]) -> Rows:
        """Lines of the transcript."""

    def wait(self, wait: Wait, survey: Survey, at: float) -> Rows:
        """Something that has waited for long, told once."""

    def end(self, survey: Survey, problems: list[str]) -> Rows:
        """How it ended, and what is wrong with the recording."""


class TextPage:
    """For people. `midnight` is when the recording began, in seconds since midnight, `when` the same in words."""

    def __init__(self, width: int, midnight: float | None, when: str, choice: Choice, full: bool) -> None:
        self._width = width
        self._midnight, self._when = midnight, when
        self._choice = choice
        self._full = full
        self._sheet = Sheet(width, midnight, _LIVE_LABEL)

    def begin(self, header: Header, survey: Survey | None) -> Rows:
        if survey is not None:
            self._sheet = Sheet(self._width, self._midnight, survey.label)
        yield (("head", head.head(header, survey.opening if survey else None, self._when)),)

    def waiting(self, survey: Survey) -> Rows:
        found = _waits(survey, survey.at)
        if found:
            title = "left waiting when the recording ended" if survey.last else "waiting at the last line"
            yield from _table(survey, survey.at, rule(title, self._width), _MOST_WAITS)
            yield rule("", self._width)

    def lines(self, lines: Iterable[Line]) -> Rows:
        wanted = filter(self._choice.wants, lines)
        for line in wanted if self._full else folded(wanted):
            yield self._sheet.row(line)
            if self._full and line.body:
                yield (("dim", f"{_BODY}entry {line.seq}, {plural(len(line.body), 'byte')}"),)
                yield from ((("plain", _BODY + text),) for text in body.lines(line.body))

    def wait(self, wait: Wait, survey: Survey, at: float) -> Rows:
        yield (("warn", waits.sentence(wait, at, survey.ledger)),)

    def end(self, survey: Survey, problems: list[str]) -> Rows:
        left = _waits(survey, survey.at)
        words = [head.tally(survey.ledger, survey.session.counts)]
        if left:
            whom = ", ".join(dict.fromkeys(wait.who for wait in left))
            words.append(f"{len(left)} {'left waiting' if survey.last else 'waiting'} on {whom}")
        if survey.last:
            words.append(f"{said(survey.last.reason)} after {age(survey.at)}")
        first, *more = _packed([part for word in words for part in word.split(" · ")], self._width - 4)
        yield rule(first, self._width)
        yield from ((("dim", f"  {line}"),) for line in more)
        yield from ((("bad", f"! {said(problem)}"),) for problem in problems)


class JsonPage:
    """For programs: one JSON object a row."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

    def begin(self, header: Header, survey: Survey | None) -> Rows:
        yield _object(head.head_fields(header, survey.opening if survey else None))

    def waiting(self, survey: Survey) -> Rows:
        for wait in _waits(survey, survey.at):
            yield from self.wait(wait, survey, survey.at)

    def lines(self, lines: Iterable[Line]) -> Rows:
        return (_object(records.fields(line)) for line in lines if self._choice.wants(line))

    def wait(self, wait: Wait, survey: Survey, at: float) -> Rows:
        yield _object(waits.fields(wait, at, survey.ledger))

    def end(self, survey: Survey, problems: list[str]) -> Rows:
        yield _object(head.end_fields(survey.ledger, survey.session.counts, survey.last, problems))


def footer(survey: Survey, at: float, width: int) -> list[Row]:
    """What waits now, for the bottom of a terminal."""
    found = _waits(survey, at)
    counts = f"{len(found)} waiting · {plural(survey.session.counts.messages, 'message')} · {age(at)} · Ctrl-C leaves"
    rows = list(_table(survey, at, rule("waiting", width), _FOOTER_WAITS)) if found else []
    return [*rows, rule(counts, width)]


def rule(title: str, width: int) -> Row:
    """A line across the page with a title in it."""
    title = cut(f"─ {title} " if title else "", width)
    return (("dim", title + "─" * max(0, width - cells(title))),)


def _packed(words: list[str], width: int) -> list[str]:
    """The words in as many lines as they take: how it ended must not be cut off."""
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} · {word}" if lines[-1] else word
        if cells(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _waits(survey: Survey, at: float) -> tuple[Wait, ...]:
    return waits.told_once(survey.session.waits(at))


def _table(survey: Survey, at: float, title: Row, most: int) -> Rows:
    yield title
    every = survey.session.waits(at)
    found = waits.told_once(every)
    table = waits.Table(every, at, survey.ledger, sum(cells(text) for _, text in title))
    yield from map(table.row, found[:most])
    if len(found) > most:
        yield (("warn", f"and {len(found) - most} more"),)


def _object(found: dict[str, Any]) -> Row:
    return ((JSON, records.encoded(found)),)
