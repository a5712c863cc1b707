"""Rules compiled to predicates, cheap ones first. Whether a rule matches, not what then happens: see engine.py.

A test that cannot tell raises `RuleFault`, and the others still count: a rule that surely does not match does not,
whatever else is doubtful, so the order of the tests never shows.
"""

from collections.abc import Callable, Iterator

from interpose.core.events import End
from interpose.core.policy.condition import Condition, compile_condition
from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.glob import Matcher, matcher
from interpose.core.policy.jsonpath import Path
from interpose.core.policy.predicate import NAMED, about_ask, about_message, name_matcher
from interpose.core.policy.rule import AnyRule
from interpose.core.policy.subject import Subject
from interpose.core.policy.tasks import shows_status, shows_ttl
from interpose.core.policy.when import compile_when

Test = Callable[[Subject, Facts], bool]


class Selector:
    """One rule, ready to be matched."""

    def __init__(self, rule: AnyRule) -> None:
        self.rule = rule
        self.about_asks = rule.ask is not None
        self._methods = matcher(rule.method) if rule.method is not None else None
        self._named = [NAMED[what] for what in NAMED if getattr(rule, what) is not None]
        globs = {what: getattr(rule, what) for what in NAMED}
        self._names = [name_matcher(what, each, rule.permits) for what, each in globs.items() if each is not None]
        self._kinds = frozenset(rule.kind) if rule.kind is not None else None
        self._envelope = dict(about_message(rule))
        self._inside = tuple(_inside(rule))
        self._tests = (*self._envelope.values(), *self._inside)
        self.needs = None if self.about_asks else next(_needed(rule), None)
        """The member that must be there if the rule is to match, by the names that lead to it."""

    def __call__(self, subject: Subject, facts: Facts) -> bool:
        """Whether the rule matches. Raises: RuleFault where what is doubtful decides."""
        if (subject.ask is not None) is not self.about_asks:
            return False
        try:
            for test in self._tests:
                if not test(subject, facts):
                    return False
        except RuleFault:
            return self._in_doubt(subject, facts)
        return True

    def _in_doubt(self, subject: Subject, facts: Facts) -> bool:
        """The same where a test cannot tell: any other may still say no."""
        doubt: RuleFault | None = None
        for test in self._tests:
            try:
                if not test(subject, facts):
                    return False
            except RuleFault as fault:
                doubt = doubt or fault
        if doubt is not None:
            raise doubt
        return True

    def applies_to(self, method: str | None, kind: str, end: End, has_asks: bool, name: str | None = None) -> bool:
        """Whether it could match such a message at all, or an ask in it: never False for what it does match."""
        if self.about_asks:
            return has_asks
        if self._kinds is not None and kind not in self._kinds:
            return False
        if self.rule.sender is not None and end != self.rule.sender:
            return False
        if self._named and not all(method in methods for methods in self._named):
            return False
        if name is not None and not all(_may_be(names, name) for names in self._names):
            return False
        return self._methods is None or _is_method(self._methods, method)

    def given(self, method: str | None, kind: str, end: End, has_asks: bool, name: str | None = None) -> "Selector":
        """The same rule for messages that it `applies_to`, without the tests that are settled by what is known."""
        if self.about_asks:
            return self
        settled = {"kind", "sender"}
        if self._methods is not None and method is not None and _surely(self._methods, method):
            settled.add("method")
        if name is not None and all(_surely(names, name) for names in self._names):
            settled |= NAMED.keys()
        left = object.__new__(Selector)
        left.__dict__.update(self.__dict__)  # all that was compiled is shared
        left._tests = (*(test for field, test in self._envelope.items() if field not in settled), *self._inside)
        return left


def compile_rule(rule: AnyRule) -> Selector:
    """The rule as a predicate over a subject and the facts."""
    return Selector(rule)


def _may_be(names: Matcher, name: str) -> bool:
    try:
        return names(name)
    except RuleFault:
        return True


def _surely(texts: Matcher, text: str) -> bool:
    try:
        return texts(text)
    except RuleFault:
        return False


def _is_method(methods: Matcher, method: str | None) -> bool:
    try:
        return method is not None and methods(method)
    except RuleFault:
        return True


def _needed(rule: AnyRule) -> Iterator[tuple[str, ...]]:
    for condition in rule.given or ():
        names = Path(condition.path).members
        if condition.exists is not False and names:
            yield names


def _inside(rule: AnyRule) -> Iterator[Test]:
    """Cheap ones first: what needs the message's body comes last."""
    yield from about_ask(rule)
    if rule.task_status is not None:
        yield shows_status(rule.task_status, rule.permits)
    if rule.ttl_over is not None:
        yield shows_ttl(rule.ttl_over, rule.permits)
    yield from _on_value(rule)
    if rule.when is not None:
        yield compile_when(rule.when)


def _on_value(rule: AnyRule) -> Iterator[Test]:
    for condition in rule.given or ():
        yield _is_met(condition, every=rule.permits, wanted=True)
    for condition in rule.unless or ():
        yield _is_met(condition, every=not rule.permits, wanted=False)


def _is_met(condition: Condition, *, every: bool, wanted: bool) -> Test:
    path, met = Path(condition.path), compile_condition(condition, every)
    return lambda subject, _: met(subject.values(path)) is wanted
