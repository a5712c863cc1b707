"""What requests and answers say in a few words, whatever strangers put into them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.formats import asked, excerpt, results
from interpose.core.formats.words import safe


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


FORM = {"message": "Which?", "requestedSchema": {"properties": {"name": {}, "age": {}}}}


@pytest.mark.parametrize(
    ("method", "params", "shown"),
    [
        ("tools/call", {"name": "t", "arguments": {"a": 1, "b": "x y", "c": [1, 2, 3, 4], "d": {}}},
         'a=1 b="x y" c=[4 items] d={}'),
        ("tools/call", {"name": "t", "arguments": {"a": 1}, "task": {}}, "a=1 as a task"),
        ("tools/call", {"name": "t"}, ""),
        ("completion/complete", {"ref": {"name": "greet"}, "argument": {"name": "who", "value": "A"}},
         'who="A" of greet'),
        ("elicitation/create", FORM, '"Which?" asks name, age'),
        ("elicitation/create", {"message": "Sign in", "mode": "url", "url": "https://a.example/p?secret=1"},
         '"Sign in" at https://a.example/p'),
        ("elicitation/create", {"message": "Sign in", "url": "https://["}, '"Sign in" at "https://["'),
        ("sampling/createMessage", {"messages": [], "maxTokens": 3, "tools": [{}]}, '"" (max 3 tokens, 1 tools)'),
        ("logging/setLevel", {"level": "info"}, "info"),
        ("notifications/message", {"level": "info", "data": {"msg": "hi"}}, 'info {msg: "hi"}'),
        ("notifications/tasks/status", {"status": "input_required", "statusMessage": "hm"}, 'input required "hm"'),
        ("tasks/update", {"inputResponses": {"k": {}}}, "answers 1 asked"),
        ("x/unknown", {"a": 1, "_meta": {"t": 1}}, "a=1"),
        ("tools/list", {"cursor": "abc"}, 'cursor="abc"'),
    ],
)  # fmt: skip
def test_a_request_in_a_few_words(method: str, params: Any, shown: str) -> None:
    assert asked.summary(method, raw(params)) == shown


TASK = {"taskId": "0123456789abcdef", "status": "working", "ttl": 60000, "pollInterval": 500}


@pytest.mark.parametrize(
    ("method", "result", "shown"),
    [
        ("initialize", {"protocolVersion": "2025-11-25", "serverInfo": {"name": "s"}, "capabilities": {"tools": {}}},
         "MCP 2025-11-25 s offers tools"),
        ("tools/list", {"tools": [{"name": "a"}, {"name": "b"}], "nextCursor": "2"}, "2 tools: a, b, more to come"),
        ("resources/list", {"resources": [{"uri": "note://a"}]}, "1 resource: note://a"),
        ("tools/call", {"content": [{"type": "text", "text": "one\ntwo"}, {"type": "text"}]}, "one two (+1 block)"),
        ("tools/call", {"content": [{"type": "image", "mimeType": "image/png", "data": "A" * 4096}]},
         "image image/png 3.0 KB"),
        ("tools/call", {"content": [{"type": "resource_link", "uri": "note://a"}]}, "resource_link note://a"),
        ("tools/call", {"content": [], "structuredContent": {"sum": 5}}, "{sum: 5}"),
        ("tools/call", {"content": []}, "no content"),
        ("tools/call", {"task": TASK}, "task 01234567…, ttl 1 min, poll every 500 ms"),
        ("tools/call", {"resultType": "task", **TASK}, "task 01234567…, ttl 1 min, poll every 500 ms"),
        ("tools/call", {"resultType": "input_required", "inputRequests": {"a": {"method": "roots/list"}}}, "roots"),
        ("tools/call", {"resultType": "input_required"}, "only to be asked again"),
        ("resources/read", {"contents": [{"mimeType": "text/plain", "text": "milk"}, {}]},
         "text/plain 4 bytes: milk (+1 more)"),
        ("resources/read", {"contents": [{"blob": "AAAA"}]}, "3 bytes"),
        ("prompts/get", {"messages": [{"content": {"type": "text", "text": "hi"}}]}, "1 message: hi"),
        ("completion/complete", {"completion": {"values": []}}, "no values"),
        ("sampling/createMessage", {"model": "m", "content": {"text": "hi"}, "stopReason": "endTurn"},
         "m: hi (endTurn)"),
        ("elicitation/create", {"action": "accept", "content": {"n": 1}}, "n=1"),
        ("roots/list", {"roots": [{"name": "home"}]}, "1 root: home"),
        ("tasks/get", {"status": "failed", "error": {"code": -1, "message": "no"}}, "error -1 no"),
        ("tasks/get", {"status": "completed", "result": {"content": [{"text": "done"}]}}, "done"),
        ("ping", {}, ""),
        ("tools/call", {"content": "no list"}, '"no list"'),
        ("initialize", {"serverInfo": "no object", "_meta": []}, 'serverInfo="no object"'),
    ],
)  # fmt: skip
def test_an_answer_in_a_few_words(method: str, result: Any, shown: str) -> None:
    assert results.summary(method, raw(result)) == shown


def test_a_large_answer_is_not_parsed_and_its_first_text_is_shown_with_its_size() -> None:
    large = raw({"content": [{"type": "text", "text": "lorem " * 40_000}]})
    assert results.summary("tools/call", large).startswith("234 KB: lorem lorem")
    assert results.summary("tools/call", large[:9000], 64 << 20).startswith("64 MB: lorem lorem")
    assert excerpt.rough(b'{"n":1}', 64 << 20) == '64 MB: {"n":1}'


def test_a_failure_has_a_code_and_a_text() -> None:
    assert results.failure(raw({"code": -32602, "message": "bad\nname"})) == (-32602, "bad name")
    assert results.failure(raw({"code": "odd"})) == (None, "")
    assert results.failure(b'"text"') == (None, '6 bytes: "text"')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=8), each, max_size=4),
    max_leaves=8,
)
KEYS = (
    "arguments content task contents messages ref argument requestedSchema message url serverInfo _meta tools status "
    "completion result resultType inputRequests notifications ttl progress total level data inputResponses "
    "capabilities clientInfo structuredContent"
)


@given(
    st.sampled_from([*asked._METHODS, *results._METHODS]),
    st.dictionaries(st.sampled_from(KEYS.split()), JSON, max_size=5),
)
def test_no_shape_of_parameters_or_result_is_too_odd_to_tell(method: str, members: dict[str, Any]) -> None:
    for shown in (asked.summary(method, raw(members)), results.summary(method, raw(members))):
        assert safe(shown) == shown
