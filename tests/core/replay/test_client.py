"""The recorded client against a live server: when it says what, and what of the server's it finds different."""

from typing import Any

import pytest
from tests.core.replay.stage import OPENING, Tape, bodies, call, hear, message, opened, result, told

from interpose.core.replay.client import ClientPlayer
from interpose.core.replay.options import Options
from interpose.core.replay.report import Finding

ASK = {"id": 9, "method": "elicitation/create", "params": {"message": "sure?", "requestedSchema": {}}}
ACCEPTED = {"id": 9, "result": {"action": "accept", "content": {"ok": True}}}


def _opened(tape: Tape, options: Options | None = None) -> tuple[ClientPlayer, list[Any]]:
    """A client that has opened its session, and what it says then."""
    player = tape.client(options or Options())
    [initialize] = bodies(player.begin())
    said = hear(player, {"id": initialize["id"], "result": OPENING[1][1]["result"]})
    assert said.pop(0)["method"] == "notifications/initialized"
    return player, said


def _findings(player: ClientPlayer) -> list[tuple[str, str]]:
    return [(each.what, each.recorded or each.live) for each in player.end("over").findings]


def test_nothing_is_said_before_what_came_before_it() -> None:
    tape = opened(
        ("client", call(1, "a")), ("server", result(1, "x")), ("client", call(2, "b")), ("server", result(2, "y"))
    )
    player, said = _opened(tape)
    assert [body["id"] for body in said] == [1]
    assert player.waiting == "the answer to tools/call (line 6)"
    assert [body["id"] for body in hear(player, result(1, "x"))] == [2]
    assert hear(player, result(2, "y")) == []
    assert player.finished
    assert player.end("over").ok


def test_calls_that_were_made_at_once_are_made_at_once() -> None:
    tape = opened(
        *[("client", call(n, "a", arguments={"n": n})) for n in range(1, 6)],
        *[("server", result(n, "x")) for n in range(1, 6)],
    )
    player, said = _opened(tape)
    assert [body["id"] for body in said] == [1, 2, 3, 4, 5]
    hear(player, *[result(n, "x") for n in (5, 3, 1, 2, 4)])
    assert player.end("over").ok


def test_a_question_is_answered_as_recorded_when_it_comes() -> None:
    tape = opened(("client", call(1, "a")), ("server", ASK), ("client", ACCEPTED), ("server", result(1, "x")))
    player, _ = _opened(tape)
    assert hear(player, ASK | {"id": "q"}) == [{"jsonrpc": "2.0", "id": "q", "result": ACCEPTED["result"]}]
    hear(player, result(1, "x"))
    assert player.end("over").ok


PLAIN = opened(
    ("client", call(1, "a", _meta={"progressToken": 1})),
    ("server", told("progress", progressToken=1, progress=1)),
    ("server", told("message", level="info", data="half")),
    ("server", told("tools/list_changed")),
    ("server", result(1, "x")),
)
PROGRESS = told("progress", progressToken=1, progress=5)
LOG = told("message", level="info", data="whole")
CHANGED = told("tools/list_changed")
DONE = result(1, "x")


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        ([PROGRESS, LOG, CHANGED, DONE], []),
        ([PROGRESS, LOG, CHANGED, result(1, "y")], [("changed", "the answer to tools/call (line 9)")]),
        ([PROGRESS, LOG, CHANGED], [("missing", "the answer to tools/call (line 9)")]),
        ([PROGRESS, LOG, DONE], [("missing", "notifications/tools/list_changed (line 8)")]),
        ([PROGRESS, CHANGED, DONE], [("missing", "notifications/message (line 7)")]),
        ([LOG, CHANGED, DONE], [("missing", "notifications/progress (line 6)")]),
        ([LOG, CHANGED, DONE, PROGRESS], [("order", "notifications/progress (line 6)")]),
        ([PROGRESS, LOG, CHANGED, CHANGED, DONE], [("extra", "notifications/tools/list_changed")]),
        ([PROGRESS, PROGRESS, LOG, CHANGED, DONE], [("extra", "notifications/progress")]),
        ([PROGRESS, LOG, CHANGED, ASK, DONE], [("extra", "elicitation/create")]),
        (
            [PROGRESS, told("message", level="error", data="half"), CHANGED, DONE],
            [("changed", "notifications/message (line 7)")],
        ),
        (
            [PROGRESS, LOG, CHANGED, {"id": 1, "error": {"code": -32603, "message": "no"}}],
            [("changed", "the answer to tools/call (line 9)")],
        ),
        ([PROGRESS, LOG, CHANGED, DONE, DONE], [("extra", "a result")]),
    ],
)
def test_what_the_server_does_otherwise_is_found(heard: list[Any], found: list[tuple[str, str]]) -> None:
    player, _ = _opened(PLAIN)
    hear(player, *heard)
    assert _findings(player) == found


def test_an_extra_question_is_refused_so_that_the_server_can_go_on() -> None:
    player, _ = _opened(PLAIN)
    [said] = hear(player, ASK)
    assert (said["id"], said["error"]["code"]) == (9, -31010)


