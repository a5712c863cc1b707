"""The consent trail for people (a table), for programs (JSON lines) and for spreadsheets (CSV)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from interpose.core.formats import records
from interpose.core.formats.audit_record import COLUMNS, Record
from interpose.core.formats.excerpt import said
from interpose.core.formats.page import JSON
from interpose.core.formats.sheet import Piece, Row, fitted
from interpose.core.formats.words import cut, listed, padded, plural, size, squeezed, time_of_day, took
from interpose.core.recording.entry import Header

Rows = Iterator[Row]

_STYLES = {
    "allowed": "good",
    "changed": "open",
    "answered": "open",
    "refused": "bad",
    "dismissed": "warn",
    "withdrawn": "warn",
    "unanswered": "warn",
    "open": "warn",
}
_TIME, _NUMBER, _WHAT, _DECISION = 12, 5, 16, 22
_CALL_LEAST, _CALL_MOST = 18, 36
_MESSAGE = 40
_FORMULA = ("=", "+", "-", "@")
_SPECIAL = frozenset(',"\n\r')


class Page(Protocol):
    """What can be written of trails. Every method gives the rows to write."""

    def begin(self) -> Rows:
        """Before the first recording."""

    def trail(self, path: str, header: Header, midnight: float | None, found: Sequence[Record]) -> Rows:
        """The trail of one recording."""


class TextPage:
    """For people. Without `paths`, roots are counted only."""

    def __init__(self, width: int, paths: bool) -> None:
        self._width = max(60, width)
        self._paths = paths
        self._call = min(_CALL_MOST, max(_CALL_LEAST, self._width // 4))

    def begin(self) -> Rows:
        yield from ()

    def trail(self, path: str, header: Header, midnight: float | None, found: Sequence[Record]) -> Rows:
        name = said(str(header.server.get("name", "")), 60)
        yield (
            (
                "head",
                cut(" · ".join(word for word in (said(path), name, said(header.started, 40)) if word), self._width),
            ),
        )
        for record in found:
            yield self._row(record, midnight)
        yield (("head", f"  {summary(found)}"),)

    def _row(self, record: Record, midnight: float | None) -> Row:
        at = f"+{record.at:.3f}" if midnight is None else time_of_day(midnight + record.at)
        what = f"{record.kind} {record.mode}" if record.mode else record.kind
        what = f"task {record.task}" if record.kind == "task" else what
        pieces: list[Piece] = [
            ("dim", f"{at.rjust(_TIME)} "),
            ("number", record.number.rjust(_NUMBER) + " "),
            ("label", padded(squeezed(what, _WHAT), _WHAT) + " "),
            ("dim", padded(squeezed(_inside(record), self._call), self._call) + " "),
            *_decided(record),
            ("warn", f"  ! {listed(list(record.notes))}" if record.notes else ""),
            ("text", "  " + details(record, self._paths)),
        ]
        return fitted(pieces, self._width)


class JsonPage:
    """For programs: one JSON object a row. Columns that do not apply are left out."""

    def __init__(self, paths: bool) -> None:
        self._paths = paths

    def begin(self) -> Rows:
        yield from ()

    def trail(self, path: str, header: Header, midnight: float | None, found: Sequence[Record]) -> Rows:
        for record in found:
            told = {name: each for name, each in _values(record, self._paths).items() if each not in (None, "", ())}
            yield ((JSON, records.encoded(told)),)


class CsvPage:
    """For spreadsheets: every column in every row, lists with `; ` between, no cell that is taken for a formula."""

    def __init__(self, paths: bool) -> None:
        self._paths = paths

    def begin(self) -> Rows:
        yield ((JSON, ",".join(COLUMNS)),)

    def trail(self, path: str, header: Header, midnight: float | None, found: Sequence[Record]) -> Rows:
        for record in found:
            yield ((JSON, ",".join(map(_cell, _values(record, self._paths).values()))),)


def summary(found: Sequence[Record]) -> str:
    """`2 sampling: 1 allowed, 1 refused; 3 elicitation: 3 allowed; 1 task`."""
    words = []
    for kind in ("sampling", "elicitation", "roots", "approval"):
        counts = Counter(record.decision for record in found if record.kind == kind)
        if counts:
            told = ", ".join(f"{number} {decision}" for decision, number in sorted(counts.items()))
            words.append(f"{counts.total()} {kind}: {told}")
    tasks = {record.correlation for record in found if record.kind == "task"}
    words += [plural(len(tasks), "task")] if tasks else []
    return "; ".join(words) or "nothing was asked of the user's side"


def details(record: Record, paths: bool) -> str:
    """What was asked, and what came of it: counts, sizes and names."""
    if record.kind == "sampling":
        return _sampling(record)
    if record.kind == "elicitation":
        at = f" at {record.host}" if record.host else ""
        filled = f" ⇒ filled in {listed(list(record.fields))}" if record.fields else ""
        return f'"{cut(record.message, _MESSAGE)}"{at}{filled} ({record.correlation})'
    if record.kind == "roots":
        counted = "" if record.root_count is None else plural(record.root_count, "root")
        return f"{counted}: {', '.join(record.roots)}" if paths and record.roots else counted
    if record.kind == "approval":
        return " ".join(word for word in (record.call, f"by {record.approver}" if record.approver else "") if word)
    words = [f"run by the {record.owner}"]
    words += [f"kept for {record.ttl:g} s"] if record.event == "created" and record.ttl is not None else []
    words += [f"after {took(record.seconds)}"] if record.seconds else []
    words += [size(record.answer_bytes)] if record.answer_bytes is not None else []
    return ", ".join(words)


def _sampling(record: Record) -> str:
    words = [plural(record.messages or 0, "message"), size(record.bytes or 0)]
    words += [f"system prompt {size(record.system_bytes)}"] if record.system_bytes else []
    words += [f"context {record.context}"] if record.context else []
    words += [plural(record.tools, "tool")] if record.tools is not None else []
    words += [f"max {record.max_tokens:g} tokens"] if record.max_tokens is not None else []
    asked = ", ".join(words)
    if record.answer_bytes is None:
        return asked
    return f"{asked} ⇒ {record.model or 'a model'}, {size(record.answer_bytes)}"


def _inside(record: Record) -> str:
    """`in #3 tools/call plan`; several calls by their numbers, with a question mark where it may be any of them."""
    if not record.inside:
        return ""
    if len(record.inside) == 1:
        return f"in {record.inside[0]} {record.call}".rstrip() + ("" if record.sure else " ?")
    return f"in {listed(list(record.inside[:4]), 'or')}" + ("" if record.sure else " ?")


def _decided(record: Record) -> list[Piece]:
    by = f"{record.by} ({record.rule})" if record.rule and record.by == "policy" else record.by
    words = f"{record.decision or record.event} by {by}"
    if record.kind == "approval":
        return [(_STYLES.get(record.decision, "text"), padded(f"{record.event} ({record.rule})", _DECISION))]
    if record.decision == "changed":
        words = f"allowed by {by}, changed by {record.rule}"
    return [(_STYLES.get(record.decision, "text"), padded(words, _DECISION))]


def _values(record: Record, paths: bool) -> dict[str, Any]:
    return record.values() | ({} if paths else {"roots": ()})


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    text = "; ".join(value) if isinstance(value, tuple) else value
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return '"' + text.replace('"', '""') + '"' if _SPECIAL & set(text) else text
