"""What a bridge reads off a message before it lets it in, and what it says itself."""

import json
from typing import Any

import pytest

from interpose.core.bridge.reply import cancelled, code_of, error
from interpose.core.bridge.stateless import claimed_version, http_status, is_stateless, mirrored_part, wants_log
from interpose.core.wire.message import Kind, Message, read

E, D = "2026-07-28", "2025-11-25"


def _message(method: str, version: Any = None, **params: Any) -> Message:
    meta = {} if version is None else {"_meta": {"io.modelcontextprotocol/protocolVersion": version}}
    return read(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, **meta}}).encode())


@pytest.mark.parametrize(
    ("header", "message", "expected"),
    [
        (None, _message("tools/call", E), True),
        (D, _message("tools/call", E), True),
        (E, _message("tools/call"), True),
        (None, _message("server/discover"), True),
        (None, _message("initialize", E), True),
        (E, _message("initialize"), False),
        (D, _message("tools/call"), False),
        (None, _message("tools/call", D), False),
        (None, _message("tools/call", 7), False),
        ("soon", _message("tools/call"), False),
        (E, read(b'[{"jsonrpc":"2.0","method":"x"}]'), True),
        (None, read(b'[{"jsonrpc":"2.0","method":"x"}]'), False),
    ],
)
def test_which_era_a_post_belongs_to(header: str | None, message: Message, expected: bool) -> None:
    assert is_stateless(header, message) is expected


def test_the_mirrored_part_is_small_and_says_the_same() -> None:
    message = _message("tools/call", E, name="n", arguments={"text": "x" * 10_000}, uri=7)
    assert json.loads(mirrored_part(message).params) == {
        "name": "n",
        "uri": 7,
        "_meta": {"io.modelcontextprotocol/protocolVersion": E},
    }
    assert mirrored_part(_message("tools/list")).params == b"{}"
    assert claimed_version(message) == E


def test_a_request_asks_for_logs_by_itself() -> None:
    assert not wants_log(_message("tools/call", E))
    assert wants_log(read(b'{"id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/logLevel":"info"}}}'))


def test_a_status_follows_the_error_but_an_unknown_opening_proves_no_era() -> None:
    unknown, unsupported = error("1", -32601, "no"), error("1", -32022, "no")
    assert http_status("tools/call", unknown) == 404
    assert http_status("server/discover", unknown) == 400
    assert http_status("server/discover", unsupported) == 400
    assert http_status("tools/call", error("1", 5, "no")) == 200
    assert http_status("tools/call", read(b'{"jsonrpc":"2.0","id":1,"result":{}}')) == 200


def test_what_a_bridge_says_itself_is_json_rpc() -> None:
    refusal = error('"a"', -31000, 'gone "away"')
    assert (refusal.kind, refusal.id, code_of(refusal)) == (Kind.ERROR, '"a"', -31000)
    assert error(None, 1, "").body()["id"] is None
    assert cancelled("7", "left").body()["params"] == {"requestId": 7, "reason": "left"}
    assert code_of(read(b'{"id":1,"error":"text"}')) == 0
