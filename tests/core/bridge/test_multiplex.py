"""Many clients on one connection: unique ids below, everybody's own above, all other bytes as they came."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.bridge.multiplex import ELSEWHERE, Multiplexer
from interpose.core.wire.message import Message, read

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
_IDS = st.integers() | st.text(max_size=5)


def _message(**members: Any) -> Message:
    return read(json.dumps({"jsonrpc": "2.0", **members}).encode())


def _down(multiplexer: Multiplexer, channel: str, message: Message) -> Message:
    sent = multiplexer.down(channel, message)
    assert sent is not None
    return sent


def _request(ident: Any, token: Any = None, method: str = "tools/call") -> Message:
    meta = {} if token is None else {"_meta": {"progressToken": token}}
    return _message(id=ident, method=method, params={"id": "stays", "progressToken": "stays", **meta})


@given(st.lists(st.tuples(_IDS, st.none() | _IDS), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_every_client_gets_its_answer_under_its_id(requests: list[tuple[Any, Any]], order: Any) -> None:
    multiplexer = Multiplexer()
    sent = []
    for number, (ident, token) in enumerate(requests):
        below = _down(multiplexer, f"x{number}", _request(ident, token)).body()
        assert below["params"].get("_meta", {}).get("progressToken", below["id"]) == below["id"]
        assert (below["params"]["id"], below["params"]["progressToken"]) == ("stays", "stays")
        sent.append((below["id"], f"x{number}", ident, token))
    assert len({new for new, *_ in sent}) == len(sent)
    assert all(type(new) is int for new, *_ in sent)
    order.shuffle(sent)
    for new, channel, ident, token in sent:
        if token is not None:
            progress = _message(method="notifications/progress", params={"progressToken": new, "progress": 1})
            where, above = multiplexer.up(progress)
            assert (where, above.body()["params"]["progressToken"]) == (channel, token)
        where, above = multiplexer.up(_message(id=new, result={"id": new, "n": new}))
        assert (where, above.body()["id"], above.body()["result"]) == (channel, ident, {"id": new, "n": new})
        assert above == read(above.raw)


def test_the_bytes_of_an_id_come_back_as_they_were() -> None:
    multiplexer = Multiplexer()
    raw = b'{ "params":{"a":1e2},"id" : "\\u0061", "method":"x","jsonrpc":"2.0"}'
    assert _down(multiplexer, "x1", read(raw)).raw == raw.replace(b'"\\u0061"', b"1")
    assert multiplexer.up(read(b'{"jsonrpc":"2.0","id":1,"result":{ }}'))[1].raw == (
        b'{"jsonrpc":"2.0","id":"\\u0061","result":{ }}'
    )


def test_a_subscription_carries_the_id_of_its_request() -> None:
    multiplexer = Multiplexer()
    _down(multiplexer, "x1", _request("listen-1", method="subscriptions/listen"))
    tagged = {"_meta": {SUBSCRIPTION: 1}}
    where, note = multiplexer.up(_message(method="notifications/tools/list_changed", params=tagged))
    assert (where, note.body()["params"]["_meta"]) == ("x1", {SUBSCRIPTION: "listen-1"})
    where, ended = multiplexer.up(_message(method="notifications/cancelled", params={"requestId": 1}))
    assert (where, ended.body()["params"]) == ("x1", {"requestId": "listen-1"})
    where, last = multiplexer.up(_message(id=1, result=tagged))
    assert (where, last.body()["result"]["_meta"], last.id) == ("x1", {SUBSCRIPTION: "listen-1"}, '"listen-1"')


@pytest.mark.parametrize(
    "message",
    [
        _message(id=5, result={}),
        _message(id="1", result={}),
        _message(method="notifications/progress", params={"progressToken": 5}),
        _message(method="notifications/message", params={"progressToken": 1, "requestId": 1}),
        _message(method="notifications/cancelled", params={}),
        _message(id=1, method="ping"),
        read(b"noise"),
    ],
)
def test_what_belongs_to_no_request_stays_as_it_is(message: Message) -> None:
    multiplexer = Multiplexer()
    _down(multiplexer, "x1", _request(1))
    assert multiplexer.up(message) == (ELSEWHERE, message)


def test_a_client_that_leaves_cancels_its_requests_once() -> None:
    multiplexer = Multiplexer()
    for channel, method in (("x1", "tools/call"), ("x2", "tools/call"), ("x1", "server/discover")):
        _down(multiplexer, channel, _request("a", method=method))
    assert [notice.body()["params"]["requestId"] for notice in multiplexer.cancel("x1")] == [1]
    assert multiplexer.cancel("x1") == []
    where, late = multiplexer.up(_message(id=1, result={}))
    assert (where, late.body()["id"]) == ("x1", "a")


def test_what_was_cancelled_long_ago_is_forgotten() -> None:
    multiplexer = Multiplexer()
    for number in range(1100):
        _down(multiplexer, f"x{number}", _request(number))
        multiplexer.cancel(f"x{number}")
    assert multiplexer.up(_message(id=1, result={}))[0] == ELSEWHERE
    assert multiplexer.up(_message(id=1100, result={}))[0] == "x1099"


def test_a_cancel_that_a_client_posts_goes_no_further() -> None:
    cancel = _message(method="notifications/cancelled", params={"requestId": 1})
    assert Multiplexer().down("x1", cancel) is None
    other = _message(method="notifications/x")
    assert Multiplexer().down("x1", other) is other
