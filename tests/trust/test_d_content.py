"""Part D, 51 and 53 to 56: what is masked in messages, and what is left alone."""

import base64
import json
import random
import time
import tracemalloc
import uuid
from typing import Any

import pytest
from tests.trust.scene import META, STATELESS, Heard, Scene, dump, passed, wants, worked

from interpose.core.events import End

AWS = "AKIA" + "IOSFODNN7EXAMPLQ"
SECRETS = '[[rule]]\nname = "secrets"\nall = true\ndo = "redact"\nfind = "secrets"\n'
MASK = "[secret:aws-key-1]"
BLOB = base64.b64encode(f"the key is {AWS}, keep it".encode()).decode()
BINARY = base64.b64encode(random.Random(1).randbytes(3000)).decode()
TEXT = {"type": "text", "text": f"see {AWS}."}
SCHEMA = {"type": "object", "properties": {}}

RESULTS: dict[str, Any] = {
    "text": {"content": [TEXT]},
    "structuredContent": {"content": [], "structuredContent": {"deep": [{"x": AWS}]}},
    "object key": {"content": [], "structuredContent": {AWS: 1}},
    "resource text": {"contents": [{"uri": "a://b", "text": AWS}]},
    "resource blob": {"contents": [{"uri": "a://b", "blob": BLOB}]},
    "image data": {"content": [{"type": "image", "mimeType": "image/svg+xml", "data": BLOB}]},
    "audio data": {"content": [{"type": "audio", "mimeType": "audio/x", "data": BLOB}]},
    "resource_link uri": {"content": [{"type": "resource_link", "name": "r", "uri": f"https://x.example/?k={AWS}"}]},
    "resource_link description": {
        "content": [{"type": "resource_link", "name": "r", "uri": "a://b", "description": AWS}]
    },
    "prompt messages": {"messages": [{"role": "user", "content": TEXT}]},
    "tool description": {"tools": [{"name": "t", "description": f"use {AWS}", "inputSchema": SCHEMA}]},
    "instructions": {"instructions": AWS, "capabilities": {}},
    "_meta": {"content": [], "_meta": {"x.example/y": AWS}},
}
ERRORS: dict[str, Any] = {
    "error message": {"code": -32603, "message": f"failed with {AWS}"},
    "error data": {"code": -32603, "message": "x", "data": {"env": [AWS]}},
}
SAID: dict[str, tuple[End, Any]] = {
    "log notification": (
        "server",
        {"method": "notifications/message", "params": {"level": "info", "data": {"k": AWS}}},
    ),
    "elicitation message": (
        "server",
        {"id": 9, "method": "elicitation/create", "params": {"message": AWS, "requestedSchema": SCHEMA}},
    ),
    "sampling messages": (
        "server",
        {
            "id": 9,
            "method": "sampling/createMessage",
            "params": {"messages": [{"role": "user", "content": TEXT}], "systemPrompt": AWS, "maxTokens": 9},
        },
    ),
    "arguments": ("client", {"id": 9, "method": "tools/call", "params": {"name": "t", "arguments": {"a": {"b": AWS}}}}),
    "argument key": ("client", {"id": 9, "method": "tools/call", "params": {"name": "t", "arguments": {AWS: 1}}}),
}


def clean(heard: Heard, to: End) -> str:
    """Assert that the message arrives without the secret, which is not recorded either; its text."""
    [told] = heard.of(to)
    kept = str(heard.entries)
    for form in (AWS, BLOB):
        assert form not in told.decode()
        assert form not in kept
    assert heard.rules == ["secrets"]
    return told.decode()


@pytest.mark.parametrize("version", ["2025-11-25", STATELESS])
@pytest.mark.parametrize("place", [*RESULTS, *ERRORS])
def test_51_no_secret_gets_out_of_an_answer(place: str, version: str) -> None:
    scene = Scene(SECRETS, version)
    scene.call(1)
    body = {"result": RESULTS[place]} if place in RESULTS else {"error": ERRORS[place]}
    if version == STATELESS and "result" in body:
        body = {"result": {"resultType": "complete", **body["result"]}}
    told = clean(scene.server({"id": 1, **body}), "client")
    assert MASK in told or base64.b64encode(f"the key is {MASK}, keep it".encode()).decode() in told


