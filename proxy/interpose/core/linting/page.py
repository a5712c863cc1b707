"""Findings for people and for programs: rows to write, a recording after the other, and tests for build servers."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Protocol

from interpose.core.formats import records
from interpose.core.formats.excerpt import said
from interpose.core.formats.junit import Case, Suite
from interpose.core.formats.page import JSON
from interpose.core.formats.sheet import Row, trimmed
from interpose.core.formats.words import cells, cut, padded, plural, squeezed
from interpose.core.linting.finding import Finding
from interpose.core.recording.entry import Header

Rows = Iterator[Row]

_SEQ, _END, _LABEL, _RULE = 7, 8, 34, 24


class Page(Protocol):
    """What can be written of findings. Every method gives the rows to write."""

    def begin(self, path: str, header: Header) -> Rows:
        """Which recording comes now."""

    def finding(self, path: str, finding: Finding) -> Rows:
        """One thing that is wrong."""

    def end(self, path: str, messages: int, found: Counter[str], problems: list[str]) -> Rows:
        """How much was looked at and found in one recording; `found` counts by rule."""


class TextPage:
    """For people: a table a recording."""

    def __init__(self, width: int) -> None:
        self._width = max(60, width)

    def begin(self, path: str, header: Header) -> Rows:
        name = said(str(header.server.get("name", "")), 60)
        yield (("head", f"{said(path, 300)} · {name}" if name else said(path, 300)),)

    def finding(self, path: str, finding: Finding) -> Rows:
        words = f"{finding.text} at {finding.where}" if finding.where else finding.text
        room = self._width - _SEQ - _END - _LABEL - _RULE - 4
        yield trimmed(
            [
                ("number", f"{finding.seq}".rjust(_SEQ)),
                ("plain", " " + padded(finding.end, _END)),
                ("label", padded(squeezed(_label(finding), _LABEL), _LABEL) + " "),
                ("bad", padded(cut(finding.rule, _RULE), _RULE) + " "),
                ("text", cut(words, max(20, room)) if cells(words) > room else words),
            ]
        )
        yield (("dim", " " * (_SEQ + 1) + finding.cited),)

    def end(self, path: str, messages: int, found: Counter[str], problems: list[str]) -> Rows:
        words = ", ".join(f"{number} {rule}" for rule, number in found.most_common())
        yield (("dim", f"  {plural(messages, 'message')}: {words or 'nothing that the specification forbids'}"),)
        yield from ((("bad", f"! {said(problem)}"),) for problem in problems)


class JsonPage:
    """For programs: one JSON object a row. The keys are a contract."""

    def begin(self, path: str, header: Header) -> Rows:
        yield from ()

    def finding(self, path: str, finding: Finding) -> Rows:
        yield _object({"type": "finding", "recording": path, **_fields(finding)})

    def end(self, path: str, messages: int, found: Counter[str], problems: list[str]) -> Rows:
        counts = {"messages": messages, "findings": found.total(), "rules": dict(sorted(found.items()))}
        yield _object({"type": "summary", "recording": path, **counts, "problems": problems})


class LintSuite:
    """Gathers a recording's findings as tests of a build server: one a finding, or one that says there is none."""

    def __init__(self, path: str, header: Header) -> None:
        self._suite = Suite(path, (), header.started)
        self._cases: list[Case] = []

    def finding(self, finding: Finding) -> None:
        name = f"{finding.seq} {_label(finding)} from the {finding.end}: {finding.rule}"
        where = f"at {finding.where}\n" if finding.where else ""
        self._cases.append(Case(name, self._suite.name, finding.text, f"{where}{finding.cited}"))

    def end(self, broken: str | None = None) -> Suite:
        cases = self._cases
        if not cases and broken is None:
            cases = [Case("nothing that the specification forbids", self._suite.name)]
        return Suite(self._suite.name, tuple(cases), self._suite.timestamp, broken)


def _label(finding: Finding) -> str:
    words = (finding.method, finding.name)
    return said(" ".join(word for word in words if word) or "-", 60)


def _fields(finding: Finding) -> dict[str, Any]:
    return {
        "seq": finding.seq,
        "at": round(finding.at, 6),
        "from": finding.end,
        "method": finding.method,
        "name": finding.name,
        "rule": finding.rule,
        "text": finding.text,
        "where": finding.where or None,
        "version": finding.version,
        "section": finding.section,
    }


def _object(found: dict[str, Any]) -> Row:
    return ((JSON, records.encoded(found)),)
