"""Two recordings compared, for people and for programs: rows to write, a difference at a time."""

from collections.abc import Iterator
from typing import Any, Protocol

from interpose.core.formats import records
from interpose.core.formats.excerpt import said
from interpose.core.formats.page import JSON
from interpose.core.formats.sheet import Row
from interpose.core.formats.words import cut, plural, safe
from interpose.core.replay.comparison import Comparison, Finding
from interpose.core.replay.difference import Difference, sides
from interpose.core.replay.story import Line

Rows = Iterator[Row]

_SIGNS = {"changed": ("~", "warn"), "first": ("-", "bad"), "second": ("+", "good"), "order": ("↕", "warn")}
_MOST_SHOWN = 12


class Page(Protocol):
    """What can be written of a comparison. Every method gives the rows to write."""

    def begin(self, first: str, second: str, options: str | None) -> Rows:
        """Which recordings are compared, and by which file of options."""

    def end(self, found: Comparison, problems: list[str]) -> Rows:
        """What differs, and what was wrong with the recordings."""


class TextPage:
    """For people: `-` is only in the first, `+` only in the second, `~` differs."""

    def __init__(self, width: int) -> None:
        self._width = max(60, width)

    def begin(self, first: str, second: str, options: str | None) -> Rows:
        yield (("bad", "- "), ("head", self._fit(first, 2)))
        yield (("good", "+ "), ("head", self._fit(second, 2)))
        if options is not None:
            yield (("dim", f"  options: {self._fit(options, 11)}"),)

    def end(self, found: Comparison, problems: list[str]) -> Rows:
        for finding in found.findings:
            yield from self._finding(finding)
        yield (("head", f"  {summary(found)}"),)
        yield from ((("bad", f"! {said(problem)}"),) for problem in problems)

    def _finding(self, finding: Finding) -> Rows:
        sign, style = _SIGNS[finding.kind]
        numbers = " ".join(f"{mark}{line.seq}" for mark, line in _numbered(finding) if line is not None)
        text = self._fit(label(finding), len(numbers) + 4)
        yield (style, f"{sign} "), ("label", text), ("dim", f"  {numbers}")
        for difference in finding.differences[:_MOST_SHOWN]:
            yield from self._difference(difference)
        if len(finding.differences) > _MOST_SHOWN:
            yield (("dim", f"    … and {len(finding.differences) - _MOST_SHOWN} more"),)

    def _difference(self, difference: Difference) -> Rows:
        order = " (another order)" if difference.kind == "order" else ""
        yield (("text", f"    {self._fit(difference.path, 20)}{order}"),)
        one, other = sides(difference)
        if one is not None:
            yield (("bad", f"      - {self._fit(one, 8)}"),)
        if other is not None:
            yield (("good", f"      + {self._fit(other, 8)}"),)

    def _fit(self, text: str, taken: int) -> str:
        return cut(safe(text), self._width - taken)


class JsonPage:
    """For programs: one JSON object a row; the keys are a contract."""

    def begin(self, first: str, second: str, options: str | None) -> Rows:
        yield _object({"type": "comparison", "first": first, "second": second, "options": options})

    def end(self, found: Comparison, problems: list[str]) -> Rows:
        for finding in found.findings:
            yield _object({"type": "difference", **_fields(finding)})
        counts = {"equal": found.equal, "calls": found.calls, "differences": len(found.findings), "more": found.more}
        yield _object({"type": "summary", **counts, "problems": problems})


def summary(found: Comparison) -> str:
    """`equal: 37 calls`, or how many differences there are."""
    calls = plural(found.calls, "call")
    if found.equal:
        return f"equal: {calls}"
    more = "more than " if found.more else ""
    return f"{more}{plural(len(found.findings), 'difference')}; {calls} in both"


def label(finding: Finding) -> str:
    """What a finding is about: `answer to tools/call echo`, `sampling/createMessage inside tools/call ask`."""
    line = finding.line
    name = _name(line)
    match finding.what:
        case "request":
            name = f"{name} in another order" if finding.kind == "order" else name
        case "answer":
            return f"answer to {name}"
        case "state":
            return "state of a task"
        case "message":
            name = f"further answer to {name}" if line.method else "message that belongs to no request"
    return name if finding.inside is None else f"{name} inside {_name(finding.inside)}"


def _name(line: Line) -> str:
    method = line.method or "(no method)"
    return said(method if line.name is None else f"{method} {line.name}", 100)


def _numbered(finding: Finding) -> tuple[tuple[str, Line | None], ...]:
    return (("-", finding.first), ("+", finding.second))


def _fields(finding: Finding) -> dict[str, Any]:
    line, inside = finding.line, finding.inside
    about = {"kind": finding.kind, "what": finding.what, "from": line.end, "method": line.method, "name": line.name}
    where = None if inside is None else {"method": inside.method, "name": inside.name}
    return {
        **about,
        "inside": where,
        "first": None if finding.first is None else finding.first.seq,
        "second": None if finding.second is None else finding.second.seq,
        "differences": [
            {"path": each.path, "kind": each.kind, "first": each.recorded, "second": each.live}
            for each in finding.differences
        ],
    }


def _object(found: dict[str, Any]) -> Row:
    return ((JSON, records.encoded(found)),)
