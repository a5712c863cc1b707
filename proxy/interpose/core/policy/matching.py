"""Which rules match a message, and what each of them then is about. What follows from that is in engine.py."""

from collections.abc import Iterator
from typing import Any

from interpose.core.policy.denying import Matched
from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.rule import AnyRule, Note, effect_of
from interpose.core.policy.rules import Chosen, Rules
from interpose.core.policy.standing import stand
from interpose.core.policy.subject import Subject
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting


class Matcher:
    """The rules in force over one session. `facts` and `state` are its own, and outlive the rules."""

    def __init__(self, rules: Rules, facts: Facts, state: dict[str, Any]) -> None:
        self._chosen = rules.chosen
        self._facts = facts
        self._state = state

    def match(self, sighting: Sighting, value: dict[str, Any] | None = None) -> list[Matched]:
        """Every rule that matches the message or an ask in it; one that a limit is about has the effect `limit`.

        `value` are the params or result of the message, where they were read already.
        """
        chosen = self._chosen(sighting)
        whole = Subject(sighting, None, value)
        matched = self._matches(sighting, chosen, whole)
        return [*matched, *self._stands(sighting, chosen, whole)] if chosen.standing else matched

    def _matches(self, sighting: Sighting, chosen: Chosen, whole: Subject) -> list[Matched]:
        # A client that answers by a task of its own brings the ask up again: it is asked no second time.
        given = sighting.asks
        asks = (
            [Subject(sighting, ask) for ask in given if ask.state != "open" or sighting.end == "server"]
            if given
            else []
        )
        found: list[Matched] = []
        for selector in chosen.shortlist.of(whole):
            for subject in asks if selector.about_asks else (whole,):
                try:
                    if selector(subject, self._facts):
                        effect = "limit" if selector.rule.do == "limit" else effect_of(selector.rule)
                        found.append(Matched(selector.rule, effect, subject.ask))
                except RuleFault as fault:
                    found.append(_doubtful(selector.rule, subject.ask, fault))
        return found

    def _stands(self, sighting: Sighting, chosen: Chosen, whole: Subject) -> Iterator[Matched]:
        for rule, where in chosen.standing:
            try:
                if not where(whole, self._facts):
                    continue
            except RuleFault:
                pass  # it counts
            found = stand(rule, sighting, self._state)
            if found.denial is not None:
                yield Matched(rule, "deny", None, found.denial.text, found.denial)
            elif found.swallowed:
                yield Matched(rule, "deny", None, "not offered", swallows=True)
            elif found.edits:
                yield Matched(rule, "edit")
            for ask, denial in found.asks:
                yield Matched(rule, "deny", ask, denial.text, denial)


def _doubtful(rule: AnyRule, ask: Ask | None, fault: RuleFault) -> Matched:
    """INVARIANT: a rule that cannot tell counts where it refuses or changes, and nowhere else."""
    if rule.permits or isinstance(rule, Note):
        return Matched(rule, "none", ask, f"could not tell, and so it does not count: {fault}")
    return Matched(rule, effect_of(rule), ask, f"could not tell, and so it counts: {fault}")
