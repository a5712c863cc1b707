"""JSONPath (RFC 9535) without filters: which values, in which order, and what is no path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.policy import jsonpath
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.jsonpath import Path, PathError

STORE = {"a": {"b": [{"c": 1}, {"c": 2, "d": {"c": 3}}], "e-f": "x", "'": 7}, "☺": [0, 1, 2, 3, 4, 5]}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$", [STORE]),
        ("$.a.b[0].c", [1]),
        ("$['a']['b'][-1].c", [2]),
        ('$["a"]["e-f"]', ["x"]),
        ("$.a['\\'']", [7]),
        ("$.a['\\u0065-f']", ["x"]),
        ("$['\\u263A'][1]", [1]),
        ("$['\\ud83d\\ude00']", []),
        ("$.☺[1:3]", [1, 2]),
        ("$.☺[::-2]", [5, 3, 1]),
        ("$.☺[ -2 : ]", [4, 5]),
        ("$.☺[::0]", []),
        ("$.☺[0,2 , 0]", [0, 2, 0]),
        ("$.a.b[*].c", [1, 2]),
        ("$.a.b.*.c", [1, 2]),
        ("$..c", [1, 2, 3]),
        ("$..b[0]..c", [1]),
        ("$..['c','zz']", [1, 2, 3]),
        ("$ .a [ 'b' ] [0] .c", [1]),
        ("$.a.b.c", []),
        ("$.a[0]", []),
        ("$.☺.length", []),
        ("$.☺[6]", []),
        ("$.☺[-7]", []),
        ("$.a.b[0].c.d", []),
    ],
)
def test_a_path_leads_to_values(path: str, values: list[Any]) -> None:
    compiled = Path(path)
    assert compiled.values(STORE) == values
    assert [value for _, value in compiled.nodes(STORE)] == values


def test_nodes_tell_where_they_stand() -> None:
    assert Path("$..c").nodes(STORE)[2] == (("a", "b", 1, "d", "c"), 3)
    assert Path("$.☺[-1]").nodes(STORE) == [(("☺", 5), 5)]
    assert Path("$.a['e-f']").singular
    assert not Path("$.a.*").singular


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "does not begin with `$`"),
        ("a.b", "does not begin with `$`"),
        ("$.", "at its end"),
        ("$a", "at `a`"),
        ("$.a.", "at its end"),
        ("$.a ", "at its end"),
        ("$..", "at its end"),
        ("$.e-f", "write it like `['a-b']`"),
        ("$.1", "at `1`"),
        ("$[01]", "at `1]`"),
        ("$[-0]", "no JSONPath"),
        ("$[1", "at its end"),
        ("$['a]", "at `'a]`"),
        ("$['\\x']", "an escape"),
        ("$['\\ud800']", "an escape"),
        ("$['\\\"']", "an escape"),
        ("$[9007199254740992]", "too large"),
        ("$[" + "9" * 5000 + "]", "too large"),
        ("$.a[?@.b == 1]", "a filter"),
        ("$[]", "at `]`"),
        ("$[a]", "at `a]`"),
    ],
)
def test_what_is_no_path_is_refused(path: str, problem: str) -> None:
    with pytest.raises(PathError) as refusal:
        Path(path)
    assert problem in str(refusal.value)


def test_a_path_gives_up_on_too_many_values() -> None:
    with pytest.raises(RuleFault, match="10000 values"):
        Path("$[*]").values([0] * 10_001)
    with pytest.raises(RuleFault, match="200000 values"):
        Path("$..a").values([0] * jsonpath.MOST_VISITED)
    deep: Any = 1
    for _ in range(50_000):
        deep = [deep]
    assert Path("$..a").values(deep) == []


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
steps = st.lists(
    st.sampled_from([".a", ".b", "['c']", "[0]", "[-1]", "[*]", ".*", "..a", "..*", "..[0]", "[0,'a']", "[1:]"]),
    max_size=4,
)


@given(json, steps)
def test_values_and_nodes_agree_and_nodes_are_where_they_say(root: Any, steps: list[str]) -> None:
    path = Path("$" + "".join(steps))
    nodes = path.nodes(root)
    assert [id(value) for value in path.values(root)] == [id(value) for _, value in nodes]
    for location, value in nodes:
        here = root
        for step in location:
            here = here[step]
        assert here is value