def test_a_question_that_is_put_otherwise_is_found_and_still_answered() -> None:
    tape = opened(("client", call(1, "a")), ("server", ASK), ("client", ACCEPTED), ("server", result(1, "x")))
    player, _ = _opened(tape)
    [said] = hear(player, {**ASK, "params": {"message": "really?", "requestedSchema": {}}})
    assert said["result"] == ACCEPTED["result"]
    [finding] = player.end("over").findings[:1]
    assert (finding.what, finding.differences[0].path) == ("changed", "$.params.message")


def test_notifications_that_are_free_do_not_count() -> None:
    player, _ = _opened(PLAIN, Options(free=("notifications/*",)))
    hear(player, LOG, LOG, DONE)
    assert player.end("over").ok


def test_what_is_ignored_does_not_count() -> None:
    player, _ = _opened(PLAIN, Options(ignore=("$.result.content[*].text",)))
    hear(player, PROGRESS, LOG, CHANGED, result(1, "otherwise"))
    assert player.end("over").ok


def test_a_call_is_cancelled_when_it_has_said_as_much_as_it_had_then() -> None:
    tape = opened(
        ("client", call(1, "a", _meta={"progressToken": 1})),
        ("server", told("progress", progressToken=1, progress=1)),
        ("client", told("cancelled", requestId=1)),
        ("client", call(2, "b")),
        ("server", result(2, "y")),
    )
    player, said = _opened(tape)
    assert [body["id"] for body in said] == [1]
    assert [body["method"] for body in hear(player, PROGRESS)] == ["notifications/cancelled", "tools/call"]
    hear(player, PROGRESS, {"id": 1, "error": {"code": -32800, "message": "cancelled"}}, result(2, "y"))
    assert player.end("over").ok, "what crosses a cancellation is no difference"


def _task(status: str, ident: str = "t-1", **more: Any) -> dict[str, Any]:
    fields = {"taskId": ident, "status": status, "createdAt": "2026-01-01T00:00:00Z", "ttl": None}
    return fields | {"lastUpdatedAt": "2026-01-01T00:00:00Z"} | more


def _poll(ident: int) -> dict[str, Any]:
    return {"id": ident, "method": "tasks/get", "params": {"taskId": "t-1"}}


POLLED = opened(
    ("client", call(1, "a", task={})),
    ("server", {"id": 1, "result": {"task": _task("working")}}),
    ("client", _poll(2)),
    ("server", {"id": 2, "result": _task("working")}),
    ("client", _poll(3)),
    ("server", {"id": 3, "result": _task("completed")}),
    ("client", {"id": 4, "method": "tasks/result", "params": {"taskId": "t-1"}}),
    ("server", {"id": 4, "result": {"content": [{"type": "text", "text": "made"}]}}),
)


def test_a_task_is_polled_until_it_is_as_far_as_recorded() -> None:
    player, _ = _opened(POLLED)
    [first] = hear(player, {"id": 1, "result": {"task": _task("working", "live-1")}})
    assert first["params"]["taskId"] == "live-1"
    [second] = hear(player, {"id": 2, "result": _task("working", "live-1")})
    for _ in range(3):
        [again] = player.hear(message({"id": second["id"], "result": _task("working", "live-1", pollInterval=50)}))
        assert again.poll == 0.05
        [second] = bodies([again])
    [fetch] = hear(player, {"id": second["id"], "result": _task("completed", "live-1")})
    assert (fetch["method"], fetch["params"]["taskId"]) == ("tasks/result", "live-1")
    hear(player, {"id": 4, "result": {"content": [{"type": "text", "text": "made"}]}})
    report = player.end("over")
    assert report.ok
    assert [(each.recorded, each.live) for each in report.bindings] == [("t-1", "live-1")]


def test_a_task_that_is_sooner_done_than_then_is_no_difference_and_one_that_fails_is() -> None:
    for status, ok in (("completed", True), ("failed", False)):
        player, _ = _opened(POLLED)
        hear(player, {"id": 1, "result": {"task": _task("working")}}, {"id": 2, "result": _task(status)})
        hear(player, {"id": 3, "result": _task(status)})
        hear(player, {"id": 4, "result": {"content": [{"type": "text", "text": "made"}]}})
        assert player.end("over").ok is ok


def test_what_the_server_minted_comes_back_to_it() -> None:
    tape = opened(
        ("client", call(1, "open")),
        ("server", result(1, "basket b-3f9a77c1 is open")),
        ("client", call(2, "put", arguments={"basket": "b-3f9a77c1"})),
        ("server", result(2, "put into b-3f9a77c1")),
    )
    player, _ = _opened(tape, Options(ignore=("tools/call open $.result.content[*].text",)))
    [put] = hear(player, result(1, "basket b-0d21e5aa is open"))
    assert put["params"]["arguments"] == {"basket": "b-0d21e5aa"}
    hear(player, result(2, "put into b-0d21e5aa"))
    assert player.end("over").ok


def test_what_was_waited_for_in_vain_is_named() -> None:
    player, _ = _opened(PLAIN)
    player.give_up("nothing came within 30 s")
    assert player.end("over").findings[0] == Finding(
        "waiting", "nothing came within 30 s", "notifications/tools/list_changed (line 8)"
    )


def test_recorded_gaps_are_told() -> None:
    tape = opened(("client", call(1, "a")), ("server", result(1, "x")), ("client", call(2, "b")))
    player = tape.client()
    player.begin()
    said = player.hear(message(OPENING[1][1]))
    assert [round(each.gap, 6) for each in said] == [0.1, 0.2]
