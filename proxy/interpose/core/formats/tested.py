"""What came of testing recordings, for `interpose test`: lines for people, objects and JUnit for machines."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from interpose.core.formats.junit import Case, Suite
from interpose.core.formats.page import JSON
from interpose.core.formats.sheet import Row
from interpose.core.formats.words import plural, safe, took

Outcome = Literal["ok", "differs", "damaged", "failed"]
_STYLES: dict[Outcome, str] = {"ok": "good", "differs": "bad", "damaged": "bad", "failed": "bad"}
_WORD_ROOM = 8
_MOST_LINES = 40


class Check(msgspec.Struct, frozen=True):
    """One thing that was tried with a recording. It held unless `failure` says in a line what did not."""

    name: str
    seconds: float
    outcome: Outcome = "ok"
    failure: str = ""
    details: tuple[str, ...] = ()


class Tested(msgspec.Struct, frozen=True):
    """A recording and its checks. `unserved` says why no server was tried; empty when one was."""

    path: str
    checks: tuple[Check, ...]
    unserved: str = ""

    @property
    def outcome(self) -> Outcome:
        """The first that is not `ok`."""
        return next((check.outcome for check in self.checks if check.outcome != "ok"), "ok")

    @property
    def seconds(self) -> float:
        return sum(check.seconds for check in self.checks)


def rows(tested: Tested) -> Iterator[Row]:
    """A recording in a line, and below it what did not hold."""
    outcome = tested.outcome
    tried = tested.unserved or ", ".join(check.name for check in tested.checks[1:])
    about = f"  {safe(tried)}, {took(tested.seconds)}" if tried else f"  {took(tested.seconds)}"
    yield ((_STYLES[outcome], f"{outcome:<{_WORD_ROOM}}"), ("text", safe(tested.path)), ("dim", about))
    for check in tested.checks:
        if check.outcome != "ok":
            yield (("text", f"  {check.name}: {safe(check.failure)}"),)
            yield from _details(check)


def summary(tested: Sequence[Tested]) -> Row:
    """How many there were of each outcome."""
    counts = Counter(each.outcome for each in tested)
    served = sum(not each.unserved for each in tested)
    parts = [f"{counts[outcome]} {outcome}" for outcome in _STYLES if counts[outcome]]
    style = "good" if counts["ok"] == len(tested) else "bad"
    said = f"{plural(len(tested), 'recording')}: {', '.join(parts)}; {served} tried with a server"
    return ((style, said),)


def json_row(tested: Tested) -> Row:
    """A recording as one JSON object."""
    return _json({"type": "recording", "path": tested.path, "outcome": tested.outcome, **_plain(tested)})


def json_summary(tested: Sequence[Tested]) -> Row:
    """The counts as one JSON object."""
    counts = Counter(each.outcome for each in tested)
    return _json({"type": "summary", "recordings": len(tested), **{name: counts[name] for name in _STYLES}})


def suites(tested: Iterable[Tested]) -> Iterator[Suite]:
    """A suite a recording, a case a check; what is damaged is an error."""
    for each in tested:
        cases = tuple(
            Case(check.name, each.path, check.failure or None, "\n".join(check.details), check.seconds)
            for check in each.checks
            if check.outcome != "damaged"
        )
        broken = next((check.failure for check in each.checks if check.outcome == "damaged"), None)
        yield Suite(each.path, cases, broken=broken)


def _details(check: Check) -> Iterator[Row]:
    for line in check.details[:_MOST_LINES]:
        yield (("text", f"    {safe(line)}"),)
    if len(check.details) > _MOST_LINES:
        yield (("dim", f"    and {len(check.details) - _MOST_LINES} more lines"),)


def _plain(tested: Tested) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(tested)
    return fields


def _json(body: dict[str, Any]) -> Row:
    return ((JSON, msgspec.json.encode(body).decode()),)
