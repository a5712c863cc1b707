"""Reading a policy: every mistake is told with file, line, rule and what was probably meant."""

import hashlib
from contextlib import suppress
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.policy.places import Places
from interpose.core.policy.reading import PolicyError, read_policy
from interpose.core.policy.rule import Block, Cap

CAREFUL = """\
name = "careful"

[[rule]]
name = "no-sampling"
ask = "sampling"
do = "block"

[[rule]]
name = "short-answers"
ask = "sampling"
do = "cap"
path = "$.maxTokens"
at_most = 300
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as refusal:
        read_policy(text, "careful.toml")
    assert refusal.value.exit_code == 2
    assert str(refusal.value) == "\n".join(map(str, refusal.value.problems))
    return str(refusal.value).splitlines()


def rule(*lines: str, name: str = "r") -> list[str]:
    """What is wrong with one rule, whose own lines begin in line 3."""
    return problems("\n".join(["[[rule]]", f'name = "{name}"', *lines]))


def test_a_sound_policy_is_its_rules_in_order() -> None:
    policy = read_policy(CAREFUL, "careful.toml")
    assert policy.name == "careful"
    assert policy.digest == hashlib.sha256(CAREFUL.encode()).hexdigest()
    first, second = policy.rules
    assert isinstance(first, Block)
    assert first.ask == ("sampling",)
    assert isinstance(second, Cap)
    assert second.at_most == 300


def test_a_policy_without_a_name_has_its_files() -> None:
    text = CAREFUL.replace('name = "careful"\n', "", 1)
    assert read_policy(text, str(PurePath("some") / "strict.toml")).name == "strict"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ('ask = "sampling"', 'do = "cap"', 'path = "$.maxTokens"', "atmost = 300"),
            ["careful.toml:6:1: rule `r`: unknown key `atmost`; did you mean `at_most`?"],
        ),
        (('do = "blok"', 'ask = "sampling"'), ["careful.toml:3:1: rule `r`: `do` is `blok`; did you mean `block`?"]),
        (('action = "block"',), ["careful.toml:3:1: rule `r`: unknown key `action`; did you mean `do`?"]),
        (
            ('do = "block"', 'ask = "samplin"'),
            [
                "careful.toml:4:1: rule `r`: `ask` is `samplin`; it may be `sampling`, `elicitation` or `roots`; "
                "did you mean `sampling`?"
            ],
        ),
        (
            ('do = "block"', 'mode = "Audit"', "all = true"),
            ["careful.toml:4:1: rule `r`: `mode` is `Audit`; it may be `enforce` or `audit`; did you mean `audit`?"],
        ),
        (('do = "block"', 'macth = "x"'), ["careful.toml:4:1: rule `r`: unknown key `macth`; did you mean `given`?"]),
        (
            ('do = "block"', 'direction = "client"'),
            ["careful.toml:4:1: rule `r`: unknown key `direction`; did you mean `from`?"],
        ),
        (('do = "block"', 'tools = "x"'), ["careful.toml:4:1: rule `r`: unknown key `tools`; did you mean `tool`?"]),
        (('do = "block"', 'colour = "x"'), ["careful.toml:4:1: rule `r`: unknown key `colour`"]),
        (('do = "block"', "at_most = 3"), ["careful.toml:4:1: rule `r`: unknown key `at_most`"]),
        (('do = "remove"', "all = true"), ["careful.toml:1:1: rule `r`: needs `path`"]),
        (
            ('do = "block"',),
            ["careful.toml:1:1: rule `r`: names no messages; add a selector, or `all = true` for every message"],
        ),
        (('do = "block"', "tool = 3"), ["careful.toml:4:1: rule `r`: `tool` must be text in quotes, not `3`"]),
        (('do = "block"', "all = 1"), ["careful.toml:4:1: rule `r`: `all` must be `true` or `false`, not `1`"]),
        (('do = "block"', 'ttl_over = "1h"'), ["careful.toml:4:1: rule `r`: `ttl_over` must be a number, not `1h`"]),
        (('do = "block"', "tool = true"), ["careful.toml:4:1: rule `r`: `tool` must be text in quotes, not `true`"]),
        (
            ('do = "block"', "tool = { a = 1 }"),
            ["careful.toml:4:1: rule `r`: `tool` must be text in quotes, not a table"],
        ),
        (('do = "block"', 'tool = ""'), ["careful.toml:4:1: rule `r`: `tool` is empty"]),
        (
            ('do = "block"', "tool = []"),
            ["careful.toml:4:1: rule `r`: `tool`: an empty list; leave the key out, or say what it is about"],
        ),
        (('do = "block"', 'given = "x"'), ["careful.toml:4:1: rule `r`: `given` must be a table, not `x`"]),
        (
            ('do = "block"', "given = [", '  { path = "$.a", equals = 1 },', '  { path = "$.b", equal = 1 },', "]"),
            ["careful.toml:4:1: rule `r`: unknown key `equal`; did you mean `equals`?"],
        ),
        (
            (
                'do = "block"',
                "[[rule.given]]",
                'path = "$.a"',
                "equals = 1",
                "[[rule.given]]",
                'path = "$.b"',
                "mathces = 1",
            ),
            ["careful.toml:9:1: rule `r`: unknown key `mathces`; did you mean `matches`?"],
        ),
        (
            ('do = "block"', "[rule.given]", 'path = "b"', "equals = 1"),
            [
                "careful.toml:5:1: rule `r`: `path`: the path `b` does not begin with `$`; write it like "
                "`$.arguments.path`",
            ],
        ),
        (
            ('do = "redact"', "all = true", "[rule.patterns]", 'ticket = "(?=a)"'),
            [
                "careful.toml:6:1: rule `r`: `ticket`: RE2 refuses `(?=a)`: invalid perl operator: (?=; look-around, "
                "back-references and counts over 1000 do not exist in RE2"
            ],
        ),
        (
            ('do = "redact"', "all = true", 'find = ["secret"]'),
            [
                "careful.toml:5:1: rule `r`: `find`: there is no detector `secret`; there are secrets, email, phone, "
                "card, iban, ip; did you mean `secrets`?"
            ],
        ),
        (
            ('do = "strip"', 'capability = ["roots", "samplng"]'),
            ["careful.toml:4:1: rule `r`: `capability`: there is no capability `samplng`; did you mean `sampling`?"],
        ),
        (
            ('do = "hold"', 'ask = "sampling"', "timeout = 0"),
            ["careful.toml:5:1: rule `r`: `timeout`: input should be greater than 0"],
        ),
    ],
)
def test_a_mistake_in_a_rule_is_told_with_its_line_and_what_was_meant(
    lines: tuple[str, ...], expected: list[str]
) -> None:
    assert rule(*lines) == expected


def test_every_mistake_is_told_in_the_order_of_the_file() -> None:
    text = (
        CAREFUL.replace("at_most", "atmost").replace('do = "block"', 'do = "deny"')
        + '[[rule]]\ndo = "note"\nall = true\n'
    )
    assert problems("nmae = 1\n" + text) == [
        "careful.toml:1:1: unknown key `nmae`; did you mean `name`?",
        "careful.toml:7:1: rule `no-sampling`: `do` is `deny`; it may be `allow`, `block`, `answer`, `redact`, `set`, "
        "`remove`, `cap`, `hide`, `strip`, `pin`, `limit`, `fault`, `note`, `hold`",
        "careful.toml:14:1: rule `short-answers`: unknown key `atmost`; did you mean `at_most`?",
        "careful.toml:15:1: rule 3: needs `name`",
    ]


def test_names_are_unique() -> None:
    text = CAREFUL.replace("short-answers", "no-sampling")
    assert problems(text) == [
        "careful.toml:9:1: rule `no-sampling`: the name is taken by the rule in line 4; names are unique"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "careful.toml:1:1: holds no rule; a rule begins with `[[rule]]`"),
        ("# nothing\n", "careful.toml:1:1: holds no rule; a rule begins with `[[rule]]`"),
        ("rule = []", "careful.toml:1:1: holds no rule; a rule begins with `[[rule]]`"),
        ("\n[rule]\nname = 'x'", "careful.toml:2:1: `rule` is one table; write `[[rule]]`, with two brackets"),
        ("rule = [3]", "careful.toml:1:1: rule 1: a rule is a table; write `[[rule]]`"),
        ("name = 3\n" + CAREFUL[17:], "careful.toml:1:1: `name` must be text in quotes, and not empty"),
        ("[[rule]]\nname = 'a'\nname = 'b'", "careful.toml:3:11: no TOML: cannot overwrite a value"),
        ("[[rule]\nname = 'a'", "careful.toml:1:7: no TOML: expected ']]' at the end of an array declaration"),
        ("[[rule]]\nname = 'a", 'careful.toml:2:10: no TOML: expected "\'"'),
        ("a = " + "[" * 100_000, "careful.toml: no TOML: a number too long, or nested too deep"),
        ("a = " + "9" * 100_000, "careful.toml: no TOML: a number too long, or nested too deep"),
        ("name: careful\n", "careful.toml:1:5: no TOML: expected '=' after a key in a key/value pair"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(text: str, expected: str) -> None:
    assert problems(text)[0] == expected


def test_lines_are_found_whatever_stands_between() -> None:
    text = '''name = """
