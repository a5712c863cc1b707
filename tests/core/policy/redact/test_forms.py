"""What a user fills in is free text, whatever the fields are called; elsewhere the protocol's words stay."""

import json
from typing import Any

import pytest
from tests.core.policy.redact.planted import AWS, EVERYTHING, masked, redact

from interpose.core.policy.redact.redactor import Options, Redactor

MASK = "[secret:aws-key-1]"
WORDS = ("name", "id", "type", "role", "uri", "mimeType", "text", "data", "_meta", "toolUseId", "cursor", "action", "x")

Json = dict[str, Any]


def answer(**members: Any) -> Json:
    return {"jsonrpc": "2.0", "id": 1, "result": members}


def entry(**members: Any) -> Json:
    responses = {"requestState": {"action": "accept"}, "action": members}
    return {"jsonrpc": "2.0", "id": 1, "method": "tasks/update", "params": {"taskId": "t", "inputResponses": responses}}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("carried", [answer, entry])
def test_a_field_is_masked_whatever_it_is_called(carried: Any, word: str) -> None:
    for said, stands in ((AWS, MASK), ([AWS], [MASK]), ({word: AWS}, {word: MASK})):
        before = carried(content={word: said, "note": AWS}, action="accept")
        after = carried(content={word: stands, "note": MASK}, action="accept")
        assert masked(before) == after
        assert masked([before, before]) == [after, after]


def test_a_field_is_masked_however_its_answer_is_spelled() -> None:
    for name in ('"\\u0061ction"', '"action" \n'):
        raw = f'{{"id":1,"result":{{"content":{{"name":"{AWS}"}},{name}:"accept"}}}}'.encode()
        assert redact(raw).raw == raw.replace(AWS.encode(), MASK.encode())


def test_a_secret_in_the_name_of_a_field_is_masked() -> None:
    assert masked(answer(action="accept", content={"name": {AWS: 1}, AWS: 2})) == answer(
        action="accept", content={"name": {MASK: 1}, MASK: 2}
    )


def test_the_only_field_of_a_form_is_found_by_its_name() -> None:
    redactor = Redactor(Options(detectors=(), patterns={"word": "Ada"}))
    assert masked(answer(action="accept", content={"name": "Ada"}), redactor) == answer(
        action="accept", content={"name": "[custom:word-1]"}
    )


@pytest.mark.parametrize(
    "message",
    [
        answer(action=AWS, content={"name": "x"}),
        answer(role="user", content={"type": AWS, "id": AWS, "name_": "x"}, model="m"),
        answer(action="accept", content=[{"type": AWS, "id": AWS}]),
        answer(content={"type": AWS}, structuredContent={"action": "accept"}),
        answer(action="accept", contents=[{"uri": AWS}], content="x"),
        {"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"action": "a", "content": {"id": AWS}}},
        {"jsonrpc": "2.0", "id": 1, "action": "a", "result": {"content": {"id": AWS}}},
        {"params": {"inputResponses": {"a": {"action": "accept"}, "b": {"content": {"id": AWS}}}}},
        {"params": {"inputResponses": {"action": {"content": {"id": AWS}}}}},
        {"params": {"inputResponses": {"a": {"x": {"action": "accept", "content": {"id": AWS}}}}}},
    ],
)
def test_what_is_no_filled_form_keeps_the_words_of_the_protocol(message: Json) -> None:
    assert redact(message, EVERYTHING).findings == ()


def test_what_was_masked_in_a_form_stays_so() -> None:
    once = redact(answer(action="accept", content={"name": AWS, "id": AWS}))
    assert json.loads(once.raw)["result"]["content"] == {"name": MASK, "id": MASK}
    assert redact(once.raw).raw is once.raw
