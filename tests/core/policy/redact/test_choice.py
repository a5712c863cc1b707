"""Places that a user chose, by path and by name, and the values that then go whatever they say."""

import json
from typing import Any

import pytest
from tests.core.policy.redact.planted import masked, redact, text_result

from interpose.core.policy.redact.redactor import Options, Redaction, Redactor

MASK = "[hidden:field-1]"


def chosen(message: Any, *paths: str, keys: tuple[str, ...] = ()) -> Redaction:
    return redact(message, Redactor(Options(detectors=(), paths=paths, keys=keys)))


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("$.result.structuredContent.user.name", ["user.name"]),
        ("$.result['structuredContent'][\"user\"]", ["user.name", "user.list.0", "user.list.1", "user.a b"]),
        ("$.result.structuredContent.user.list[1]", ["user.list.1"]),
        ("$.result.structuredContent.user.list[*]", ["user.list.0", "user.list.1"]),
        ("$.result.structuredContent.*.name", ["user.name", "other.name"]),
        ("$..name", ["user.name", "other.name"]),
        ("$..list[0]", ["user.list.0"]),
        ("$..['a b']", ["user.a b"]),
        ("$..*", ["user.name", "user.list.0", "user.list.1", "user.a b", "other.name"]),
        ("$.result.nothing", []),
        ("$.result.structuredContent.user[1]", []),
    ],
)
def test_a_path_leads_where_it_says(path: str, places: list[str]) -> None:
    data = {"user": {"name": "u", "list": ["l0", "l1"], "a b": "s"}, "other": {"name": "o"}}
    got = json.loads(chosen({"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": data}}, path).raw)
    hidden = [where for where, value in _leaves(got["result"]["structuredContent"]) if value.startswith("[hidden")]
    assert hidden == places
    assert got["jsonrpc"] == "2.0"


def _leaves(value: Any, at: str = "") -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(at[1:], value)]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [leaf for key, inner in items for leaf in _leaves(inner, f"{at}.{key}")]


def test_types_stay() -> None:
    data = {"a": "x", "b": 12.5e3, "c": True, "d": None, "e": "", "f": 0, "g": [{"h": -1}], "i": {}}
    done = chosen({"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": data}}, "$.result.structuredContent")
    got = json.loads(done.raw)["result"]["structuredContent"]
    assert got == {"a": MASK, "b": 0, "c": True, "d": None, "e": "", "f": 0, "g": [{"h": 0}], "i": {}}
    assert [(finding.path[27:], finding.detector, finding.placeholder) for finding in done.findings] == [
        ("a", "path", MASK),
        ("b", "path", "0"),
        ("g[0].h", "path", "0"),
    ]


def test_a_name_is_compared_whole_and_without_regard_to_its_spelling() -> None:
    data = {"api_key": "1", "apiKey": "2", "API-KEY": "3", "apikeys": "4", "a": {"Api Key": ["5", 6]}, "ap": "7"}
    got = json.loads(chosen(text_result("x", structuredContent=data), keys=("api-key",)).raw)
    assert got["result"]["structuredContent"] == {
        "api_key": "[hidden:field-1]",
        "apiKey": "[hidden:field-2]",
        "API-KEY": "[hidden:field-3]",
        "apikeys": "4",
        "a": {"Api Key": ["[hidden:field-4]", 0]},
        "ap": "7",
    }
    escaped = b'{"jsonrpc":"2.0","id":1,"result":{"p\\u0069n":"1234"}}'
    assert chosen(escaped, keys=("pin",)).raw == escaped.replace(b"1234", MASK.encode())


def test_names_count_in_json_that_is_carried_as_text() -> None:
    text = '{ "user": {"PIN": 1234, "pin": "12\\u0033", "x": [1]}, "é":"\\/" }'
    done = chosen(text_result(text, "pin: 5", '{"pin'), keys=("pin",))
    blocks = [block["text"] for block in json.loads(done.raw)["result"]["content"]]
    assert blocks == [text.replace("1234", "0").replace("12\\u0033", MASK), "pin: 5", '{"pin']
    assert chosen(done.raw, keys=("pin",)).raw == done.raw


def test_names_of_properties_are_no_members() -> None:
    tool = {
        "name": "t",
        "inputSchema": {"type": "object", "properties": {"token": {"type": "string", "description": "a token"}}},
    }
    message = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool], "inputRequests": {"token": {"method": "x"}}}}
    assert chosen(message, keys=("token",)).findings == ()


@pytest.mark.parametrize(
    ("uri", "instead"),
    [
        ("file:///home/somebody", f"file:///{MASK}"),
        ("FILE:///C:/somebody", f"FILE:///{MASK}"),
        ("https://somebody.example/", MASK),
        ("file://host/somebody", MASK),
        ("file:///", "file:///"),
    ],
)
@pytest.mark.parametrize("members", ["roots", "resources", "contents"])
def test_a_chosen_reference_stays_one_of_a_file(members: str, uri: str, instead: str) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "result": {members: [{"uri": uri}]}}
    for raw in (json.dumps(message).encode(), json.dumps(message).replace("/", "\\/").encode()):
        for done in (chosen(raw, f"$.result.{members}[*].uri"), chosen(raw, keys=("uri",))):
            assert json.loads(done.raw)["result"][members] == [{"uri": instead}]
            assert chosen(done.raw, keys=("uri",)).raw is done.raw


def test_what_is_filled_in_under_a_name_of_the_protocol_is_masked_when_it_is_chosen() -> None:
    message = {"jsonrpc": "2.0", "id": 1, "result": {"action": "accept", "content": {"name": "Ada", "id": 7}}}
    for done in (chosen(message, keys=("name", "id")), chosen(message, "$.result.content")):
        assert json.loads(done.raw) == {**message, "result": {"action": "accept", "content": {"name": MASK, "id": 0}}}


def test_chosen_base64_stays_base64() -> None:
    message = {"jsonrpc": "2.0", "id": 1, "result": {"contents": [{"uri": "x:y", "blob": "AAAA"}]}}
    done = chosen(message, "$..blob")
    assert json.loads(done.raw)["result"]["contents"][0]["blob"] == "W2hpZGRlbjpmaWVsZC0xXQ=="
    assert chosen(done.raw, "$..blob").raw == done.raw


def test_a_path_counts_in_each_message_of_a_batch() -> None:
    one = {"jsonrpc": "2.0", "id": 1, "result": {"x": "y"}}
    got = json.loads(chosen([one, one], "$.result.x").raw)
    assert [message["result"]["x"] for message in got] == [MASK, MASK]


def test_a_choice_goes_before_a_finding() -> None:
    redactor = Redactor(Options(detectors=("email",), keys=("mail",)))
    data = {"mail": "bob@example.org!", "note": "bob@example.org"}
    got = masked(text_result("", structuredContent=data), redactor)["result"]["structuredContent"]
    assert got == {"mail": MASK, "note": "[personal:email-1]"}
