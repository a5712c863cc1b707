"""Why a message was treated as it was, rule by rule: which could be about it, which matched, and what did not fit.

Decides nothing: what was decided is in the finding, or in the recording.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

import msgspec

from interpose.core.formats.rehearsal_finding import Finding
from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.rule import AnyRule, Policy
from interpose.core.policy.select import Selector, compile_rule
from interpose.core.policy.selection import SELECTORS, Selection
from interpose.core.policy.subject import Subject
from interpose.core.policy.verdict import Hit
from interpose.core.protocol import AskKind
from interpose.core.recording.entry import Entry
from interpose.core.session.asks import Ask
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting

Fit = Literal["yes", "no", "doubtful"]
_DEFAULTS = {name: field.default for name, field in Selection.model_fields.items() if name in SELECTORS}


class Test(msgspec.Struct, frozen=True):
    """One field of a rule, held against the message."""

    field: str
    fit: Fit
    why: str = ""


class Treated(msgspec.Struct, frozen=True):
    """What one rule made of the message, or of one ask in it.

    `applied` is False for a rule about other kinds of messages; `hit` is None where it did not match. `tests` tell
    which fields fit; there are none where all is known from a recording.
    """

    rule: str
    do: str
    mode: str = "enforce"
    policy: str = ""
    applied: bool = True
    hit: Hit | None = None
    ask: str | None = None
    tests: tuple[Test, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """The whole answer: what came, what was decided, and each rule. `source` says where the verdict is from."""

    entry: Entry
    source: Literal["recording", "rehearsal"]
    decision: str
    rules: tuple[Treated, ...]
    method: str | None = None
    name: str | None = None
    era: str | None = None


def recorded(entries: Iterable[Entry], seq: int) -> Explanation | None:
    """What the recording itself says of an entry: only rules that matched stand in it. None for no message."""
    session = Session()
    for entry in entries:
        event = entry.event()
        sightings = session.see(entry.seq, event) if event is not None else ()
        if entry.seq == seq:
            return _recorded(entry, sightings[0]) if sightings else None
    return None


def _recorded(entry: Entry, seen: Sighting) -> Explanation:
    verdict = entry.verdict or {}
    hits = (msgspec.convert(hit, Hit) for hit in verdict.get("rules", ()))
    rules = tuple(Treated(hit.rule, hit.do, hit=hit, ask=hit.ask) for hit in hits)
    decision = str(verdict.get("decision", "pass"))
    return Explanation(entry, "recording", decision, rules, seen.method, seen.name, seen.era)


class Explainer:
    """Holds every rule of the policies against a message, with what the session remembers at that point."""

    def __init__(self, policies: Iterable[Policy], server: str) -> None:
        self._rules = [(policy.name, rule, compile_rule(rule)) for policy in policies for rule in policy.rules]
        self._facts = Facts(server)

    def see(self, sightings: Iterable[Sighting]) -> None:
        """Remember what comes before."""
        for sighting in sightings:
            self._facts.see(sighting)

    def explain(self, entry: Entry, sightings: tuple[Sighting, ...], finding: Finding | None) -> Explanation:
        self.see(sightings)
        rules = [treated for seen in sightings for treated in self._treated(seen, finding)]
        decision = finding.decision if finding is not None else "pass"
        known = {treated.rule for treated in rules}
        other = [hit for hit in (finding.rules if finding is not None else ()) if hit.rule not in known]
        rules += [Treated(hit.rule, hit.do, hit=hit) for hit in other]
        first = sightings[0] if sightings else None
        if first is None:
            method = finding.method if finding is not None else None
            return Explanation(entry, "rehearsal", decision, tuple(rules), method)
        return Explanation(entry, "rehearsal", decision, tuple(rules), first.method, first.name, first.era)

    def _treated(self, seen: Sighting, finding: Finding | None) -> Iterator[Treated]:
        for policy, rule, selector in self._rules:
            subjects: tuple[Ask | None, ...] = seen.asks if selector.about_asks else (None,)
            about = Treated(rule.name, rule.do, rule.mode, policy)
            applied = selector.applies_to(seen.method, seen.kind, seen.end, bool(seen.asks))
            if not applied and _hit_of(finding, rule.name, None) is None:
                yield msgspec.structs.replace(about, applied=False)
                continue
            for ask in subjects:
                key = ask.key if ask is not None else None
                hit = _hit_of(finding, rule.name, key if ask is not None and ask.state == "open" else None)
                tests = tuple(_tests(rule, Subject(seen, ask), self._facts))
                yield msgspec.structs.replace(about, hit=hit, ask=key, tests=tests)


def _hit_of(finding: Finding | None, rule: str, ask: str | None) -> Hit | None:
    hits = finding.rules if finding is not None else ()
    return next((hit for hit in hits if hit.rule == rule and hit.ask == ask), None)


def _tests(rule: AnyRule, subject: Subject, facts: Facts) -> Iterator[Test]:
    """Each field of a rule alone: a rule with nothing but this field, about the same sort of thing."""
    for name, default in _DEFAULTS.items():
        if getattr(rule, name) == default:
            continue
        alone = {other: each for other, each in _DEFAULTS.items() if other != name}
        if rule.ask is not None and name != "ask":
            alone["ask"] = tuple(get_args(AskKind))
        said = Selection.model_fields[name].alias or name
        yield _test(said, compile_rule(rule.model_copy(update=alone)), subject, facts)


def _test(field: str, selector: Selector, subject: Subject, facts: Facts) -> Test:
    try:
        return Test(field, "yes" if selector(subject, facts) else "no")
    except RuleFault as fault:
        return Test(field, "doubtful", str(fault))
