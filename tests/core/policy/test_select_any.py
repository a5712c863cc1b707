"""Whatever a message says, a compiled rule answers yes, no or that it cannot tell; and the index hides no match."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.session.conversation import Talk

from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.rule import RULE
from interpose.core.policy.select import compile_rule
from interpose.core.policy.subject import Subject
from interpose.core.session.sighting import Sighting

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(["/etc/passwd", "file:///etc", "https://a.b/c", "url", "form", "t-1", "working", "tools/call"]),
)
NAMES = """name uri mode url message arguments path task tasks ttl ttlMs taskId status inputRequests inputResponses
requestState resultType method params key _meta elicitations"""
METHODS = """tools/call sampling/createMessage elicitation/create roots/list tasks/get tasks/update resources/read
prompts/get initialize notifications/tasks notifications/progress"""
names = st.sampled_from(NAMES.split())
methods = st.sampled_from(METHODS.split())
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)
asks = st.dictionaries(names, st.fixed_dictionaries({"method": methods, "params": values}), max_size=2)
bodies = st.one_of(
    st.fixed_dictionaries({"id": st.integers(0, 3), "method": methods, "params": values}),
    st.fixed_dictionaries({"method": methods, "params": values}),
    st.fixed_dictionaries({"id": st.integers(0, 3), "result": values}),
    st.fixed_dictionaries(
        {"id": st.integers(0, 3), "error": st.fixed_dictionaries({"code": st.just(-32042), "data": values})}
    ),
    st.fixed_dictionaries(
        {
            "id": st.integers(0, 3),
            "result": st.fixed_dictionaries(
                {"resultType": st.sampled_from(["input_required", "task"]), "inputRequests": asks}
            ),
        }
    ),
    st.fixed_dictionaries({"jsonrpc": scalars}),
)
conversations = st.lists(st.tuples(st.sampled_from(["client", "server"]), bodies), max_size=8)

ABOUT_ASKS: list[dict[str, Any]] = [
    {"ask": ["sampling", "elicitation", "roots"]},
    {"ask": "elicitation", "mode_is": "url"},
    {"ask": "elicitation", "host": ["a.b", "*.c"]},
    {"ask": "elicitation", "unless_host": "a.b"},
    {"ask": "elicitation", "asked_again": True},
    {"ask": "sampling", "nth_of_call": 2, "nth_of_session": 3},
    {"ask": "roots", "declared": False, "tool": "x*y", "prompt": "a", "resource": "b*"},
    {"ask": "sampling", "kind": ["result", "error"], "given": {"path": "$..name", "equals": "x"}},
]
ABOUT_MESSAGES: list[dict[str, Any]] = [
    {"all": True},
    {"method": ["a*b", "tools/*", "ping"], "kind": ["request", "result"], "from": "client", "era": "stateful"},
    {"tool": ["a", "b*c"]},
    {"resource": "file:*"},
    {"server": "s"},
    {"task_status": "working", "ttl_over": 5},
    {"given": {"path": "$..path", "inside": ["/etc", "."]}},
    {"given": {"path": "$..*", "matches": ["a", "^b$"]}},
    {"given": {"path": "$..*", "host": "a.b"}},
    {
        "unless": [
            {"path": "$.*", "longer_than": 1},
            {"path": "$[0]", "exists": True},
            {"path": "$", "equals": {"a": 1}},
        ]
    },
    {"unless": {"path": "$..url", "in": ["a", 1, None, [True]]}},
]
RULES = [
    compile_rule(RULE.validate_python({"name": "r", "do": do} | fields))
    for do in ("block", "allow")
    for fields in ABOUT_ASKS + ABOUT_MESSAGES
]


def watched(conversation: list[tuple[Any, Any]], facts: Facts) -> list[Sighting]:
    talk = Talk()
    seen = []
    for end, body in conversation:
        raw = json.dumps({"jsonrpc": "2.0"} | body).encode()
        for sighting in talk.batch(end, raw):
            facts.see(sighting)
            seen.append(sighting)
    return seen


@settings(max_examples=300, deadline=None)
@given(conversations)
def test_a_rule_never_fails_but_by_saying_so(conversation: list[tuple[Any, Any]]) -> None:
    facts = Facts("s")
    for sighting in watched(conversation, facts):
        for ask in (None, *sighting.asks):
            subject = Subject(sighting, ask)
            for rule in RULES:
                try:
                    matched = rule(subject, facts)
                except RuleFault:
                    matched = True
                applies = rule.applies_to(sighting.method, sighting.kind, sighting.end, bool(sighting.asks))
                assert applies or not matched, "the index hides no match"
