"""The rules: what each takes, what its fields have to do with one another, and the schema that editors read."""

import json
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from interpose.core.policy.reading import PolicyError
from interpose.core.policy.rule import ACTIONS, RULE, AnyRule, Hide, Policy, PolicyFile, effect_of
from interpose.core.policy.schema import policy_schema
from interpose.core.policy.shorthand import SHORTHANDS, shorthand

SAMPLING, ELICITATION = {"ask": "sampling"}, {"ask": "elicitation"}
SOUND: dict[str, dict[str, Any]] = {
    "allow": {},
    "block": {"message": "No."},
    "answer": {"outcome": "reject", "message": "No."},
    "redact": {
        "find": ["secrets"],
        "patterns": {"ticket": "T-[0-9]+"},
        "paths": "$.a",
        "keys": ["password"],
        "where": "wire",
    },
    "set": {"path": "$.a", "value": [1, {"b": None}]},
    "remove": {"path": "$.a"},
    "cap": {"path": "$.a", "at_most": 1.5},
    "hide": {},
    "strip": {"capability": ["elicitation.url", "extensions.io.x/y"]},
    "pin": {"parts": "description", "file": "tools.lock", "on_change": "note"},
    "limit": {"count": 3, "per": "minute"},
    "fault": {"fault": "delay", "seconds": 2},
    "note": {"text": "seen"},
    "hold": {"timeout": 30},
}


def made(**fields: Any) -> AnyRule:
    return RULE.validate_python({"name": "r", "do": "block"} | fields)


def refused(**fields: Any) -> str:
    with pytest.raises(ValidationError) as refusal:
        made(**fields)
    return "; ".join(error["msg"] for error in refusal.value.errors())


@pytest.mark.parametrize("do", ACTIONS)
def test_every_action_can_be_written(do: str) -> None:
    rule = made(do=do, tool="x", **SOUND[do])
    assert rule.do == do
    assert rule.mode == "enforce"
    assert rule.tool == ("x",)
    with pytest.raises(ValidationError, match="frozen"):
        rule.name = "other"


def test_a_list_of_one_needs_no_brackets() -> None:
    assert made(tool="x") == made(tool=["x"])
    assert made(given={"path": "$.a", "equals": 1}) == made(given=[{"path": "$.a", "equals": 1}])


def test_some_names_are_not_pythons() -> None:
    rule = made(**{"from": "server"}, given={"path": "$", "in": [1]})
    assert rule.sender == "server"
    assert "Extra inputs" in refused(sender="server")
    assert "Extra inputs" in refused(given={"path": "$", "among": [1]})


