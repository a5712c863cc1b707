"""The recorded server for a live client: what it says when, and what it makes of what was never recorded."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.replay.stage import OPENING, Tape, bodies, call, hear, message, open_up, opened, result, told

from interpose.core.replay.options import Options

UNRECORDED, BRANCHED = -31010, -31011
FIFTY = [("client", call(n, "echo", arguments={"n": n})) for n in range(1, 51)]
ANSWERS = [("server", result(n, f"it is {n}")) for n in range(1, 51)]


def _texts(said: list[Any]) -> dict[Any, str]:
    return {body["id"]: body["result"]["content"][0]["text"] for body in said if "result" in body}


@given(st.permutations(range(50)))
def test_fifty_calls_at_once_in_any_order_get_their_own_answers(order: list[int]) -> None:
    player = opened(*FIFTY, *ANSWERS).server()
    open_up(player)
    said = [body for n in order for body in hear(player, call(1000 + n, "echo", arguments={"n": n + 1}))]
    assert _texts(said) == {1000 + n: f"it is {n + 1}" for n in range(50)}
    assert player.end("over").ok


def test_the_same_call_twice_gets_what_it_got_then_in_the_same_order() -> None:
    tape = opened(*[x for n in (1, 2) for x in (("client", call(n, "a")), ("server", result(n, f"time {n}")))])
    player = tape.server()
    open_up(player)
    assert list(_texts(hear(player, call(8, "a"), call(9, "a"))).values()) == ["time 1", "time 2"]


def test_an_answer_carries_the_live_id_with_its_type_and_nothing_else_of_it_changes() -> None:
    player = opened(("client", call(1, "a")), ("server", result(1, "x"))).server()
    open_up(player)
    [said] = player.hear(message(call("1", "a")))
    assert said.message == b'{"jsonrpc":"2.0","id":"1","result":{"content":[{"type":"text","text":"x"}]}}'


ASKING = opened(
    ("client", call(1, "a")),
    ("server", {"id": 9, "method": "elicitation/create", "params": {"message": "sure?", "requestedSchema": {}}}),
    ("client", {"id": 9, "result": {"action": "accept", "content": {"ok": True}}}),
    ("server", result(1, "done")),
)


def test_a_call_waits_for_the_answer_to_what_is_asked_inside_it() -> None:
    player = ASKING.server()
    open_up(player)
    [asked] = hear(player, call(5, "a"))
    assert asked["method"] == "elicitation/create"
    assert player.waiting == "an answer to elicitation/create (line 6)"
    [said] = hear(player, {"id": asked["id"], "result": {"action": "accept", "content": {"ok": True}}})
    assert (said["id"], player.end("over").ok) == (5, True)


def test_another_answer_than_the_recorded_one_is_a_branch_that_ends_the_call() -> None:
    player = ASKING.server()
    open_up(player)
    [asked] = hear(player, call(5, "a"))
    [said] = hear(player, {"id": asked["id"], "result": {"action": "decline"}})
    assert said["error"]["code"] == BRANCHED
    assert said["error"]["data"]["interpose"] == {"recorded": "`accept` with {'ok': True}", "live": "`decline`"}
    report = player.end("over")
    assert [finding.what for finding in report.findings] == ["branch"]
    assert not report.ok


def test_a_lenient_server_goes_on_from_another_answer() -> None:
    player = ASKING.server(Options(lenient=True))
    open_up(player)
    [asked] = hear(player, call(5, "a"))
    [said] = hear(player, {"id": asked["id"], "result": {"action": "decline"}})
    assert "result" in said
    assert [finding.what for finding in player.end("over").findings] == ["branch"]


def test_a_request_that_was_never_recorded_is_refused_with_the_closest() -> None:
    player = opened(("client", call(1, "a", arguments={"n": 1})), ("server", result(1, "x"))).server()
    open_up(player)
    [said] = hear(player, call(5, "a", arguments={"n": 2}))
    assert said["error"]["code"] == UNRECORDED
    assert "tools/call (line 5)" in said["error"]["message"]
    assert "$.params.arguments.n: recorded 1, live 2" in said["error"]["message"]
    [none] = hear(player, {"id": 6, "method": "no/such"})
    assert none["error"] == {
        "code": UNRECORDED,
        "message": "replay: no `no/such` was recorded",
        "data": {"interpose": {"differences": []}},
    }
    report = player.end("over")
    assert [(each.what, each.live) for each in report.findings] == [
        ("unrecorded", "tools/call"),
        ("unrecorded", "no/such"),
    ]
    assert report.unasked == ("tools/call (line 5)",)


def test_lists_are_given_again_when_used_up_and_calls_are_not() -> None:
    listed = {"id": 1, "method": "tools/list"}
    tape = opened(
        ("client", listed),
        ("server", {"id": 1, "result": {"tools": []}}),
        ("client", call(2, "a")),
        ("server", result(2, "x")),
    )
    player = tape.server()
    open_up(player)
    said = hear(player, *[{"id": n, "method": "tools/list"} for n in (4, 5, 6)], call(7, "a"), call(8, "a"))
    assert [body["id"] for body in said if "result" in body] == [4, 5, 6, 7]
    assert "asked more often than recorded" in said[-1]["error"]["message"]
    free = tape.server(Options(match="request"))
    open_up(free)
    assert list(_texts(hear(free, call(7, "a"), call(8, "a"))).values()) == ["x", "x"]


def test_a_strict_server_wants_the_recorded_order() -> None:
    tape = opened(
        ("client", call(1, "a")), ("server", result(1, "x")), ("client", call(2, "b")), ("server", result(2, "y"))
    )
    player = tape.server(Options(match="strict"))
    open_up(player)
    [early] = hear(player, call(5, "b"))
    assert early["error"]["code"] == UNRECORDED
    assert list(_texts(hear(player, call(6, "a"), call(7, "b"))).values()) == ["x", "y"]
    [again] = hear(player, {"id": 9, "method": "tools/list"})
    assert again["error"]["code"] == UNRECORDED


def test_a_strict_server_says_all_in_the_recorded_order() -> None:
    tape = opened(
        ("client", call(1, "a")), ("client", call(2, "b")), ("server", result(2, "y")), ("server", result(1, "x"))
    )
    player = tape.server(Options(match="strict"))
    open_up(player)
    assert [body["id"] for body in hear(player, call(5, "a"), call(6, "b"))] == [6, 5]


def test_progress_has_the_live_token_and_is_left_out_where_there_is_none() -> None:
    tape = opened(
        ("client", call(1, "a", _meta={"progressToken": 1})),
        ("server", told("progress", progressToken=1, progress=1)),
        ("server", result(1, "x")),
    )
    player = tape.server()
    open_up(player)
    progress, _ = hear(player, call(5, "a", _meta={"progressToken": "p-5"}))
    assert progress["params"] == {"progressToken": "p-5", "progress": 1}
    player = tape.server()
    open_up(player)
    assert [body["id"] for body in hear(player, call(5, "a"))] == [5]


def test_a_cancelled_call_stays_unanswered() -> None:
    cancelled = told("cancelled", requestId=1, reason="enough")
    player = opened(
        ("client", call(1, "a")), ("client", cancelled), ("client", call(2, "b")), ("server", result(2, "y"))
    ).server()
    open_up(player)
    said = hear(player, call(5, "a"), told("cancelled", requestId=5, reason="late"), call(6, "b"))
    assert [body["id"] for body in said] == [6]
    assert player.end("over").ok


def test_a_call_that_a_client_cancels_though_it_did_not_then_gets_no_answer_any_more() -> None:
    player = ASKING.server()
    open_up(player)
    [asked] = hear(player, call(5, "a"))
    assert hear(player, told("cancelled", requestId=5)) == []
    assert hear(player, {"id": asked["id"], "result": {"action": "accept", "content": {"ok": True}}}) == []
    assert player.end("over").ok


def _task(status: str) -> dict[str, Any]:
    fields = {"taskId": "t-1", "status": status, "createdAt": "2026-01-01T00:00:00Z", "ttl": None}
    return fields | {"lastUpdatedAt": "2026-01-01T00:00:00Z"}


def _poll(ident: int) -> dict[str, Any]:
    return {"id": ident, "method": "tasks/get", "params": {"taskId": "t-1"}}


POLLED = opened(
    ("client", call(1, "a", task={})),
    ("server", {"id": 1, "result": {"task": _task("working")}}),
    ("client", _poll(2)),
    ("server", {"id": 2, "result": _task("working")}),
    ("client", _poll(3)),
    ("server", {"id": 3, "result": _task("input_required")}),
    ("client", {"id": 4, "method": "tasks/cancel", "params": {"taskId": "t-1"}}),
    ("server", {"id": 4, "result": _task("cancelled")}),
    ("client", _poll(5)),
    ("server", {"id": 5, "result": _task("cancelled")}),
)


def test_polls_show_the_newest_state_that_is_due_however_many_there_are() -> None:
    player = POLLED.server()
    open_up(player)
    hear(player, call(1, "a", task={}))
    states = [body["result"]["status"] for body in hear(player, *map(_poll, range(10, 15)))]
    assert states == ["working", "input_required", "input_required", "input_required", "input_required"]
    hear(player, {"id": 4, "method": "tasks/cancel", "params": {"taskId": "t-1"}})
    assert [body["result"]["status"] for body in hear(player, _poll(20), _poll(21))] == ["cancelled", "cancelled"]
    assert player.end("over").ok


def test_no_poll_at_all_is_fine_too() -> None:
    player = POLLED.server()
    open_up(player)
    hear(player, call(1, "a", task={}), {"id": 4, "method": "tasks/cancel", "params": {"taskId": "t-1"}})
    report = player.end("over")
    assert (report.ok, report.unasked) == (True, ())


def test_the_task_of_a_live_client_is_polled_until_it_is_as_far_as_recorded() -> None:
    ask = {"id": 9, "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1, "task": {}}}
    tape = opened(
        ("client", call(1, "a")),
        ("server", ask),
        ("client", {"id": 9, "result": {"task": _task("working")}}),
        ("server", _poll(10)),
        ("client", {"id": 10, "result": _task("completed")}),
        ("server", result(1, "x")),
    )
    player = tape.server()
    open_up(player)
    [asked] = hear(player, call(5, "a"))
    live = _task("working") | {"taskId": "live-task", "pollInterval": 700}
    [poll] = hear(player, {"id": asked["id"], "result": {"task": live}})
    assert poll["params"]["taskId"] == "live-task"
    [again] = player.hear(message({"id": poll["id"], "result": live}))
    assert again.poll == 0.7
    [poll] = bodies([again])
    [said] = hear(player, {"id": poll["id"], "result": live | {"status": "completed"}})
    assert said["id"] == 5
    [bound] = [each for each in player.end("over").bindings if each.kind == "task"]
    assert (bound.recorded, bound.live) == ("t-1", "live-task")


def test_a_batch_is_answered_by_its_members() -> None:
    player = opened(*FIFTY[:2], *ANSWERS[:2]).server()
    open_up(player)
    batch = [{"jsonrpc": "2.0", **call(n, "echo", arguments={"n": n})} for n in (2, 1)]
    assert {body["id"] for body in hear(player, batch)} == {1, 2}


def test_a_recorded_batch_may_be_asked_one_by_one() -> None:
    batch = [{"jsonrpc": "2.0", **FIFTY[n][1]} for n in (0, 1)]
    answers = [{"jsonrpc": "2.0", **ANSWERS[n][1]} for n in (0, 1)]
    opening = [(end, {**body, **_older(body)}) for end, body in OPENING]
    player = Tape(*opening, ("client", batch), ("server", answers)).server()
    hear(player, opening[0][1], opening[2][1])
    assert _texts(hear(player, FIFTY[1][1])) == {2: "it is 2"}
    assert _texts(hear(player, FIFTY[0][1])) == {1: "it is 1"}


def _older(body: dict[str, Any]) -> dict[str, Any]:
    return {name: {**body[name], "protocolVersion": "2025-03-26"} for name in ("params", "result") if name in body}


def test_a_ping_is_answered_though_none_was_recorded() -> None:
    player = opened().server()
    open_up(player)
    assert hear(player, {"id": "p", "method": "ping"}) == [{"jsonrpc": "2.0", "id": "p", "result": {}}]
    assert player.end("over").ok


def test_a_client_that_opens_otherwise_is_let_in_and_reported() -> None:
    player = opened(("client", call(1, "a")), ("server", result(1, "x"))).server()
    other = dict(OPENING[0][1], params={**OPENING[0][1]["params"], "capabilities": {}})
    [said] = hear(player, other)
    assert "result" in said
    [finding] = player.end("over").findings
    assert (finding.what, finding.differences[0].path) == ("changed", "$.params.capabilities.sampling")


@pytest.mark.parametrize("seed", range(200))
def test_two_hundred_times_the_same_bytes(seed: int) -> None:
    """Whatever the order of what is independent, what is said to each message is the same."""
    first = opened(*FIFTY, *ANSWERS).server()
    open_up(first)
    order = list(range(50))
    random.Random(seed).shuffle(order)
    heard = [message(FIFTY[n][1]) for n in order]
    alone = {each.id: [said.message for said in first.hear(each)] for each in heard}
    whole = opened(*FIFTY, *ANSWERS).server()
    open_up(whole)
    assert {
        each.id: [said.message for said in whole.hear(each)] for each in map(message, (b for _, b in FIFTY))
    } == alone


def test_an_unreadable_message_is_a_finding() -> None:
    player = opened().server()
    open_up(player)
    assert hear(player, 7) == []
    assert [each.what for each in player.end("over").findings] == ["extra"]
