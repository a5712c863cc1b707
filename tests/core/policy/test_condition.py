"""Conditions: what a value is held to, how several values add up, and what is too doubtful to tell."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from interpose.core.policy.condition import Condition, compile_condition
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.jsonpath import Path


def met(condition: dict[str, Any], root: Any, every: bool = False) -> bool | str:
    """Whether it is met, or `doubt`."""
    given = Condition.model_validate({"path": "$.a"} | condition)
    test = compile_condition(given, every)
    try:
        return test(Path(given.path).values(root))
    except RuleFault:
        return "doubt"


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ({"equals": 5}, 5, True),
        ({"equals": 5}, 5.0, True),
        ({"equals": 5}, 6, False),
        ({"equals": 5}, "5", "doubt"),
        ({"equals": 1}, True, "doubt"),
        ({"equals": True}, 1, "doubt"),
        ({"equals": "main"}, ["main"], "doubt"),
        ({"equals": "main"}, None, False),
        ({"equals": ["a", {"b": 1}]}, ["a", {"b": 1}], True),
        ({"equals": ["a", {"b": 1}]}, ["a", {"b": True}], False),
        ({"equals": {"b": [1]}}, {"b": [1], "c": 2}, False),
        ({"equals": [1]}, [1, 2], False),
        ({"in": ["main", "master"]}, "master", True),
        ({"in": ["main", 3]}, 4, False),
        ({"in": ["main", 3]}, [], "doubt"),
        ({"matches": "^rm "}, "rm -rf /", True),
        ({"matches": "^rm "}, "echo rm ", False),
        ({"matches": ["x", "y"]}, "say", True),
        ({"matches": "x"}, ["x"], "doubt"),
        ({"matches": "x"}, "\ud800x", "doubt"),
        ({"matches": "^(a+)+$"}, "a" * 5000 + "!", False),
        ({"longer_than": 3}, "four", True),
        ({"longer_than": 3}, "älß", False),
        ({"longer_than": 1}, [1, 2], True),
        ({"longer_than": 1}, {"x": 1}, False),
        ({"longer_than": 1}, 22, "doubt"),
        ({"longer_than": 1}, None, "doubt"),
        ({"exists": True}, None, True),
        ({"exists": False}, None, False),
    ],
)
def test_a_value_is_held_to_the_condition(condition: dict[str, Any], value: Any, expected: bool | str) -> None:
    assert met(condition, {"a": value}) == expected


@pytest.mark.parametrize("test", [{"equals": 1}, {"in": [1]}, {"matches": "x"}, {"inside": "/a"}, {"host": "a.b"}])
@pytest.mark.parametrize("every", [False, True])
def test_a_missing_value_meets_nothing(test: dict[str, Any], every: bool) -> None:
    assert met(test, {}, every) is False
    assert met(test, 5, every) is False
    assert met({"path": "$.a[*]"} | test, {"a": []}, every) is False


def test_only_exists_knows_of_missing_values() -> None:
    assert met({"exists": False}, {}) is True
    assert met({"exists": True}, {}) is False


@pytest.mark.parametrize(
    ("values", "one", "every"),
    [
        (["/w/a", "/w/b"], True, True),
        (["/w/a", "/etc/passwd"], True, False),
        (["/etc/passwd"], False, False),
        (["/w/a", 5], True, "doubt"),
        ([5, "/w/a"], True, "doubt"),
        ([5, "/etc/passwd"], "doubt", False),
        ([], False, False),
    ],
)
def test_of_several_values_one_or_every_one_decides_and_a_doubt_only_where_none_does(
    values: list[Any], one: bool | str, every: bool | str
) -> None:
    condition = {"path": "$.a[*]", "inside": "/w"}
    assert met(condition, {"a": values}, every=False) == one
    assert met(condition, {"a": values}, every=True) == every


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ({}, "it has none"),
        ({"equals": 1, "in": [1]}, "it has `equals` and `in`"),
        ({"path": "a", "equals": 1}, "does not begin with `$`"),
        ({"matches": "(?<=a)b"}, "do not exist in RE2"),
        ({"matches": "a{1001}"}, "do not exist in RE2"),
        ({"inside": "/etc/**"}, "has a wildcard"),
        ({"inside": "etc"}, "no absolute directory"),
        ({"inside": "/etc/../x"}, "write the directory plainly"),
        ({"host": "https://example.com/x"}, "without scheme or path"),
        ({"host": "*"}, "is no host"),
        ({"host": []}, "an empty list"),
        ({"longer_than": -1}, "greater than or equal to 0"),
        ({"equals": {"a": [date(2026, 1, 1)]}}, "a date or time"),
        ({"equals": 1, "colour": 2}, "Extra inputs"),
        ({"exists": 1}, "valid boolean"),
    ],
)
def test_what_is_no_condition_is_refused(condition: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Condition.model_validate({"path": "$.a"} | condition)
    assert problem in str(refusal.value)


# What a rule about `/etc` must not miss, each another way to spell it.
EVASIONS = [
    "/etc/passwd",
    "//etc/passwd",
    "/./etc/passwd",
    "/tmp/../etc/passwd",
    "/../../etc/passwd",
    "/etc//passwd",
    "/etc/",
    "/etc",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "file://localhost/etc/passwd",
    "file:/etc/passwd",
    "file:////etc/passwd",
    "file:///%65tc/passwd",
    "file:///tmp/%2e%2e/etc/passwd",
    "file:///tmp/%2E%2E%2Fetc/passwd",
    "file:///tmp/%252e%252e/etc/passwd",
    "file://other/etc/passwd",
    "file:etc/passwd",
    "file:///etc?x",
    "file:///%ff",
    "/tmp/%2e%2e/etc/passwd",
    "/%2fetc/passwd",
    "/etc\x00/x",
    "/tmp\x00/../etc",
    "/etc./passwd",
    "/etc /passwd",
    "\\etc\\passwd",
    "/tmp\\..\\..\\etc\\passwd",
    "C:/etc/passwd",
    "c:\\etc",
    "https://x/etc",
    "~/../../etc/passwd",
    "etc/passwd",
    "../etc/passwd",
    "",
    "/ETC/passwd",
    "/ｅtc/passwd",
    "/tmp/．．/etc/passwd",
    "/tmp／../etc/passwd",
    ["/etc/passwd"],
    {"path": "/etc/passwd"},
    7,
    None,
    True,
]


@pytest.mark.parametrize("path", EVASIONS, ids=repr)
def test_no_spelling_of_a_path_escapes_a_rule_about_its_directory(path: Any) -> None:
    assert met({"inside": "/etc"}, {"a": path}) in (True, "doubt")
    assert met({"inside": ["/home/me", "/var"]}, {"a": path}) in (False, "doubt"), "and it is inside nothing else"


@pytest.mark.parametrize("path", ["/home/me/x", "/", "/etcetera/x", "/home/etc/x", "file:///home/e%20tc", "/tmp/..."])
def test_other_paths_are_told_apart_from_it(path: str) -> None:
    assert met({"inside": "/etc"}, {"a": path}) == ("doubt" if path.endswith("...") else False)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/main.py", True),
        ("./src/../main.py", True),
        (".", True),
        ("src/../../x", False),
        ("..", False),
        ("/etc/passwd", False),
        ("", "doubt"),
        ("src/%2e%2e/%2e%2e", "doubt"),
    ],
)
def test_a_dot_is_every_relative_path_that_stays_below(path: str, expected: bool | str) -> None:
    assert met({"inside": "."}, {"a": path}) == expected


def test_everything_absolute_is_inside_the_root() -> None:
    assert met({"inside": "/"}, {"a": "/x"}) is True
    assert met({"inside": ["/w", "."]}, {"a": "x"}) is True
    assert met({"inside": ["/w", "."]}, {"a": "../x"}) == "doubt"
    assert met({"inside": "/w/"}, {"a": "/w/x"}) is True