@pytest.mark.parametrize("do", ["strip", "pin"])
def test_what_names_its_own_matter_needs_no_selector(do: str) -> None:
    assert not made(do=do, **SOUND[do]).all


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "names no messages"),
        ({"mode": "audit"}, "names no messages"),
        ({"all": False}, "names no messages"),
        ({"do": "redact", "find": "secrets"}, "names no messages"),
        ({"all": True, "tool": "x"}, "`all = true` and `tool` say two things"),
        ({"all": True, "from": "client"}, "`all = true` and `from` say two things"),
        ({"mode_is": "url"}, '`mode_is` is about asks; add `ask = "elicitation"`'),
        ({"mode_is": "url"} | SAMPLING, "`mode_is` is about elicitations"),
        ({"host": "a.b", "ask": ["elicitation", "roots"]}, "`host` is about elicitations"),
        ({"host": "a.b", "mode_is": "form"} | ELICITATION, "a form has no URL"),
        ({"nth_of_call": 3}, '`nth_of_call` is about asks; add `ask = "sampling"`'),
        ({"declared": False}, "`declared` is about asks"),
        ({"asked_again": True} | SAMPLING, "`asked_again` is about elicitations"),
        ({"task_status": "failed"} | SAMPLING, "`task_status` is about messages"),
        ({"nth_of_call": 0} | SAMPLING, "greater than or equal to 1"),
        ({"do": "answer", "outcome": "accept"} | ELICITATION, "needs `content`"),
        ({"do": "answer", "outcome": "accept"} | SAMPLING, "needs `content`"),
        ({"do": "answer", "outcome": "decline"} | SAMPLING, "only elicitations can be answered `decline`"),
        ({"do": "answer", "outcome": "cancel", "tool": "x"}, "only elicitations can be answered `cancel`"),
        ({"do": "answer", "outcome": "decline", "content": {}} | ELICITATION, "`content` is for the outcome `accept`"),
        (
            {"do": "answer", "outcome": "accept", "content": {}, "mode_is": "url"} | ELICITATION,
            "never for `mode_is",
        ),
        ({"do": "answer", "outcome": "reject", "code": 1, "tool": "x"}, "`code` is for the outcome `error`"),
        ({"do": "answer", "outcome": "decline", "message": "x"} | ELICITATION, "`message` is for the outcomes"),
        ({"do": "redact", "all": True}, "says nothing about what to hide"),
        ({"do": "redact", "all": True, "paths": "a.b"}, "path `a.b`"),
        ({"do": "redact", "all": True, "patterns": {"A": "x"}}, "pattern `A`"),
        ({"do": "redact", "all": True, "patterns": {"a": "x*"}}, "matches the empty text"),
        ({"do": "cap", "path": "$.a", "at_most": "3", "all": True}, "valid"),
        ({"do": "cap", "path": "$.a", "at_most": True, "all": True}, "valid"),
        ({"do": "hide", "method": "x"}, "says nothing about what to hide"),
        ({"do": "strip", "capability": "elicitation."}, "ends in a dot"),
        ({"do": "limit", "per": "session", "all": True}, "says nothing about how much passes"),
        ({"do": "limit", "per": "call", "count": 1, "all": True}, "counts the asks of a call"),
        ({"do": "limit", "per": "session", "tokens": 1} | ELICITATION, "counts what sampling asks for"),
        ({"do": "fault", "fault": "delay", "all": True}, "the fault `delay` needs `seconds`"),
        ({"do": "fault", "fault": "drop", "seconds": 1, "all": True}, "the fault `drop` has no use for `seconds`"),
        ({"do": "fault", "fault": "drop", "code": 1, "all": True}, "for the fault `error` only"),
        ({"do": "hold", "timeout": 1, "on_timeout": "decline", "all": True}, "only elicitations"),
        ({"do": "hold", "timeout": 1, "on_timeout": "accept", "all": True}, "Input should be"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(fields: dict[str, Any], problem: str) -> None:
    assert problem in refused(**fields)


def test_an_url_is_accepted_without_content() -> None:
    assert made(do="answer", outcome="accept", mode_is="url", **ELICITATION).permits


@pytest.mark.parametrize("do", ACTIONS)
def test_only_what_lets_through_permits(do: str) -> None:
    assert made(do=do, tool="x", **SOUND[do]).permits is (do == "allow")


@pytest.mark.parametrize(
    ("fields", "effect"),
    [
        ({"do": "block"}, "deny"),
        ({"do": "hold", "timeout": 1}, "hold"),
        ({"do": "cap", "path": "$.a", "at_most": 1}, "edit"),
        ({"do": "pin"}, "edit"),
        ({"do": "pin", "on_change": "note"}, "note"),
        ({"do": "fault", "fault": "drop"}, "deny"),
        ({"do": "fault", "fault": "slow", "seconds": 1}, "edit"),
        ({"do": "note"}, "note"),
        ({"do": "allow"}, "allow"),
    ],
)
def test_every_rule_comes_to_one_of_five_effects(fields: dict[str, Any], effect: str) -> None:
    assert effect_of(made(tool="x", **fields)) == effect


def test_the_schema_documents_every_field_of_every_action() -> None:
    schema = policy_schema()
    assert json.loads(json.dumps(schema)) == schema
    tables = [schema, *schema["$defs"].values()]
    assert len(tables) == len(ACTIONS) + 2
    for table in tables:
        assert table["additionalProperties"] is False
        assert table["description"]
        for name, field in table["properties"].items():
            assert "description" in field or name == "do", name
    block = schema["$defs"]["Block"]["properties"]
    assert {"from", "tool", "given", "message", "do"} <= block.keys()
    assert {"type": "string", "minLength": 1} in block["tool"]["anyOf"]
    assert set(schema["properties"]["rule"]["items"]["discriminator"]["mapping"]) == set(ACTIONS)


def test_the_list_of_actions_is_whole() -> None:
    assert set(ACTIONS.values()) == set(get_args(AnyRule))
    assert PolicyFile.model_validate({"rule": [{"name": "a", "do": "block", "all": True}]}).rule[0].all
    assert Policy("a", (), "").path == ""


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("block sampling", {"do": "block", "ask": "sampling"}),
        ("block elicitation.url", {"do": "block", "ask": "elicitation", "mode_is": "url"}),
        ("hold elicitation", {"do": "hold", "timeout": 50.0, "ask": "elicitation"}),
        ("hold tool=delete_*", {"do": "hold", "timeout": 50.0, "tool": "delete_*"}),
        ("decline elicitation", {"do": "answer", "outcome": "decline", "ask": "elicitation"}),
        ("redact secrets email", {"do": "redact", "all": True, "find": ["secrets", "email"]}),
        ("strip sampling roots", {"do": "strip", "capability": ["sampling", "roots"]}),
        ("hide tool=a tool=b", {"do": "hide", "tool": ["a", "b"]}),
        ("block elicitation tool=a", {"do": "block", "ask": "elicitation", "tool": "a"}),
        ("allow method=tools/list", {"do": "allow", "method": "tools/list"}),
        ("note roots", {"do": "note", "ask": "roots"}),
    ],
)
def test_a_short_form_is_a_rule(text: str, fields: dict[str, Any]) -> None:
    assert shorthand(text) == RULE.validate_python({"name": text.replace(" ", "-")} | fields)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "`` is none of allow, block"),
        ("blok sampling", "did you mean `block`?"),
        ("block", "says nothing about what"),
        ("block samplin", "did you mean `sampling`?"),
        ("block sampling roots", "one too many"),
        ("block tool=", "`tool=` is none of"),
        ("redact secret", "did you mean `secrets`?"),
        ("decline sampling", "only elicitations can be answered `decline`"),
        ("hide sampling", "says nothing about what to hide"),
        ("block tool=\udcff", "cannot be read"),
    ],
)
def test_what_is_no_short_form_is_refused(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        shorthand(text)
    assert problem in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_every_verb_is_an_action() -> None:
    assert {fields["do"] for fields in SHORTHANDS.values()} <= ACTIONS.keys()
    assert isinstance(shorthand("hide prompt=x"), Hide)
