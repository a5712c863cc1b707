"""A rehearsal for people and for programs: rows to write, message by message, and how often a policy did what."""

from collections.abc import Iterator
from typing import Any, Protocol

from interpose.core.formats import records
from interpose.core.formats.excerpt import compact, said
from interpose.core.formats.page import JSON
from interpose.core.formats.rehearsal_finding import HAPPENED, Difference, Finding, Happened, Tally
from interpose.core.formats.sheet import Piece, Row, fitted
from interpose.core.formats.words import cells, cut, listed, padded, plural, short_id, squeezed, time_of_day
from interpose.core.policy.rule import AnyRule
from interpose.core.policy.selection import SELECTORS
from interpose.core.policy.verdict import Hit
from interpose.core.recording.entry import Header
from interpose.core.wire.message import parse

Rows = Iterator[Row]

STYLES: dict[Happened, str] = {
    "refused": "bad",
    "blocked": "bad",
    "answered": "warn",
    "held": "warn",
    "edited": "open",
    "noted": "dim",
    "passed": "good",
}
_ARROWS = {"client": "→", "server": "←"}
_ALWAYS = frozenset({"blocked", "edited", "held"})
_WORDS: dict[str, str] = {"refused": "refused by the gate", "passed": "passed all the same"}
_SEQ, _TIME, _HAPPENED, _ERA = 6, 12, 9, 10
_LABEL_LEAST, _LABEL_MOST = 26, 42
_RULE_LEAST, _RULE_MOST = 16, 36
_ABOUT = set(SELECTORS) | {"all"}


class Page(Protocol):
    """What can be written of rehearsals. Every method gives the rows to write."""

    def begin(self, path: str, header: Header, midnight: float | None) -> Rows:
        """Which recording comes now. `midnight`: when it began, in seconds since midnight."""

    def finding(self, finding: Finding, tally: Tally) -> Rows:
        """One message that a rule matched."""

    def difference(self, found: Difference, tally: Tally) -> Rows:
        """One message that two policies treat differently."""

    def end(self, tally: Tally, problems: list[str], compared: bool) -> Rows:
        """How often what happened, in one recording."""

    def all(self, tally: Tally, recordings: int, compared: bool) -> Rows:
        """The same for several recordings."""


