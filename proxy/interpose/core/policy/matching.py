"""Which rules match a message, and what each of them then is about. What follows from that is in engine.py."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from interpose.core.events import End
from interpose.core.policy.denying import Matched
from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.rule import AnyRule, Note, effect_of
from interpose.core.policy.select import Selector, compile_rule
from interpose.core.policy.shortlist import Shortlist, Watched, calls_for_a_look
from interpose.core.policy.standing import STANDING, may_concern, stand
from interpose.core.policy.subject import Subject
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

Key = tuple[str | None, Kind, End, bool, str | None]
"""A kind of message: its method, what it is, who sent it, whether it has asks, and what it is about."""
_CANDIDATES = 4096  # method names are the peers' to choose


class Chosen(msgspec.Struct, frozen=True):
    """The rules worth a look for one kind of message."""

    shortlist: Shortlist
    standing: Sequence[tuple[AnyRule, Selector]]


class Matcher:
    """The rules in force, compiled. `facts` and `state` are the session's, and outlive the rules."""

    def __init__(self, rules: Sequence[AnyRule], facts: Facts, state: dict[str, Any]) -> None:
        self._facts = facts
        self._state = state
        self._selectors = [compile_rule(rule) for rule in rules if not isinstance(rule, STANDING)]
        self._standing = [(rule, _where(rule)) for rule in rules if isinstance(rule, STANDING)]
        self._candidates: dict[Key, Chosen] = {}
        self._watched: dict[Key, Watched] = {}  # for kinds of messages that no rule is about but for their members

    def match(self, sighting: Sighting, value: dict[str, Any] | None = None) -> list[Matched]:
        """Every rule that matches the message or an ask in it; one that a limit is about has the effect `limit`.

        `value` are the params or result of the message, where they were read already.
        """
        chosen = self._chosen(sighting)
        whole = Subject(sighting, None, value)
        matched = self._matches(sighting, chosen, whole)
        return [*matched, *self._stands(sighting, chosen, whole)] if chosen.standing else matched

    def has_a_say(self, key: Key, value: Any) -> bool:
        """Whether a rule could match such a message with these params or result; True when nobody knows yet."""
        watched = self._watched.get(key)
        return watched is None or calls_for_a_look(watched, (value,))

    def watched(self, key: Key) -> Watched | None:
        """The members for which a rule could match such a message; None where one always could, or nobody knows."""
        return self._watched.get(key)

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

    def _chosen(self, sighting: Sighting) -> Chosen:
        """The rules that could match such a message at all: found once for each kind of message and name."""
        key = (sighting.method, sighting.kind, sighting.end, bool(sighting.asks), sighting.name)
        found = self._candidates.get(key)
        if found is None:
            shortlist = Shortlist([each.given(*key) for each in self._selectors if each.applies_to(*key)])
            standing = [each for each in self._standing if may_concern(each[0], sighting)]
            found = Chosen(shortlist, standing)
            if len(self._candidates) < _CANDIDATES:
                self._candidates[key] = found
                if not standing and (watched := shortlist.watched) is not None:
                    self._watched[key] = watched
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


def _where(rule: AnyRule) -> Selector:
    """Where a standing rule is in force: its selection without the names, which say what is taken away there."""
    return compile_rule(rule.model_copy(update={"tool": None, "prompt": None, "resource": None, "ask": None}))
