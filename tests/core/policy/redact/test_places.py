"""Where secrets are found, in both directions and eras, and what is never touched whatever it says."""

import base64
import json
from typing import Any

import pytest
from tests.core.policy.redact.planted import AWS, EVERYTHING, GITHUB, masked, placeholders, redact, text_result

from interpose.core.policy.redact.redactor import Options, Redactor

MASK = "[secret:aws-key-1]"
TEXT = f"use {AWS}!"
META = "io.modelcontextprotocol/"


def result(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": members}


def asked(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "a", "method": method, "params": params}


PLACES: dict[str, dict[str, Any]] = {
    "text": text_result(TEXT),
    "a later block": text_result("nothing", "", TEXT),
    "structured content": result(content=[], structuredContent={"a": [{"b": TEXT}]}),
    "words of the protocol in data": result(structuredContent={"id": AWS, "type": AWS, "cursor": AWS, "uri": AWS}),
    "a key of data": result(structuredContent={"a": {AWS: 1}}),
    "a key of nobody": result(**{AWS: 1}),
    "a member that nobody knows": result(what={"x": TEXT}),
    "resource text": result(contents=[{"uri": "file:///x", "mimeType": "text/plain", "text": TEXT}]),
    "embedded resource": result(content=[{"type": "resource", "resource": {"uri": "x:y", "text": TEXT}}]),
    "a link": result(content=[{"type": "resource_link", "uri": f"https://x.example/?k={AWS}", "name": TEXT}]),
    "prompt messages": result(messages=[{"role": "user", "content": {"type": "text", "text": TEXT}}]),
    "error message": {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": TEXT}},
    "error data": {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "", "data": {"reason": TEXT}}},
    "error data text": {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "", "data": TEXT}},
    "log": {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": TEXT}},
    "log data": {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": {"id": AWS}}},
    "progress": {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "message": TEXT}},
    "tool description": result(tools=[{"name": "t", "title": TEXT, "description": TEXT, "inputSchema": {}}]),
    "schema description": result(
        tools=[{"name": "t", "inputSchema": {"properties": {"p": {"type": "string", "description": TEXT}}}}]
    ),
    "schema default": result(
        tools=[{"name": "t", "inputSchema": {"properties": {"default": {"default": TEXT, "examples": [TEXT]}}}}]
    ),
    "instructions": result(instructions=TEXT, serverInfo={"name": TEXT, "version": "1"}),
    "prompt arguments": result(prompts=[{"name": "p", "arguments": [{"name": "a", "description": TEXT}]}]),
    "elicitation": asked("elicitation/create", message=TEXT, requestedSchema={"properties": {"a": {"title": TEXT}}}),
    "elicitation url": asked("elicitation/create", mode="url", url=f"https://x.example/?t={AWS}", message=""),
    "elicitation answer": result(action="accept", content={"name": AWS, "id": {"x": AWS}}),
    "sampling": asked(
        "sampling/createMessage",
        systemPrompt=TEXT,
        messages=[{"role": "user", "content": [{"type": "text", "text": TEXT}]}],
    ),
    "sampling answer": result(role="assistant", model="m", content={"type": "text", "text": TEXT}),
    "sampling tools": asked(
        "sampling/createMessage",
        messages=[
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "t", "input": {"id": AWS}}]}
        ],
    ),
    "arguments": asked("tools/call", name="t", arguments={"name": AWS, "x": [TEXT]}),
    "completion": asked(
        "completion/complete", ref={"type": "ref/prompt", "name": "p"}, argument={"name": "a", "value": TEXT}
    ),
    "completion answer": result(completion={"values": [TEXT]}),
    "roots": result(roots=[{"uri": "file:///x", "name": TEXT}]),
    "meta": result(_meta={"x.example/y": {"id": AWS}}),
    "meta of others": asked("ping", _meta={"progressToken": 1, "baggage": f"k={AWS}", AWS: 1}),
    "input requests": result(
        resultType="input_required",
        inputRequests={"k": {"method": "elicitation/create", "params": {"message": TEXT}}},
    ),
    "input responses": asked(
        "tools/call", name="t", inputResponses={"k": {"action": "accept", "content": {"type_": AWS}}}
    ),
    "task status": result(taskId="t", status="working", statusMessage=TEXT),
    "task result": result(taskId="t", status="completed", result={"content": [{"type": "text", "text": TEXT}]}),
    "a member beside the envelope": {"jsonrpc": "2.0", "id": 1, "result": {}, "extra": {"id": AWS}},
    "JSON in text": text_result(json.dumps({"a": {"b": AWS}})),
}


