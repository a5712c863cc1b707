"""What holds of every action on any JSON: no exception but EditFault, done once is done, the rest stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.policy.actions.trying import rule
from tests.core.session.conversation import CAPABILITIES, Talk, request, stateful, stateless

from interpose.core.events import End
from interpose.core.policy.actions import CONCERNS, EDITS, EditFault, Editing
from interpose.core.policy.standing import stand
from interpose.core.session.sighting import Sighting

RULES = [
    rule("set", path="$.arguments.x", value={"y": [1]}),
    rule("set", path="$.tools[0]", value=None),
    rule("hide", tool="*", unless_tool="a*", resource="*", unless_resource="c?"),
    rule("pin", file="f", on_new="note"),
    rule("remove", path="$..name"),
    rule("remove", path="$.tools[*]"),
    rule("cap", path="$..maxTokens", at_most=5),
    rule("cap", path="$.task.ttl", at_most=5),
    rule("hide", tool="a*", prompt="b", resource="c?"),
    rule("strip", capability=["sampling", "elicitation.url", "tasks", "logging", "tools.listChanged"]),
    rule("strip", capability=["elicitation", "roots", "sampling.tools", "resources"]),
    rule("pin"),
    rule("pin", on_change="note"),
]
METHODS = ["initialize", "server/discover", "tools/list", "resources/list", "tools/call", "subscriptions/listen"]
NAMES = st.sampled_from(
    [
        *("name", "uri", "tools", "resources", "arguments", "maxTokens", "task", "tasks", "ttl", "taskId", "x"),
        *("_meta", CAPABILITIES, "capabilities", "elicitation", "url", "form", "sampling", "requests"),
        *("execution", "taskSupport", "notifications", "nextCursor", "data", "code", "inputSchema"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "ab", "b", "c1", "required", ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
SECTIONS = VALUES | st.dictionaries(NAMES, VALUES, max_size=6)


def seen(method: str, kind: str, section: Any, talk: Talk, end: End) -> Sighting:
    """A message of any content, seen where such messages are seen."""
    if kind == "params":
        return talk.say(end, {"jsonrpc": "2.0", "id": 5, "method": method, "params": section})
    talk.client(request(5, method))
    return talk.server({"jsonrpc": "2.0", "id": 5, kind: section})


def plain(value: Any) -> str:
    """Comparable JSON: NaN is like itself, `true` is unlike 1."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("one", RULES, ids=lambda one: f"{one.do}-{getattr(one, 'path', '')}")
@given(
    method=st.sampled_from(METHODS),
    kind=st.sampled_from(["params", "result", "error"]),
    section=SECTIONS,
    era=st.sampled_from([stateful, stateless]),
    end=st.sampled_from(["client", "server"]),
)
def test_any_json(one: Any, method: str, kind: str, section: Any, era: Any, end: End) -> None:
    sighting = seen(method, kind, section, era(), end)
    before = sighting.message.body()
    editing = Editing(sighting.message.body(), sighting, {})
    try:
        words = EDITS[one.do](one, editing)
    except EditFault:
        return
    after = plain(editing.body)
    assert words is not None or after == plain(before)
    if one.do in CONCERNS and not CONCERNS[one.do](one, sighting):
        assert after == plain(before)
    EDITS[one.do](one, editing)
    assert plain(editing.body) == after
    others = [name for name in before if name not in ("params", "result", "error")]
    assert {name: editing.body[name] for name in others} == {name: before[name] for name in others}


@given(method=st.sampled_from([*METHODS, "prompts/get", "completion/complete", "resources/read"]), params=SECTIONS)
def test_calls_are_judged_without_an_exception(method: str, params: Any) -> None:
    sighting = seen(method, "params", params, stateful(), "client")
    for one in RULES:
        stand(one, sighting, {})


@given(st.lists(st.fixed_dictionaries({"name": st.sampled_from(["a", "ab", "b", "x"]), "n": VALUES}), max_size=6))
def test_what_is_not_hidden_stays_as_it_is(tools: list[Any]) -> None:
    sighting = seen("tools/list", "result", {"tools": tools, "nextCursor": "x"}, stateful(), "server")
    editing = Editing(sighting.message.body(), sighting, {})
    EDITS["hide"](rule("hide", tool="a*"), editing)
    left = [tool for tool in tools if not tool["name"].startswith("a")]
    assert plain(editing.body["result"]) == plain({"tools": left, "nextCursor": "x"})


DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("one", "deep"),
    [
        (rule("set", path="$.x", value=1), True),
        (rule("remove", path="$..x"), False),
        (rule("cap", path="$..x", at_most=1), False),
        (rule("hide", tool="x"), True),
        (rule("strip", capability="tasks"), True),
    ],
    ids=lambda each: getattr(each, "do", ""),
)
def test_depth_and_size_end_in_a_block_or_do_not_matter(one: Any, deep: bool) -> None:
    sighting = seen("tools/list", "result", {}, stateful(), "server")
    section = {"x": DEEP, "tools": [{"name": "y", "inputSchema": DEEP}]} if deep else {"y": [0] * 300_000}
    editing = Editing({"jsonrpc": "2.0", "id": 5, "result": section}, sighting, {})
    if deep:
        EDITS[one.do](one, editing)
    else:
        with pytest.raises(EditFault):
            EDITS[one.do](one, editing)


def test_a_tool_too_deep_to_compare_is_blocked() -> None:
    sighting = seen("tools/list", "result", {}, stateful(), "server")
    body = {"jsonrpc": "2.0", "id": 5, "result": {"tools": [{"name": "y", "inputSchema": DEEP}]}}
    with pytest.raises(EditFault):
        EDITS["pin"](rule("pin"), Editing(body, sighting, {}))


@pytest.mark.parametrize("do", ["set", "remove"])
def test_a_path_that_was_never_checked_is_blocked(do: str) -> None:
    one = rule(do, path="$.x", **({"value": 1} if do == "set" else {})).model_copy(update={"path": "nonsense"})
    sighting = seen("tools/call", "params", {}, stateful(), "client")
    with pytest.raises(EditFault):
        EDITS[do](one, Editing(sighting.message.body(), sighting, {}))
