"""The rules of policies, compiled: what all sessions under them share. Which of them match is told in matching.py."""

from collections.abc import Iterable, Sequence

import msgspec

from interpose.core.events import End
from interpose.core.policy.denying import strength_of
from interpose.core.policy.rule import AnyRule, Pin, Policy, effect_of
from interpose.core.policy.select import Selector, compile_rule
from interpose.core.policy.shortlist import Shortlist, Watched
from interpose.core.policy.standing import STANDING, may_concern
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

Key = tuple[str | None, Kind, End, bool, str | None]
"""A kind of message: its method, what it is, who sent it, whether it has asks, and what it is about."""
_CHOSEN = 4096  # method names are the peers' to choose


class Chosen(msgspec.Struct, frozen=True):
    """The rules worth a look for one kind of message.

    `watched` are the members for which one could match such a message; None where one always could.
    """

    shortlist: Shortlist
    standing: Sequence[tuple[AnyRule, Selector]]
    watched: Watched | None


class Rules:
    """All rules of some policies. INVARIANT: nothing of a session is kept here."""

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self.policies = tuple(policies)
        self.revision = " ".join(policy.digest for policy in self.policies)
        rules = [rule for policy in self.policies for rule in policy.rules]
        self.enforce = any(rule.mode == "enforce" and strength_of(effect_of(rule)) > 0 for rule in rules)
        self.learn = any(isinstance(rule, Pin) and rule.file is not None for rule in rules)
        self.limit = any(rule.do == "limit" for rule in rules)
        self.note = any(rule.noted is not None for rule in rules)
        self.scrubbers = [rule for rule in rules if rule.do == "redact" and "recording" in rule.where]
        self._selectors = [compile_rule(rule) for rule in rules if not isinstance(rule, STANDING)]
        self._standing = [(rule, _where(rule)) for rule in rules if isinstance(rule, STANDING)]
        self._chosen: Ring[Key, Chosen] = Ring(_CHOSEN)

    def chosen(self, sighting: Sighting) -> Chosen:
        """The rules that could match such a message at all: found once for each kind of message and name."""
        key = (sighting.method, sighting.kind, sighting.end, bool(sighting.asks), sighting.name)
        found = self._chosen.get(key)
        if found is None:
            shortlist = Shortlist([each.given(*key) for each in self._selectors if each.applies_to(*key)])
            standing = [each for each in self._standing if may_concern(each[0], sighting)]
            found = Chosen(shortlist, standing, None if standing else shortlist.watched)
            self._chosen.put(key, found)
        return found

    def watched(self, key: Key) -> Watched | None:
        """The members for which a rule could match such a message; None where one always could, or nobody knows yet."""
        found = self._chosen.get(key)
        return None if found is None else found.watched


def _where(rule: AnyRule) -> Selector:
    """Where a standing rule is in force: its selection without the names, which say what is taken away there."""
    return compile_rule(rule.model_copy(update={"tool": None, "prompt": None, "resource": None, "ask": None}))