@pytest.mark.parametrize("message", PLACES.values(), ids=PLACES)
def test_a_secret_is_masked_wherever_it_is(message: dict[str, Any]) -> None:
    assert masked(message) == json.loads(json.dumps(message).replace(AWS, MASK))


@pytest.mark.parametrize("message", PLACES.values(), ids=PLACES)
def test_a_batch_is_masked_like_its_messages(message: dict[str, Any]) -> None:
    assert masked([message, message]) == [masked(message), masked(message)]


FIXED: dict[str, dict[str, Any]] = {
    "id": {"jsonrpc": AWS, "id": AWS, "method": AWS},
    "answer id": {"jsonrpc": "2.0", "id": AWS, "result": {}},
    "tool name": asked("tools/call", name=AWS, arguments={}),
    "listed names": result(
        tools=[{"name": AWS, "inputSchema": {"type": AWS}}], prompts=[{"name": AWS, "arguments": [{"name": AWS}]}]
    ),
    "schema": result(
        tools=[
            {
                "name": "t",
                "inputSchema": {
                    "type": AWS,
                    "properties": {AWS: {"type": "string", "enum": [AWS], "pattern": AWS, "$ref": AWS}},
                    "required": [AWS],
                    "$defs": {AWS: {"anyOf": [{"format": AWS}]}},
                },
            }
        ]
    ),
    "cursors": result(nextCursor=AWS, requestState=AWS, resultType=AWS, protocolVersion=AWS),
    "cursor": asked("tools/list", cursor=AWS, _meta={"progressToken": AWS, META + "subscriptionId": AWS}),
    "tasks": result(task={"taskId": AWS, "status": AWS}, _meta={META + "related-task": {"taskId": AWS}}),
    "listening": asked("subscriptions/listen", notifications={"taskIds": [AWS], "resourceSubscriptions": [AWS]}),
    "elicitation id": asked(
        "elicitation/create", mode="url", elicitationId=AWS, requestedSchema={"properties": {AWS: {}}}
    ),
    "elicitations in an error": {
        "jsonrpc": "2.0",
        "id": 1,
        "error": {"code": -32042, "message": "", "data": {"elicitations": [{"elicitationId": AWS}]}},
    },
    "references": result(
        resources=[{"uri": AWS}], resourceTemplates=[{"uriTemplate": AWS}], contents=[{"uri": AWS, "mimeType": AWS}]
    ),
    "asked for": asked("resources/read", uri=AWS),
    "keys of inputs": result(inputRequests={AWS: {"method": AWS}}, inputResponses={AWS: {"action": AWS}}),
    "roles": asked(
        "sampling/createMessage", messages=[{"role": AWS, "content": {"type": AWS, "id": AWS, "toolUseId": AWS}}]
    ),
}


@pytest.mark.parametrize("message", FIXED.values(), ids=FIXED)
def test_what_the_protocol_runs_on_stays(message: dict[str, Any]) -> None:
    raw = json.dumps(message).encode()
    rules = Redactor(
        Options(detectors=("secrets",), keys=("requestState", "taskId", "id", "jsonrpc"), paths=("$..cursor",))
    )
    for redactor in (EVERYTHING, rules):
        done = redact(raw, redactor)
        assert done.raw is raw
        assert done.findings == ()


def test_a_link_in_content_keeps_what_is_no_secret() -> None:
    link = {"type": "resource_link", "uri": "mailto:bob@example.org", "name": "bob@example.org"}
    assert redact(result(content=[link])).findings == ()


def test_a_known_word_of_the_protocol_stays_a_key_whatever_a_user_looks_for() -> None:
    redactor = Redactor(Options(detectors=(), patterns={"word": "text|content"}))
    got = masked(text_result("a text", structuredContent={"text": "no"}), redactor)
    assert got == text_result("a [custom:word-1]", structuredContent={"[custom:word-1]": "no"})


