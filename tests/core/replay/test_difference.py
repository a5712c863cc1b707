"""What differs between two JSON values, as a person would say it."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.policy.jsonpath import Path
from interpose.core.replay.canonical import canonical
from interpose.core.replay.difference import MOST, Difference, differences, equal, told

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from([0.5, 1.0, -2.0])
    | st.text("ab'\"\\\n", max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text("ab'\"\\.\n", max_size=3), inner, max_size=4),
    max_leaves=20,
)


def found(recorded: Any, live: Any) -> list[tuple[str, ...]]:
    return [(each.kind, each.path) for each in differences(recorded, live)]


def tools(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, "description": f"does {name}", **more} for name in names]


@pytest.mark.parametrize(
    ("recorded", "live", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 2}, [("changed", "$.a")]),
        ({"a": 1}, {"a": "1"}, [("type", "$.a")]),
        ({"a": 1}, {"a": True}, [("type", "$.a")]),
        ({"a": None}, {}, [("missing", "$.a")]),
        ({}, {"a-b": None}, [("extra", "$['a-b']")]),
        ([1, 2, 3], [1, 9, 2, 3], [("extra", "$[1]")]),
        ([1, 2, 3], [1, 3], [("missing", "$[1]")]),
        ([1, 2, 3], [1, 5, 3], [("changed", "$[1]")]),
        ([1, 2, 3], [3, 1, 2], [("order", "$")]),
        ([], [1], [("extra", "$[0]")]),
        (["aaaa", "bbbb"], ["xxxx", "aaab", "bbbb"], [("extra", "$[0]"), ("changed", "$[0]")]),
        (
            [{"t": 1, "x": 1}, {"t": 2}],
            [{"t": 0}, {"t": 1, "x": 2}, {"t": 2}],
            [("extra", "$[0]"), ("changed", "$[0].x")],
        ),
        (tools("a", "b", "c"), tools("c", "b", "a"), [("order", "$")]),
        (tools("a", "b"), tools("new", "a", "b"), [("extra", "$[0]")]),
        (tools("a", "b"), tools("b"), [("missing", "$[0]")]),
        (tools("a"), tools("a", title="A"), [("extra", "$[0].title")]),
        (
            tools("a", "b"),
            [{**tools("b")[0], "description": "!"}, *tools("a")],
            [("order", "$"), ("changed", "$[1].description")],
        ),
        ([{"uri": "x:1", "n": 1}], [{"uri": "x:1", "n": 2}], [("changed", "$[0].n")]),
        ([{"name": "a"}, {"name": "a"}], [{"name": "a"}], [("missing", "$[1]")]),
        ([1] * 500 + [2], [1] * 501, [("changed", "$[500]")]),
        (list(range(500)), list(range(1, 502)), [*[("changed", f"$[{at}]") for at in range(500)]]),
    ],
)
def test_differences(recorded: Any, live: Any, expected: list[tuple[str, str]]) -> None:
    assert found(recorded, live) == expected[:MOST]


def test_an_order_names_what_is_named() -> None:
    [difference] = differences({"tools": tools("a", "b")}, {"tools": tools("b", "a")})
    assert difference == Difference("$.tools", "order", ["a", "b"], ["b", "a"])


@given(JSON)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert differences(value, json.loads(json.dumps(value))) == []


@given(JSON, JSON)
def test_values_without_differences_are_equal_and_others_are_not(one: Any, other: Any) -> None:
    assert (differences(one, other) == []) == (canonical(one) == canonical(other)) == equal(one, other)


@given(JSON, JSON)
def test_paths_lead_to_what_differs(one: Any, other: Any) -> None:
    for difference in differences(one, other):
        path = Path(difference.path)
        if difference.kind == "extra":
            path = Path(re.sub(r"(\[\d+\]|\[('([^'\\]|\\.)*')\]|\.\w+)$", "", difference.path))
        [value] = path.values(one)
        if difference.kind in ("changed", "missing", "type"):
            assert value is difference.recorded


def test_the_number_of_differences_is_bounded() -> None:
    assert len(differences({str(n): n for n in range(9999)}, {str(n): -n - 1 for n in range(9999)})) == MOST


def test_deep_values_are_compared_and_told() -> None:
    def deep(leaf: int, depth: int = 900) -> Any:
        value: Any = leaf
        for _ in range(depth):
            value = {"a": value}
        return value

    [difference] = differences(deep(1), deep(2))
    assert (difference.recorded, difference.live) == (1, 2)
    nested: Any = 1
    for _ in range(3_000):
        nested = [nested]
    assert equal([nested], [nested])
    assert not equal([nested], [[nested]])
    assert "nested deep" in told(Difference("$", "missing", nested))
    assert found([nested], [nested, 1]) == [("extra", "$[1]")]


def test_differences_in_words() -> None:
    assert told(Difference("$.a", "changed", 1, [2])) == "$.a: recorded 1, live [2]"
    assert told(Difference("$.a", "missing", "x")) == '$.a is missing: recorded "x"'
    assert told(Difference("$.a", "extra", None, None), live="here") == "$.a is extra: here null"
    assert told(Difference("$", "order", [1, 2], [2, 1])) == "$ has another order: recorded [1, 2], live [2, 1]"
    assert told(Difference("$", "changed", "a", "b"), "A", "B") == '$: A "a", B "b"'
    assert len(told(Difference("$", "missing", "x" * 9999))) < 120


def test_of_long_texts_the_part_that_differs_is_told() -> None:
    one, other = f"{'before ' * 30}ONE{' after' * 30}", f"{'before ' * 30}TWO!{' after' * 30}"
    assert told(Difference("$", "changed", one, other)) == (
        '$: recorded …"fore before ONE after after"…, live …"fore before TWO! after after"…'
    )
    assert told(Difference("$", "changed", "x" * 200, "x" * 200 + "y")).endswith('live …"xxxxxxxxxxxxy"')
    long = told(Difference("$", "changed", "a" * 500, "b" * 900))
    assert len(long) < 200