@pytest.mark.parametrize("place", SAID)
def test_51_no_secret_gets_out_of_a_request_or_notification(place: str) -> None:
    end, message = SAID[place]
    scene = Scene(SECRETS)
    scene.call(1)
    assert MASK in clean(scene.say(end, message), "server" if end == "client" else "client")


@pytest.mark.parametrize("place", ["elicitation message", "sampling messages"])
def test_51_no_secret_gets_out_of_a_question_in_a_result(place: str) -> None:
    message = {name: value for name, value in SAID[place][1].items() if name != "id"}
    assert MASK in clean(wants(Scene(SECRETS, STATELESS), {"q": message}), "client")


def test_53_what_the_protocol_runs_on_stays() -> None:
    scene = Scene(SECRETS, STATELESS)
    token = {"_meta": {**META, "progressToken": AWS}}
    call = {"id": AWS, "method": "tools/call", "params": {"name": "t", "requestState": AWS, **token}}
    passed(scene.client(call, "x1", "body"), "client", dump(call))
    progress = {"method": "notifications/progress", "params": {"progressToken": AWS, "progress": 1}}
    passed(scene.server(progress, "x1", "body"), "server", dump(progress))
    asking = {"resultType": "input_required", "requestState": AWS, "inputRequests": {}}
    passed(scene.server({"id": AWS, "result": asking}, "x1", "body"), "server", dump({"id": AWS, "result": asking}))
    scene.client({"id": 2, "method": "tools/list", "params": {"cursor": AWS, "_meta": META}}, "x2", "body")
    page = {"id": 2, "result": {"resultType": "complete", "tools": [], "nextCursor": AWS}}
    passed(scene.server(page, "x2", "body"), "server", dump(page))


VALUE: Any = {"a": AWS, "n": 5, "f": 1.5, "b": True, "z": None, "l": [AWS, {"k": f"x {AWS} y"}], "e": "", "big": 2**60}