def test_binary_content_is_left_unless_it_is_text() -> None:
    noise = bytes(range(256)) * 12
    picture = base64.b64encode(b"\x89PNG" + noise + TEXT.encode() * 3 + noise).decode()
    message = result(
        content=[{"type": "image", "mimeType": "image/png", "data": picture}],
        contents=[{"uri": "x:y", "blob": picture}, {"uri": "x:y", "text": f"data:image/png;base64,{picture}"}],
    )
    assert redact(message).findings == ()
    words = base64.b64encode(f"the key: {TEXT} – zu Ende".encode()).decode()
    got = masked(result(contents=[{"uri": "x:y", "blob": words}]))
    text = base64.b64decode(got["result"]["contents"][0]["blob"]).decode()
    assert text.replace("  ", "") == f"the key: use {MASK}! – zu Ende"
    assert masked(result(contents=[{"uri": "x:y", "blob": AWS}]))["result"]["contents"][0]["blob"] == MASK


def test_a_name_and_its_value_are_seen_together_in_members() -> None:
    secret = GITHUB[4:24] + "7"
    data = {"password": secret, "api-key": [secret], "note": secret, "maxTokens": secret, "token": None}
    got = masked(result(structuredContent=[data, secret]))["result"]["structuredContent"]
    mask = "[secret:credential-1]"
    assert got == [{"password": mask, "api-key": [mask], "note": secret, "maxTokens": secret, "token": None}, secret]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_name_is_enough_for_the_only_secret_of_a_message(indent: int | None) -> None:
    for value in (GITHUB[4:24] + "7", [GITHUB[4:24] + "7", 1]):
        raw = json.dumps(result(structuredContent={"x": {"client_secret": value}}), indent=indent).encode()
        assert redact(raw).raw == raw.replace(GITHUB[4:24].encode() + b"7", b"[secret:credential-1]")


def test_the_path_of_a_finding_holds_no_secret() -> None:
    done = redact(result(structuredContent={AWS: {"a b": [TEXT]}}))
    assert [finding.path for finding in done.findings] == [
        f'$.result.structuredContent["{MASK}"]',
        f'$.result.structuredContent["{MASK}"]["a b"][0]',
    ]


def test_a_secret_cut_by_the_border_of_blocks_is_masked_on_both_sides() -> None:
    assert masked(text_result("a " + AWS[:9], AWS[9:] + " b")) == text_result("a " + MASK, MASK + " b")
    three = text_result("a " + GITHUB[:9], GITHUB[9:20], GITHUB[20:] + " b")
    mask = "[secret:github-token-1]"
    assert masked(three) == text_result("a " + mask, mask, mask + " b")
    between = text_result("Hello", AWS[:9], AWS[9:], "Hello")
    assert masked(between) == text_result("Hello", MASK, MASK, "Hello")
    far = text_result("x" * 9000 + " " + AWS[:9], AWS[9:] + " y" * 9000)
    assert AWS[:9] not in json.dumps(masked(far))


def test_texts_that_are_no_neighbours_are_not_read_on() -> None:
    apart = result(content=[{"type": "text", "text": AWS[:9]}, {"type": "image"}, {"type": "text", "text": AWS[9:]}])
    assert redact(apart).findings == ()
    lists = result(content=[{"text": AWS[:9]}], contents=[{"text": AWS[9:]}])
    assert redact(lists).findings == ()


def test_a_block_after_a_secret_keeps_its_words_but_not_the_rest_of_the_secret() -> None:
    long = "sk" + "-ant-" + GITHUB[4:] * 2
    assert masked(text_result(long, "Hello there")) == text_result("[secret:anthropic-key-1]", "Hello there")
    got = masked(text_result(long[:50], long[50:] + " Hello"))["result"]["content"]
    assert long[50:] not in got[1]["text"]
    assert got[1]["text"].endswith(" Hello")


def test_the_same_secret_has_the_same_placeholder_all_through_a_session() -> None:
    session = placeholders()
    there = EVERYTHING.redact(json.dumps(text_result(AWS, GITHUB)).encode(), session)
    back = EVERYTHING.redact(json.dumps(asked("tools/call", name="t", arguments={"k": AWS})).encode(), session)
    assert b"[secret:github-token-1]" in there.raw
    assert json.loads(back.raw)["params"]["arguments"] == {"k": MASK}
    again = EVERYTHING.redact(there.raw, session)
    assert again.raw is there.raw