[[rule]]
name = "not this"
"""  # [[rule]]
[[rule]]
a = [ # ]
  { b = "]", "c.d" = '[' },
]
"quoted key".x.y = 1
\'p\' = """ \\""" """
[rule.t]
u = 1
[[rule.list]]
v = 1
[[rule.list]]
v = 2
[[ rule ]]
z = \'\'\'
x = 1\'\'\'
w = 2'''
    places = Places(text)
    lines = {
        ("rule",): 5,
        ("rule", 0): 5,
        ("rule", 0, "a", 0, "b"): 6,
        ("rule", 0, "quoted key", "x", "y"): 9,
        ("rule", 0, "p"): 10,
        ("rule", 0, "t", "u"): 12,
        ("rule", 0, "list", 0, "v"): 14,
        ("rule", 0, "list", 1, "v"): 16,
        ("rule", 1): 17,
        ("rule", 1, "z"): 18,
        ("rule", 1, "w"): 20,
        ("rule", 2): 5,
        ("other",): 1,
    }
    assert {path: places.of(*path)[0] for path in lines} == lines
    assert places.of("rule", 1, "w") == Places(text.replace("\n", "\r\n")).of("rule", 1, "w")


def test_columns_are_those_of_keys_and_headers() -> None:
    places = Places("\n  [[rule]]\n\tname = 'a' # b\n    list = [\n  1 ]\n\n")
    assert [places.of("rule", 0, *path) for path in ((), ("name",), ("list",), ("list", 0))] == [
        (2, 3), (3, 2), (4, 5), (4, 5),
    ]  # fmt: skip
    text = "[[rule]]\nname = 'r'\nall = true\n    do = 'blok'\n"
    assert problems(text) == ["careful.toml:4:5: rule `r`: `do` is `blok`; did you mean `block`?"]


@given(st.text() | st.lists(st.sampled_from([*CAREFUL.split("\n"), "[rule]", 'a = """', "x = [", "]"])).map("\n".join))
def test_a_text_is_a_policy_or_refused(text: str) -> None:
    with suppress(PolicyError):
        assert read_policy(text, "any.toml").rules
