"""The fields of a rule as tests, one each: what they compare is in the message's envelope or in the facts."""

from collections.abc import Callable, Iterator, Sequence

from interpose.core.policy.address import uri_matcher
from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault, decide
from interpose.core.policy.glob import Matcher, matcher
from interpose.core.policy.host import host_of, hosts
from interpose.core.policy.rule import AnyRule
from interpose.core.policy.subject import Subject
from interpose.core.session.asks import Ask

Test = Callable[[Subject, Facts], bool]

# What a name is the name of, by the method that carries it.
NAMED: dict[str, frozenset[str]] = {
    "tool": frozenset({"tools/call"}),
    "prompt": frozenset({"prompts/get"}),
    "resource": frozenset(
        {"resources/read", "resources/subscribe", "resources/unsubscribe", "notifications/resources/updated"}
    ),
}


def name_matcher(what: str, globs: Sequence[str], every: bool) -> Matcher:
    """Whether a name is one of these; of a resource, whether one of the spellings of its URI is, or `every` one."""
    return uri_matcher(globs, every) if what == "resource" else matcher(globs)


def about_message(rule: AnyRule) -> Iterator[tuple[str, Test]]:
    """Who sent what, in which version, to or from which server; each test under the name of its field."""
    kinds = rule.kind or (("request",) if rule.ask is not None else None)
    if kinds is not None:
        chosen = frozenset(kinds)
        yield "kind", lambda subject, _: subject.kind in chosen
    if rule.sender is not None:
        sender = rule.sender
        yield "sender", lambda subject, _: subject.end == sender
    if rule.era is not None:
        era = rule.era
        yield "era", lambda subject, _: subject.sighting.era == era
    if rule.method is not None:
        methods = matcher(rule.method)
        yield "method", lambda subject, _: subject.method is not None and methods(subject.method)
    if rule.server is not None:
        servers = matcher(rule.server)
        yield "server", lambda _, facts: facts.server is not None and servers(facts.server)
    if rule.noted is not None:
        words = frozenset(rule.noted)
        yield "noted", lambda subject, _: not words.isdisjoint(subject.sighting.notes)
    for what, methods_of in NAMED.items():
        globs = getattr(rule, what)
        if globs is not None:
            yield what, _named(what, methods_of, globs, rule.permits)


def about_ask(rule: AnyRule) -> Iterator[Test]:
    """What is asked, how, and how often."""
    if rule.ask is not None:
        asks = frozenset(rule.ask)
        yield _on_ask(lambda ask: ask.kind in asks)
    if rule.mode_is is not None:
        mode = rule.mode_is
        yield _on_ask(lambda ask: ask.mode == mode)
    if rule.host is not None:
        yield _on_ask(_has_host(rule.host, wanted=True))
    if rule.unless_host is not None:
        yield _on_ask(_has_host(rule.unless_host, wanted=False))
    yield from _about_history(rule)


def _about_history(rule: AnyRule) -> Iterator[Test]:
    if rule.nth_of_call is not None:
        of_call = rule.nth_of_call
        yield lambda subject, facts: facts.nth_of_call(_ask(subject)) >= of_call
    if rule.nth_of_session is not None:
        of_session = rule.nth_of_session
        yield lambda subject, facts: facts.nth_of_session(_ask(subject)) >= of_session
    if rule.asked_again is not None:
        again = rule.asked_again
        yield lambda subject, facts: facts.asked_again(_ask(subject)) is again
    if rule.declared is not None:
        declared = rule.declared
        yield lambda subject, facts: facts.is_declared(_ask(subject), subject.sighting.call) is declared


def _ask(subject: Subject) -> Ask:
    assert subject.ask is not None, "a rule about asks is matched against nothing else"
    return subject.ask


def _on_ask(test: Callable[[Ask], bool]) -> Test:
    return lambda subject, _: test(_ask(subject))


def _has_host(names: Sequence[str], wanted: bool) -> Callable[[Ask], bool]:
    is_one = hosts(names)
    return lambda ask: ask.mode == "url" and is_one(host_of(ask.url)) is wanted


def _named(what: str, methods: frozenset[str], globs: Sequence[str], every: bool) -> Test:
    is_one = name_matcher(what, globs, every)

    def is_named(origin: tuple[str | None, str | None] | None) -> bool:
        if origin is None:
            raise RuleFault("the call that an ask belongs to is forgotten")
        method, name = origin
        if method not in methods:
            return False
        if name is None:
            raise RuleFault(f"the name of a {what} is no text")
        return is_one(name)

    def test(subject: Subject, facts: Facts) -> bool:
        if subject.ask is not None:
            return decide(facts.origins(subject.ask), is_named, every)
        return is_named((subject.sighting.method, subject.sighting.name))

    return test
