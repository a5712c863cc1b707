"""What a policy would have made of one message, as a value; and how often it did what. Not how it is shown."""

from collections import Counter
from typing import Any, Literal

import msgspec

from interpose.core.events import End
from interpose.core.policy.rule import ACTIONS, AnyRule
from interpose.core.policy.verdict import Hit
from interpose.core.protocol import Era

Happened = Literal["refused", "blocked", "answered", "held", "edited", "noted", "passed"]

STOPPED = frozenset({"answer", "drop", "cut", "withhold", "refuse"})
HAPPENED: tuple[Happened, ...] = ("blocked", "edited", "held", "answered", "refused", "noted", "passed")
DENIES = frozenset(name for name, rule in ACTIONS.items() if rule.effect == "deny")


class Finding(msgspec.Struct, frozen=True):
    """What would have happened to one message.

    `decision` and `rules` are what a recording would hold as the verdict. `delivered` is what would have gone on
    instead of what came, `said` what interpose would have said itself. `seq` and `at` are the recording's.
    """

    seq: int
    at: float
    end: End
    era: Era
    method: str | None
    name: str | None
    decision: str
    rules: tuple[Hit, ...]
    why: str = ""
    delivered: bytes | None = None
    said: tuple[bytes, ...] = ()

    @property
    def happened(self) -> Happened:
        """The decision in one word for people."""
        if self.decision == "refuse":
            return "refused"
        if self.decision == "hold":
            return "held"
        acted = {hit.do for hit in self.rules if hit.acted}
        if self.decision != "pass":
            return _stopped_or_edited(self.decision, acted)
        return "noted" if acted & (DENIES | {"note"}) else "passed"

    def as_fields(self) -> dict[str, Any]:
        """The verdict as a recording holds it."""
        return {"decision": self.decision, "rules": [msgspec.to_builtins(hit) for hit in self.rules]}

    def alike(self, other: "Finding | None") -> bool:
        """Whether both ends would have got the same."""
        decision, delivered, said = (
            ("pass", None, ()) if other is None else (other.decision, other.delivered, other.said)
        )
        return (self.decision, self.delivered, self.said) == (decision, delivered, said)


def _stopped_or_edited(decision: str, acted: set[str]) -> Happened:
    if acted & (DENIES - {"answer"}):
        return "blocked"
    if "answer" in acted:
        return "answered"
    return "blocked" if decision in STOPPED else "edited"


class Difference(msgspec.Struct, frozen=True):
    """One message that two policies treat differently; None where a policy leaves it alone."""

    first: Finding | None
    second: Finding | None

    @property
    def one(self) -> Finding:
        """Either of them: what both say of the message itself."""
        found = self.first or self.second
        assert found is not None
        return found


class Tally:
    """What was found in one recording or several: counts by word, and the rules that matched."""

    def __init__(self, rules: tuple[AnyRule, ...]) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self.messages = self.moot = self.differing = self.findings = 0
        self.counts: Counter[Happened] = Counter()
        self._matched: set[str] = set()

    def take(self, finding: Finding) -> None:
        self.findings += 1
        self.counts[finding.happened] += 1
        self._matched.update(hit.rule for hit in finding.rules)

    def add(self, other: "Tally") -> None:
        """Count in what another one counted."""
        self.messages += other.messages
        self.moot += other.moot
        self.differing += other.differing
        self.findings += other.findings
        self.counts.update(other.counts)
        self._matched |= other._matched

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The rules that never matched, in the order of the files."""
        return tuple(name for name in self.rules if name not in self._matched)
