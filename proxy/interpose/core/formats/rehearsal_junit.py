"""A rehearsal as tests: one for each message that a rule matched. It fails only where two policies differ."""

from msgspec.structs import replace

from interpose.core.formats.junit import Case, Suite
from interpose.core.formats.rehearsal import label, why
from interpose.core.formats.rehearsal_finding import Difference, Finding, Tally
from interpose.core.recording.entry import Header


class RehearsalSuite:
    """Gathers the cases of one recording."""

    def __init__(self, path: str, header: Header) -> None:
        self._suite = Suite(path, (), header.started)
        self._cases: list[Case] = []

    def finding(self, finding: Finding, tally: Tally) -> None:
        """A message that a rule matched: told, never failed."""
        rules = ", ".join(hit.rule for hit in finding.rules)
        detail = f"{finding.happened} by {rules or 'the gate'}: {why(finding, tally.rules)}"
        self._cases.append(Case(_name(finding), self._suite.name, detail=detail))

    def difference(self, found: Difference, differs: bool) -> None:
        """A message under two policies."""
        first, second = _word(found.first), _word(found.second)
        failure = f"{first} under the policy, {second} under the one it is held against" if differs else None
        detail = f"{first}: {_rules(found.first)}\n{second}: {_rules(found.second)}"
        self._cases.append(Case(_name(found.one), self._suite.name, failure, detail))

    def end(self, broken: str | None = None) -> Suite:
        """All of it. Where no rule matched anything, one case says so."""
        cases = self._cases
        if not cases and broken is None:
            cases = [Case("no rule matched", self._suite.name)]
        return replace(self._suite, cases=tuple(cases), broken=broken)


def _name(finding: Finding) -> str:
    return f"{finding.seq} {label(finding)} from the {finding.end}"


def _word(finding: Finding | None) -> str:
    return "passed" if finding is None else finding.happened


def _rules(finding: Finding | None) -> str:
    return "no rule matched" if finding is None else ", ".join(hit.rule for hit in finding.rules) or "no rule"
