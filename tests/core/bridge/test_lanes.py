"""Which stream a server's message belongs to."""

import json
from typing import Any

from interpose.core.bridge.lanes import Lanes, LegacyLanes, SessionLanes, SharedLanes
from interpose.core.wire.message import Message, read

ANSWER_1 = {"id": 1, "result": {}}
NEWS = {"method": "notifications/tools/list_changed"}
LOG = {"method": "notifications/message", "params": {"data": 1}}


def _message(value: Any) -> Message:
    whole = [{"jsonrpc": "2.0", **part} for part in value] if isinstance(value, list) else {"jsonrpc": "2.0", **value}
    return read(json.dumps(whole).encode())


def _call(ident: Any, token: Any = None, **meta: Any) -> dict[str, Any]:
    meta = meta if token is None else {**meta, "progressToken": token}
    return {"id": ident, "method": "tools/call", "params": {"_meta": meta}}


def _progress(token: Any) -> dict[str, Any]:
    return {"method": "notifications/progress", "params": {"progressToken": token}}


def _place(lanes: Lanes, value: Any, channel: str = "stdio") -> str | None:
    return lanes.place(channel, _message(value))


def _open(lanes: Lanes, channel: str, value: Any, owner: bytes = b"") -> None:
    lanes.open(channel, _message(value), owner)


def test_an_answer_goes_to_its_request_whatever_the_type_of_its_id() -> None:
    lanes = SessionLanes()
    _open(lanes, "x1", _call(1))
    _open(lanes, "x2", _call("1"))
    assert _place(lanes, ANSWER_1) == "x1"
    assert _place(lanes, {"id": "1", "error": {"code": 1, "message": ""}}) == "x2"
    assert _place(lanes, {"id": 1.0, "result": {}}) is None


def test_a_stream_is_done_when_all_its_requests_are_answered() -> None:
    lanes = SessionLanes()
    _open(lanes, "x1", [_call(1), {"method": "notifications/x"}, _call(2)])
    assert lanes.waiting() == [("x1", "1"), ("x1", "2")]
    assert not lanes.answered("x1", ["2"])
    assert lanes.answered("x1", ["1"])
    assert _place(lanes, ANSWER_1) is None
    assert _place(lanes, ANSWER_1, "x1") is None


def test_what_its_client_has_cancelled_is_not_waited_for() -> None:
    lanes = SessionLanes()
    _open(lanes, "x1", _call(1))
    _open(lanes, "x2", _call("1"))
    lanes.cancelled(_message({"method": "notifications/cancelled", "params": {"requestId": 1}}))
    assert lanes.wanted() == [("x2", '"1"')]
    assert len(lanes.waiting()) == 2
    assert lanes.answered("x1", ["1"])


def test_progress_goes_to_the_request_that_gave_the_token() -> None:
    lanes = SessionLanes()
    _open(lanes, "x1", _call(1, "t"))
    _open(lanes, "x2", _call(2, 7))
    lanes.stand("x3")
    assert _place(lanes, _progress("t")) == "x1"
    assert _place(lanes, _progress(7)) == "x2"
    assert _place(lanes, _progress("7")) == "x3"


def test_other_messages_go_to_the_only_call_else_to_the_get_stream_else_to_the_latest_call() -> None:
    lanes = SessionLanes()
    assert _place(lanes, NEWS) is None
    _open(lanes, "x1", _call(1))
    lanes.stand("x2")
    assert _place(lanes, NEWS) == "x1"
    _open(lanes, "x3", _call(3))
    assert _place(lanes, {"id": 1, "method": "ping"}) == "x2"
    lanes.shut("x2")
    assert lanes.standing is None
    assert _place(lanes, NEWS) == "x3"
    lanes.answered("x3", ["3"])
    assert _place(lanes, NEWS) == "x1"


def test_a_message_said_on_an_open_stream_stays_there() -> None:
    for lanes in (SessionLanes(), SharedLanes()):
        _open(lanes, "x1", _call(1))
        _open(lanes, "x2", _call(1))
        assert _place(lanes, ANSWER_1, "x2") == "x2"


def test_a_legacy_session_has_one_stream_for_everything() -> None:
    lanes = LegacyLanes()
    assert _place(lanes, NEWS) is None
    lanes.stand("x1")
    lanes.expect("x1", _message(_call(1)))
    assert {_place(lanes, each) for each in (ANSWER_1, {"id": 9, "result": {}}, NEWS)} == {"x1"}
    assert _place(lanes, ANSWER_1, "x4") == "x1"
    assert lanes.waiting() == [("x1", "1")]
    assert not lanes.answered("x1", ["1"])
    assert lanes.waiting() == []


def test_shared_streams_are_never_matched_by_id_or_token() -> None:
    lanes = SharedLanes()
    _open(lanes, "x1", _call(1, "t"))
    assert _place(lanes, ANSWER_1) is None
    assert _place(lanes, {"id": 1, "method": "ping"}) is None
    assert _place(lanes, _progress("t"), "x9") is None


def test_what_a_shared_server_says_to_nobody_goes_to_one_caller_only() -> None:
    lanes = SharedLanes()
    assert _place(lanes, NEWS) is None
    _open(lanes, "x1", _call(1), b"a")
    _open(lanes, "x2", _call(1, **{"io.modelcontextprotocol/logLevel": "info"}), b"a")
    _open(lanes, "x3", _call(1), b"a")
    assert _place(lanes, NEWS) == "x3"
    assert _place(lanes, LOG) == "x2"
    _open(lanes, "x4", _call(1, **{"io.modelcontextprotocol/logLevel": "info"}), b"b")
    assert _place(lanes, LOG) is None
    assert _place(lanes, NEWS) is None
