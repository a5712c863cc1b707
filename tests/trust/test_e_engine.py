"""Part E, 60 and 61: rules that cannot tell, and rules that would take long."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.policy.watched import Watched
from tests.core.session.conversation import request, stateful
from tests.trust.scene import Heard, Scene, denied, lives

from interpose.core.policy.reading import PolicyError, read_policy

try:
    import cel_expr_python as cel  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError:
    cel = None
needs_cel = pytest.mark.skipif(cel is None, reason="the extra `cel` is not installed")

# What a rule may ask about a value, in TOML and as a test sees it.
TESTS: list[tuple[str, Any]] = [
    ('equals = "main"', {"equals": "main"}),
    ('in = ["a", 5]', {"in": ["a", 5]}),
    ('matches = "^ma"', {"matches": "^ma"}),
    ("longer_than = 3", {"longer_than": 3}),
    ('host = "example.com"', {"host": "example.com"}),
    ('inside = "/srv"', {"inside": "/srv"}),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("main/:.\x00é", max_size=6)
    | st.sampled_from(["main", "https://example.com/x", "https://a@example.com", "/srv/x", "/SRV", "../x", "\u0430"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip


def judged(rules: str, value: Any) -> Heard:
    return Scene(rules).call(1, "x", arguments={"a": value})


def certain(condition: dict[str, Any], value: Any, **fields: Any) -> bool | str:
    """What the condition says, alone: yes, no, or `doubt`."""
    watched = Watched(stateful()).client(request(1, "tools/call", name="x", arguments={"a": value}))
    given_ = {"path": "$.arguments.a", **condition}
    return watched.matches(tool="x", kind="request", given=given_, **fields)


@settings(max_examples=300)
@given(st.sampled_from(TESTS), VALUES)
def test_60_a_rule_that_cannot_tell_denies_and_never_allows(test: tuple[str, Any], value: Any) -> None:
    text, condition = test
    rule = f'[[rule]]\nname = "r"\ntool = "x"\nkind = "request"\ngiven = {{ path = "$.arguments.a", {text} }}\n'
    says = certain(condition, value)
    blocks = judged(rule + 'do = "block"\n', value)
    assert (blocks.server == []) is (says is not False)
    if says == "doubt":
        [hit] = (blocks.entries[0].verdict or {})["rules"]
        assert "could not tell" in hit["why"]
    allows = judged(rule + 'do = "allow"\n', value)
    assert (allows.rules == ["r"]) is (certain(condition, value, do="allow") is True)
    answers = judged(rule + 'do = "answer"\noutcome = "accept"\ncontent = { content = [] }\n', value)
    assert (answers.server == []) is (certain(condition, value, do="allow") is True)


@settings(max_examples=200)
@given(st.sampled_from(TESTS), VALUES)
def test_60_an_exception_that_cannot_tell_frees_nothing(test: tuple[str, Any], value: Any) -> None:
    text, condition = test
    rule = f'[[rule]]\nname = "r"\ntool = "x"\nkind = "request"\nunless = {{ path = "$.arguments.a", {text} }}\n'
    assert (judged(rule + 'do = "block"\n', value).server != []) is (certain(condition, value) is True)
    doubtful = certain(condition, value) == "doubt"
    assert not (doubtful and judged(rule + 'do = "allow"\n', value).rules)


ERRORS = {
    "a missing member": "value.nothing.more > 1",
    "a wrong type": "value.arguments.a > 1",
    "no such overload": "value.arguments.a + 1 == 2",
    "division by zero": "1 / (size(value.name) - 1) == 1",
    "an error value": "value.arguments.a",
    "no boolean": "value.name",
    "an index too far": "value.arguments.l[7] == 1",
}


@needs_cel
@pytest.mark.parametrize("when", ERRORS.values(), ids=ERRORS)
def test_60_an_expression_that_fails_denies_and_never_allows(when: str) -> None:
    rule = f'[[rule]]\nname = "r"\ntool = "x"\nkind = "request"\nwhen = "{when}"\n'
    arguments = {"a": "text", "l": [1]}
    heard = Scene(rule + 'do = "block"\n').call(1, "x", arguments=arguments)
    denied(heard, "client", 1, "r")
    [hit] = (heard.entries[0].verdict or {})["rules"]
    assert "could not tell" in hit["why"]
    assert Scene(rule + 'do = "allow"\n').call(1, "x", arguments=arguments).rules == []
    answer = 'do = "answer"\noutcome = "accept"\ncontent = { content = [] }\n'
    assert len(Scene(rule + answer).call(1, "x", arguments=arguments).server) == 1


def test_60_the_error_of_a_rule_that_permits_is_recorded_too() -> None:
    rule = '[[rule]]\nname = "r"\ntool = "x"\nkind = "request"\ngiven = { path = "$.arguments.a", matches = "a" }\n'
    block = '[[rule]]\nname = "other"\ntool = "y"\ndo = "block"\n'
    heard = judged(rule + 'do = "allow"\n' + block, 5)
    assert heard.rules == []
    assert "could not tell" in str(heard.entries[0].verdict)


EVIL = ["^(a+)+$", "(a|aa)+$", "(.*,){20}P", r"(\\w+\\.?)+x", "(?:a?){30}a{30}", "(.*)(.*)(.*)(.*)[^a]z"]
SLOW = 0.1  # ten times what the case allows, on a machine with other work


def seconds(rule: str, arguments: Any) -> tuple[float, Heard]:
    """How long a rule takes on a call, beyond what the call takes without it."""
    times = []
    for text in (rule, '[[rule]]\nname = "r"\ntool = "z"\ndo = "block"\n'):
        scene, best = Scene(text), 9.0
        for ident in range(3):
            began = time.process_time()
            found = scene.call(ident, "x", arguments=arguments)
            best = min(best, time.process_time() - began)
        times.append((best, found))
    return times[0][0] - times[1][0], times[0][1]


@pytest.mark.parametrize("pattern", EVIL)
@pytest.mark.parametrize("text", ["a" * 34 + "!", "a" * 50_000 + "!", "a," * 25_000])
def test_61_an_evil_pattern_takes_no_time(pattern: str, text: str) -> None:
    rule = f'given = {{ path = "$.arguments.a", matches = "{pattern}" }}\ndo = "block"\n'
    spent, _ = seconds(f'[[rule]]\nname = "r"\ntool = "x"\nkind = "request"\n{rule}', {"a": text})
    assert spent < SLOW


@pytest.mark.parametrize("pattern", ["(?=a)b", "(?<!a)b", r"(a)\\1", "a{1001}", "((a{100}){100}){100}", "(?>a+)b"])
def test_61_a_pattern_that_is_not_linear_is_refused_at_load(pattern: str) -> None:
    for where in ("given", "unless"):
        with pytest.raises(PolicyError, match=r"p\.toml:5:1: rule `r`: .*RE2"):
            read_policy(
                f'[[rule]]\nname = "r"\ntool = "x"\ndo = "block"\n'
                f'{where} = {{ path = "$.a", matches = "{pattern}" }}\n',
                "p.toml",
            )


@pytest.mark.parametrize("path", ["$..*..*", "$..*..*..*..*", "$..[*,*,*,*]..*", "$..[0:999,0:999,0:999]"])
def test_61_a_path_that_leads_everywhere_is_given_up_on(path: str) -> None:
    rule = '[[rule]]\nname = "r"\ntool = "x"\nkind = "request"\ndo = "block"\n'
    rule += f'given = {{ path = "{path}", equals = "q" }}\n'
    scene = Scene(rule)
    spent, heard = seconds(rule, {"a": [[1] * 120] * 120})
    assert spent < SLOW
    denied(heard, "client", ..., "r")
    began = time.process_time()
    heard = scene.call(7, "x", arguments={"a": [[1] * 1500] * 1500})
    assert time.process_time() - began < 5  # the message has seven megabytes
    denied(heard, "client", 7, "r")
    lives(scene)


LOOPS = {
    "all in all": "value.arguments.a.all(x, value.arguments.a.all(y, x >= y || x < y))",
    "exists in exists": "value.arguments.a.exists(x, value.arguments.a.exists(y, x + y < 0))",
    "all in filter": "size(value.arguments.a.filter(x, value.arguments.a.all(y, x + y >= 0))) > 0",
    "map": "size(value.arguments.a.map(x, x + 1)) > 1",
    "filter of map": "size(value.arguments.a.map(x, x + 1).filter(x, x > 1)) > 1",
}
NESTED = {
    "map in map": "size(value.arguments.a.map(x, value.arguments.a.map(y, x + y))) > 1",
    "filter in filter": "size(value.arguments.a.filter(x, size(value.arguments.a.filter(y, x > y)) > 0)) > 0",
    "map in all": "value.arguments.a.all(x, size(value.arguments.a.map(y, x + y)) > 1)",
    "filter in exists": "value.arguments.a.exists(x, size(value.arguments.a . filter (y, x > y)) > 10000)",
}


def looping(when: str) -> str:
    return f'[[rule]]\nname = "r"\ntool = "x"\nkind = "request"\ndo = "block"\nwhen = "{when}"\n'


@needs_cel
@pytest.mark.parametrize("size", [1500, 9000])
@pytest.mark.parametrize("when", LOOPS.values(), ids=LOOPS)
def test_61_a_loop_is_stopped(when: str, size: int) -> None:
    spent, heard = seconds(looping(when), {"a": list(range(size))})
    denied(heard, "client", ..., "r")
    assert spent < SLOW


@needs_cel
@pytest.mark.parametrize("when", NESTED.values(), ids=NESTED)
def test_61_a_loop_that_builds_lists_in_a_loop_is_refused_at_load(when: str) -> None:
    with pytest.raises(
        PolicyError, match=r"p\.toml:6:.*: rule `r`: `when` has `(map|filter)` inside of .*; write `exists`"
    ):
        read_policy(looping(when), "p.toml")


@needs_cel
def test_61_loops_over_what_a_message_usually_holds_are_judged() -> None:
    rule = looping("size(value.arguments.a.filter(x, x == '.map(') .map(y, y + 'z')) == 1")
    assert Scene(rule).call(1, "x", arguments={"a": ["a"] * 499}).rules == []
    denied(Scene(rule).call(1, "x", arguments={"a": ["a"] * 400 + [".map("]}), "client", 1, "r")
