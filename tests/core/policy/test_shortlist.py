"""Which rules are worth a look: every one that could match, in their order, whatever the message looks like."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.policy.watched import selector

from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.select import Selector
from interpose.core.policy.shortlist import Shortlist
from interpose.core.policy.subject import Subject
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import read

FACTS = Facts()
KEY = ("tools/call", "request", "client", False, "echo")
CONDITIONS: list[dict[str, Any]] = [
    {"path": "$.arguments.path", "exists": True},
    {"path": "$.arguments.path", "equals": "a"},
    {"path": "$.arguments['path']", "matches": "a"},
    {"path": "$['arguments'].x.path", "longer_than": 1},
    {"path": "$.arguments", "exists": True},
    {"path": "$.arguments.path", "exists": False},
    {"path": "$.arguments['a/b']", "exists": True},
    {"path": "$.arguments[0]", "exists": True},
    {"path": "$..path", "exists": True},
    {"path": "$", "exists": True},
]
RULES = [
    selector(name=f"r{number}", method="tools/call", given=condition, **more)
    for number, condition in enumerate(CONDITIONS)
    for more in ({}, {"do": "allow"}, {"unless": {"path": "$.name", "equals": 5}})
]


def subject(raw: str) -> Subject:
    message = read(raw.encode("utf-8", "surrogatepass"))
    return Subject(Sighting(1, 0.0, "client", "stdio", message, message.kind, "stateful", 0, message.method, "echo"))


def call(arguments: str) -> Subject:
    return subject(
        f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{arguments}}}}}'
    )


def answers(selectors: Any, subject: Subject) -> list[tuple[str, str]]:
    found = []
    for each in selectors:
        try:
            if each(subject, FACTS):
                found.append((each.rule.name, "yes"))
        except RuleFault:
            found.append((each.rule.name, "doubt"))
    return found


def worth_a_look(rules: list[Selector], subject: Subject) -> list[str]:
    return [each.rule.name for each in Shortlist(rules).of(subject)]


NAMES = st.sampled_from(["path", "x", "arguments", "a/b", "p", "Path"])
VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["a", "path", '"path"', "\\"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
)


@given(VALUES, st.sampled_from(["", "p", "a", "/"]))
def test_no_rule_that_matches_is_left_out(value: Any, escaped: str) -> None:
    text = json.dumps(value)
    if escaped:
        text = text.replace(escaped, f"\\u{ord(escaped):04x}")
    left = [each.given(*KEY) for each in RULES if each.applies_to(*KEY)]
    assert answers(Shortlist(left).of(call(text)), call(text)) == answers(RULES, call(text))


@pytest.mark.parametrize("arguments", ["{", "[1,]", '{"path":1'])
def test_every_rule_is_looked_at_where_the_message_cannot_be_read(arguments: str) -> None:
    damaged = Subject(call("{}").sighting)
    object.__setattr__(damaged, "sighting", _with_params(damaged.sighting, f'{{"arguments":{arguments}'))
    assert worth_a_look(RULES, damaged) == [each.rule.name for each in RULES]


def _with_params(sighting: Sighting, params: str) -> Sighting:
    message = sighting.message
    damaged = type(message)(message.raw, message.kind, message.id, message.method, params.encode())
    return Sighting(1, 0.0, "client", "stdio", damaged, damaged.kind, "stateful", 0, "tools/call", "echo")


def test_a_rule_whose_member_is_not_there_is_not_looked_at() -> None:
    rules = [selector(name=name, tool="echo", given={"path": f"$.arguments.{name}", "exists": True}) for name in "abc"]
    always = selector(name="z", tool="echo")
    assert worth_a_look([rules[0], always, *rules[1:]], call('{"c":1,"a":2}')) == ["a", "z", "c"]
    assert worth_a_look([rules[0], always], call("{}")) == ["z"]
    assert worth_a_look(rules, call("[]")) == []


@pytest.mark.parametrize("arguments", ['{"\\u0078":{"path":1}}', '{"a\\/b":{"path":1}}', '{"x":{"p\\u0061th":1}}'])
def test_a_member_that_is_spelt_with_escapes_is_there(arguments: str) -> None:
    rules = [
        selector(name=name, given={"path": f"$.arguments['{name}'].path", "exists": True}) for name in ("x", "a/b")
    ]
    [met] = [rule for rule in rules if rule(call(arguments), FACTS)]
    assert met.rule.name in worth_a_look(rules, call(arguments))


def test_what_is_known_of_a_message_is_not_tested_again() -> None:
    rule = selector(kind="request", method="tools/*", tool="echo", given={"path": "$.arguments.a", "exists": True})
    elsewhere = Subject(call('{"a":1}').sighting)
    elsewhere.method, elsewhere.kind = "ping", "error"
    assert not rule(elsewhere, FACTS)
    assert rule.given(*KEY)(elsewhere, FACTS)
