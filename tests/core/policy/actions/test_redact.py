"""`redact`: what becomes of the bytes. What is found is the redactor's matter, and tested there."""

import json
from typing import Any

import pytest
from tests.core.policy.actions.trying import rule

from interpose.core.policy.actions import EditFault
from interpose.core.policy.actions.redact import KEY, placeholders, redact_raw, redactor

MAIL = rule("redact", find=["email"])


def raw(value: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode()


def test_the_same_value_has_the_same_placeholder_all_through_a_session() -> None:
    state: dict[str, Any] = {KEY: b"k" * 32}
    first, words = redact_raw(MAIL, raw({"t": "to ann@example.org and bob@example.org"}), state)
    assert (b"example.org" in first, words) == (False, "masked 2 email")
    again, _ = redact_raw(rule("redact", find=["email", "secrets"]), raw({"t": "bob@example.org"}), state)
    assert json.loads(again)["result"]["t"] in first.decode()
    assert redact_raw(MAIL, first, state) == (first, None)


def test_every_other_byte_stays() -> None:
    text = b'{ "jsonrpc":"2.0",\t"id":1.0, "result":{"n":1e2, "t":"ann@example.org", "u":"\\u00e9\\/"}}'
    masked, _ = redact_raw(MAIL, text, {})
    placeholder = json.loads(masked)["result"]["t"].encode()
    assert masked == text.replace(b"ann@example.org", placeholder)


def test_nothing_found_is_the_same_object() -> None:
    message = raw({"t": "nothing"})
    assert redact_raw(MAIL, message, {})[0] is message


@pytest.mark.parametrize(
    "keys",
    [
        {"patterns": {"ticket": "TICKET-(?P<mask>[0-9]+)"}},
        {"keys": ["pin"]},
        {"paths": ["$.result.pin"]},
    ],
)
def test_every_way_to_name_a_secret(keys: Any) -> None:
    masked, words = redact_raw(rule("redact", **keys), raw({"pin": "TICKET-4711"}), {})
    assert b"4711" not in masked
    assert words is not None
    assert "4711" not in words


@pytest.mark.parametrize("text", [b"no json", b'{"a":', b"\xff\xfe{}"])
def test_what_cannot_be_read_is_blocked(text: bytes) -> None:
    with pytest.raises(EditFault):
        redact_raw(MAIL, text, {})


def test_a_rule_that_was_never_checked_is_blocked() -> None:
    broken = MAIL.model_copy(update={"patterns": {"x": "("}})
    with pytest.raises(EditFault):
        redactor(broken)


@pytest.mark.parametrize("size", [0, 1, 64, 65, 4096])
def test_a_key_of_any_size_will_do(size: int) -> None:
    assert redact_raw(MAIL, raw({"t": "ann@example.org"}), {KEY: b"k" * size})[1] == "masked 1 email"


def test_sessions_do_not_share_placeholders() -> None:
    assert placeholders({}) is not placeholders({})
    state: dict[str, Any] = {}
    assert placeholders(state) is placeholders(state)