def shape(value: Any) -> Any:
    """The types of a value, without its texts."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "" if isinstance(value, str) else (type(value), value)


def test_53_types_stay_and_masking_again_changes_nothing() -> None:
    scene = Scene(SECRETS)
    scene.call(1)
    told = json.loads(clean(scene.server({"id": 1, "result": {"content": [], "structuredContent": VALUE}}), "client"))
    assert shape(told["result"]["structuredContent"]) == shape(VALUE)
    scene.call(2)
    passed(scene.server(dump({**told, "id": 2})), "server", dump({**told, "id": 2}))


def test_53_the_same_secret_has_the_same_placeholder_in_both_directions() -> None:
    other = AWS[:-1] + "Z"
    scene = Scene(SECRETS)
    heard = scene.call(1, arguments={"a": AWS, "b": other})
    assert json.loads(heard.server[0])["params"]["arguments"] == {"a": MASK, "b": "[secret:aws-key-2]"}
    heard = scene.server({"id": 1, "result": {"content": [{"type": "text", "text": f"{other} {AWS}"}]}})
    assert json.loads(heard.client[0])["result"]["content"][0]["text"] == f"[secret:aws-key-2] {MASK}"
    assert b"[secret:aws-key-1]" in (heard.entries[0].payload() or b"")


def ordinary() -> dict[str, list[str]]:
    chance = random.Random(20261122)
    hexes = [chance.randbytes(size).hex() for size in (4, 7, 16, 20, 32, 64) for _ in range(20)]
    return {
        "UUIDs": [str(uuid.UUID(bytes=chance.randbytes(16), version=4)) for _ in range(50)],
        "hashes": [*hexes, *(f"sha256:{digest}" for digest in hexes), *(f"commit {digest[:40]}" for digest in hexes)],
        "dates": ["2026-07-28", "2026-07-28T10:11:12.345678Z", "20260728T101112Z", "28.07.2026 10:11", "1785233472"],
        "versions": ["1.2.3", "v0.2.3-beta.1+build.5", "2026.7.28", "python-3.13.0rc1", "^18.2.0", "lodash@4.17.21"],
        "order numbers": [
            "ORD-2026-000123456",
            "PO 4500012345",
            "INV/2026/07/0042",
            "1Z999AA10123456784",
            "DE123456789",
        ],
        "integrity": [f"sha512-{base64.b64encode(chance.randbytes(64)).decode()}" for _ in range(20)],
        "base64": [base64.b64encode(chance.randbytes(size)).decode() for size in (30, 100, 3000, 50_000)],
        "paths": ["/usr/lib/python3.11/site-packages/x.py:123", "git@github.com:org/repo.git", "s3://bucket/key"],
        "words": [
            "the password must have 8 characters",
            "token_type: bearer",
            "api_key=",
            "secret: null",
            "Bearer <token>",
        ],
    }


@pytest.mark.parametrize(("name", "texts"), ordinary().items(), ids=ordinary())
def test_54_ordinary_values_are_no_secrets(name: str, texts: list[str]) -> None:
    scene = Scene(SECRETS)
    for number, text in enumerate(texts, 10):
        call = {"id": number, "method": "tools/call", "params": {"name": "t", "arguments": {"v": text, text[:40]: 1}}}
        passed(scene.client(call), "client", dump(call))
        image = {"type": "image", "mimeType": "image/png", "data": BINARY}
        done = {"id": number, "result": {"content": [{"type": "text", "text": text}, image]}}
        passed(scene.server(done), "server", dump(done))


def large(count: int) -> bytes:
    """A result with so many secrets, a kilobyte apart."""
    text = ("x" * 1000 + f" {AWS} ") * count
    return dump({"id": 1, "result": {"content": [{"type": "text", "text": text}]}})


def test_55_ten_megabytes_with_ten_thousand_secrets() -> None:
    raw = large(10_000)
    scene = Scene(SECRETS)
    scene.call(1)
    began = time.process_time()
    [told] = scene.server(raw).client
    assert time.process_time() - began < 2  # the aim is one second; this machine has other work too
    assert len(raw) > 10_000_000
    assert told.count(MASK.encode()) == 10_000


def test_55_memory_grows_in_step_with_the_message() -> None:
    raw = large(1_000)
    scene = Scene(SECRETS)
    scene.call(1)
    tracemalloc.start()
    try:
        scene.server(raw)
        assert tracemalloc.get_traced_memory()[1] < 24 * len(raw)
    finally:
        tracemalloc.stop()


ODD = {
    "ANSI": "a\x1b[31mred\x1b[0m",
    "bidirectional": "a\u202eabc\u202c",
    "isolates": "a\u2066abc\u2069",
    "tags": "a" + "".join(chr(0xE0000 + ord(letter)) for letter in "hidden"),
}
_CHARACTERS = r"\x1b\[[0-9;]*[A-Za-z]|[\x{E0000}-\x{E007F}\x{202A}-\x{202E}\x{2066}-\x{2069}]+"
STRIP = f'[[rule]]\nname = "odd"\nall = true\ndo = "redact"\npatterns = {{ odd = \'{_CHARACTERS}\' }}\n'
FLAG = (
    '[[rule]]\nname = "odd"\nmethod = ["tools/call", "tools/list"]\nkind = "result"\ndo = "note"\n'
    f"given = {{ path = \"$..['text', 'description']\", matches = '{_CHARACTERS}' }}\n"
)


def shown(rules: str, text: str) -> list[Heard]:
    """A text in a result, and in the description of a tool."""
    scene = Scene(rules)
    scene.call(1)
    scene.client({"id": 2, "method": "tools/list"})
    tool = {"name": "t", "description": text, "inputSchema": SCHEMA}
    return [
        scene.server({"id": 1, "result": {"content": [{"type": "text", "text": text}]}}),
        scene.server({"id": 2, "result": {"tools": [tool]}}),
    ]


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_56_characters_that_people_cannot_see_are_taken_out_or_flagged(text: str) -> None:
    for heard in shown(STRIP, text):
        told = json.loads(heard.client[0])["result"]
        left = told["content"][0]["text"] if "content" in told else told["tools"][0]["description"]
        assert left.isprintable()
        assert left.startswith("a[custom:odd-1]")
        assert heard.rules == ["odd"]
    for heard in shown(FLAG, text):
        assert heard.client == [heard.entries[0].payload()]
        assert heard.rules == ["odd"]
    for heard in shown(STRIP, "plain é 𝄞 text"):
        assert heard.rules == []


@pytest.mark.parametrize("text", [ODD["tags"], ODD["bidirectional"], ODD["isolates"]], ids=["tags", "bidi", "isolates"])
def test_56_the_worked_policy_stops_them_in_results(text: str) -> None:
    heard = shown(worked("suspicious-text"), text)[0]
    assert json.loads(heard.client[0])["result"]["isError"]
    assert heard.rules == ["invisible-in-results"]