class TextPage:
    """For people: a table a recording."""

    def __init__(self, width: int) -> None:
        self._width = max(60, width)
        self._label = min(_LABEL_MOST, max(_LABEL_LEAST, self._width // 4))
        self._rule = min(_RULE_MOST, max(_RULE_LEAST, self._width // 5))
        self._midnight: float | None = None

    def begin(self, path: str, header: Header, midnight: float | None) -> Rows:
        self._midnight = midnight
        name = said(str(header.server.get("name", "")), 60)
        yield (("head", cut(" · ".join(word for word in (said(path), name) if word), self._width)),)

    def finding(self, finding: Finding, tally: Tally) -> Rows:
        yield fitted([*self._start(finding), *self._treated(finding, tally)], self._width)

    def difference(self, found: Difference, tally: Tally) -> Rows:
        start = self._start(found.one)
        yield fitted([*start, *self._treated(found.first, tally)], self._width)
        blank = sum(cells(text) for _, text in start)
        yield fitted([("dim", "against ".rjust(blank)), *self._treated(found.second, tally)], self._width)

    def end(self, tally: Tally, problems: list[str], compared: bool) -> Rows:
        yield (("head", f"  {summary(tally, compared)}"),)
        yield from ((("bad", f"! {said(problem)}"),) for problem in problems)

    def all(self, tally: Tally, recordings: int, compared: bool) -> Rows:
        yield (("head", f"{plural(recordings, 'recording')}: {summary(tally, compared)}"),)

    def _start(self, finding: Finding) -> list[Piece]:
        at = finding.at
        time = f"+{at:.3f}" if self._midnight is None else time_of_day(self._midnight + at)
        return [
            ("number", f"{finding.seq} ".rjust(_SEQ + 1)),
            ("dim", f"{time.rjust(_TIME)} {_ARROWS[finding.end]} "),
            ("label", padded(squeezed(label(finding), self._label), self._label) + " "),
        ]

    def _treated(self, finding: Finding | None, tally: Tally) -> list[Piece]:
        if finding is None:
            return [("good", padded("passed", _HAPPENED) + " "), ("dim", "no rule matched")]
        happened = finding.happened
        rules = cut(", ".join(_rule(hit, tally.rules) for hit in finding.rules), self._rule)
        return [
            (STYLES[happened], padded(happened, _HAPPENED) + " "),
            ("text", padded(rules, self._rule) + " "),
            ("dim", padded(finding.era, _ERA) + " "),
            ("text", why(finding, tally.rules)),
        ]


class JsonPage:
    """For programs: one JSON object a row; the keys are a contract."""

    def __init__(self) -> None:
        self._path = ""

    def begin(self, path: str, header: Header, midnight: float | None) -> Rows:
        self._path = path
        about = {"session": header.session, "started": header.started, "server": header.server.get("name")}
        yield _object({"type": "recording", "recording": path, **about})

    def finding(self, finding: Finding, tally: Tally) -> Rows:
        yield _object({"type": "finding", "recording": self._path, **_fields(finding)})

    def difference(self, found: Difference, tally: Tally) -> Rows:
        sides = {"policy": found.first, "against": found.second}
        treated = {name: None if side is None else _treatment(side) for name, side in sides.items()}
        yield _object({"type": "difference", "recording": self._path, **_message(found.one), **treated})

    def end(self, tally: Tally, problems: list[str], compared: bool) -> Rows:
        found = {"type": "summary", "recording": self._path, **_counts(tally, compared), "problems": problems}
        yield _object(found)

    def all(self, tally: Tally, recordings: int, compared: bool) -> Rows:
        yield _object({"type": "total", "recordings": recordings, **_counts(tally, compared)})


def summary(tally: Tally, compared: bool) -> str:
    """`3 of 41 messages: 1 blocked, 2 edited, 0 held; rules that never matched: x`."""
    number = plural(tally.messages, "message")
    if compared:
        return f"{tally.differing} of {number} treated differently"
    shown = [word for word in HAPPENED if tally.counts[word] or word in _ALWAYS]
    counts = ", ".join(f"{tally.counts[word]} {_WORDS.get(word, word)}" for word in shown)
    words = [f"{tally.findings} of {number}: {counts}"]
    if tally.moot:
        words.append(f"{tally.moot} would not have come, since what they answer would not have passed")
    if tally.unmatched:
        words.append(f"rules that never matched: {', '.join(map(said, tally.unmatched))}")
    return "; ".join(words)


def label(finding: Finding) -> str:
    """Method and name, task ids in short."""
    method, name = finding.method or "(no message)", finding.name
    if name is not None and method.startswith(("tasks/", "notifications/tasks")):
        name = short_id(name)
    return said(method if name is None else f"{method} {name}", 80)


def why(finding: Finding, rules: dict[str, AnyRule]) -> str:
    """What the verdict says, else what the rules that matched are about."""
    if finding.why or not finding.rules:
        return said(finding.why) or "adds what a rule had answered before"
    known = dict.fromkeys(hit.rule for hit in finding.rules if hit.rule in rules)
    return listed([about(rules[name]) for name in known])


def about(rule: AnyRule) -> str:
    """The fields that say what a rule is about, as in its file."""
    written = rule.model_dump(mode="json", by_alias=True, exclude_unset=True, include=_ABOUT)
    return ", ".join(f"{key} = {compact(_alone(each), 60)}" for key, each in written.items()) or f"do = {rule.do}"


def _alone(value: Any) -> Any:
    """A list of one as it is usually written."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _rule(hit: Hit, rules: dict[str, AnyRule]) -> str:
    """A rule's name, and why it did not have its way."""
    if hit.acted:
        return said(hit.rule, 60)
    rule = rules.get(hit.rule)
    return f"{said(hit.rule, 60)} ({'audit' if rule is not None and rule.mode == 'audit' else 'void'})"


def _message(finding: Finding) -> dict[str, Any]:
    return {
        "seq": finding.seq,
        "at": round(finding.at, 6),
        "from": finding.end,
        "era": finding.era,
        "method": finding.method,
        "name": finding.name,
    }


def _treatment(finding: Finding) -> dict[str, Any]:
    return {
        "happened": finding.happened,
        **finding.as_fields(),
        "why": finding.why,
        "delivered": None if finding.delivered is None else parse(finding.delivered),
        "said": [parse(each) for each in finding.said],
    }


def _fields(finding: Finding) -> dict[str, Any]:
    return _message(finding) | _treatment(finding)


def _counts(tally: Tally, compared: bool) -> dict[str, Any]:
    if compared:
        return {"messages": tally.messages, "differing": tally.differing}
    return {
        "messages": tally.messages,
        "matched": tally.findings,
        "counts": {word: tally.counts[word] for word in HAPPENED},
        "moot": tally.moot,
        "never_matched": list(tally.unmatched),
    }


def _object(found: dict[str, Any]) -> Row:
    return ((JSON, records.encoded(found)),)
