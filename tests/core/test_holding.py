"""What waits: for approval, for its time, for a task's end. Nothing goes on twice, nothing outlives who asked."""

import msgspec
import pytest
from tests.core.held_play import (
    FORM,
    HEADER,
    HOLD_FORM,
    HOLD_SAMPLING,
    HOLD_TOOL,
    META,
    SAMPLING,
    Json,
    Play,
    call,
)

from interpose.core.effects import Append, Cut, Deliver
from interpose.core.events import Closed, Decision
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.recording.codec import decode_entry
from interpose.core.rehearse import Rehearsal
from interpose.core.wire.message import parse


def test_a_held_request_goes_on_once_it_is_approved_and_as_it_came() -> None:
    play = Play(HOLD_TOOL)
    assert play.hear("client", call()) == []
    [seek] = play.seeks
    assert (seek.until, seek.rules, seek.name, seek.method) == (30.0, ("ask-me",), "drop_table", "tools/call")
    assert parse(seek.message)["params"]["name"] == "drop_table"
    assert play.wakes == [30.0]
    [(end, said)] = play.decide("approve")
    assert (end, said["params"]["name"], said["id"]) == ("server", "drop_table", 1)
    assert [line.kind for line in play.lines] == ["message", "decision"]
    assert (play.lines[1].decision, play.lines[1].approver, play.lines[1].hold) == ("approve", "a person", seek.hold)


def test_a_decision_counts_once() -> None:
    play = Play(HOLD_TOOL)
    play.hear("client", call())
    name = play.held
    assert len(play.decide("approve")) == 1
    for again in ("approve", "decline", "expire"):
        assert play.decide(again, name) == []
    assert play.tick(99) == []


@pytest.mark.parametrize("decision", ["decline", "cancel"])
def test_what_is_not_approved_is_refused_in_a_shape_that_its_sender_takes(decision: Decision) -> None:
    play = Play(HOLD_TOOL)
    play.hear("client", call())
    [(end, said)] = play.decide(decision)
    assert end == "client"
    assert said["result"]["isError"]
    assert "approv" in said["result"]["content"][0]["text"]


def test_time_refuses_and_not_before_it_has_come() -> None:
    play = Play(HOLD_TOOL)
    play.hear("client", call())
    assert play.tick(29.9) == []
    [(end, said)] = play.tick(30.0)
    assert end == "client"
    assert "nobody approved within 30 s" in said["result"]["content"][0]["text"]
    assert play.lines[1].decision == "expire"
    assert play.lines[1].verdict is not None
    assert play.lines[1].verdict["decision"] == "answer"


def test_the_server_hears_a_decline_when_nobody_lets_its_elicitation_pass() -> None:
    play = Play(HOLD_FORM)
    play.hear("client", call("deploy"))
    assert play.hear("server", {"id": 7, **FORM}) == []
    assert play.tick(31) == [("server", {"jsonrpc": "2.0", "id": 7, "result": {"action": "decline"}})]


@pytest.mark.parametrize(("decision", "action"), [("decline", "decline"), ("cancel", "cancel")])
def test_an_approver_declines_or_dismisses_an_elicitation_in_the_users_place(decision: Decision, action: str) -> None:
    play = Play(HOLD_FORM)
    play.hear("client", call("deploy"))
    play.hear("server", {"id": 7, **FORM})
    assert play.decide(decision) == [("server", {"jsonrpc": "2.0", "id": 7, "result": {"action": action}})]


def test_an_input_request_is_held_in_its_result_and_the_client_asked_once_approved() -> None:
    play = Play(HOLD_SAMPLING)
    play.hear("client", call("deploy", _meta=META))
    result = {"resultType": "input_required", "inputRequests": {"a": SAMPLING}, "requestState": "s"}
    assert play.hear("server", {"id": 1, "result": result}) == []
    [(end, said)] = play.decide("approve")
    assert (end, said["result"]) == ("client", result)


def test_an_input_request_that_nobody_lets_pass_ends_thecall() -> None:
    play = Play(HOLD_SAMPLING)
    play.hear("client", call("deploy", _meta=META))
    result = {"resultType": "input_required", "inputRequests": {"a": SAMPLING}, "requestState": "s"}
    play.hear("server", {"id": 1, "result": result})
    [(end, said)] = play.tick(30)
    assert end == "client"
    assert said["result"]["isError"]
    assert said["result"]["resultType"] == "complete"


def test_one_of_two_input_requests_is_answered_for_the_user_and_the_rest_asked() -> None:
    play = Play(HOLD_FORM)
    play.hear("client", call("deploy", _meta=META))
    both = {"a": SAMPLING, "b": FORM}
    play.hear("server", {"id": 1, "result": {"resultType": "input_required", "inputRequests": both}})
    [(end, said)] = play.tick(30)
    assert (end, list(said["result"]["inputRequests"])) == ("client", ["a"])
    answers = {"a": {"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"}}
    [(end, said)] = play.hear("client", call("deploy", 2, _meta=META, inputResponses=answers))
    assert (end, said["params"]["inputResponses"]["b"]) == ("server", {"action": "decline"})


def test_a_held_message_is_let_go_in_the_form_that_the_other_rules_give_it() -> None:
    cap = '[[rule]]\nname = "short"\nask = "sampling"\ndo = "cap"\npath = "$.maxTokens"\nat_most = 300\n'
    play = Play(cap + HOLD_SAMPLING)
    play.hear("client", call("deploy"))
    play.hear("server", {"id": 7, **SAMPLING})
    assert parse(play.seeks[0].message)["params"]["maxTokens"] == 300  # what is approved is what leaves
    [(end, said)] = play.decide("approve")
    assert (end, said["params"]["maxTokens"]) == ("client", 300)


def test_a_deny_is_not_held() -> None:
    play = Play(HOLD_TOOL + '\n[[rule]]\nname = "no"\ntool = "drop_table"\ndo = "block"')
    [(end, _)] = play.hear("client", call())
    assert end == "client"
    assert not play.seeks


def test_the_one_who_asked_may_take_it_back_and_nobody_hears_of_either() -> None:
    play = Play(HOLD_TOOL)
    play.hear("client", call())
    name = play.held
    assert play.hear("client", {"method": "notifications/cancelled", "params": {"requestId": 1}}) == []
    assert play.decide("approve", name) == []
    assert play.tick(31) == []
    assert [line.decision for line in play.lines if line.kind == "decision"] == ["abandon"]


def test_over_http_a_cancelled_exchange_is_answered_so_that_it_ends() -> None:
    play = Play(HOLD_TOOL)
    play.hear("client", call(), "x1")
    cancelled = {"method": "notifications/cancelled", "params": {"requestId": 1}}
    [(end, said)] = play.hear("client", cancelled, "x2")
    assert (end, said["id"], said["error"]["code"]) == ("client", 1, -32800)


def test_a_cancellation_of_another_request_passes() -> None:
    play = Play(HOLD_TOOL)
    play.hear("client", call("harmless", 5))
    play.hear("client", call())
    said = play.hear("client", {"method": "notifications/cancelled", "params": {"requestId": 5}})
    assert [end for end, _ in said] == ["server"]


def test_what_is_held_does_not_outlive_who_asked() -> None:
    play = Play(HOLD_TOOL)
    play.hear("client", call(), "x1")
    name = play.held
    play.feed(Closed(1.0, "client", "x1", "disconnect"))
    assert play.decide("approve", name) == []
    assert [line.kind for line in play.lines] == ["message", "decision", "closed"]


def test_the_end_of_the_session_abandons_what_is_held_and_says_who_was_waited_for() -> None:
    play = Play(HOLD_TOOL)
    play.hear("client", call())
    [wait] = [wait for wait in play.core.session.waits(2.0) if wait.who == "APPROVER"]
    assert (wait.deadline, wait.what) == (30.0, "tools/call drop_table")
    entries = [decode_entry(b"".join(each.pieces)) for each in play.core.close(2.0, "end") if isinstance(each, Append)]
    assert [entry.kind for entry in entries] == ["decision", "end"]
    assert any(each["who"] == "APPROVER" for each in entries[1].waiting)


def test_names_are_bound_to_what_is_held() -> None:
    play = Play(HOLD_TOOL)
    names = set()
    for ident in (1, 2, 3):
        play.hear("client", call("drop_table", ident))
        names.add(play.held)
    assert len(names) == 3


def test_a_policy_that_takes_over_judges_anew_what_is_held() -> None:
    play = Play(HOLD_TOOL)
    play.hear("client", call())
    name = play.held
    free = read_policy('[[rule]]\nname = "watch"\nall = true\ndo = "note"', "q.toml")
    said = [effect for effect in play.core.govern(3.0, [free]) if isinstance(effect, Deliver)]
    assert [effect.end for effect in said] == ["server"]
    assert play.decide("decline", name) == []


def test_too_much_held_is_refused_at_once_and_the_memory_stays_bounded() -> None:
    play = Play(HOLD_TOOL)
    for ident in range(1000):
        assert play.hear("client", call("drop_table", ident)) == []
    [(end, said)] = play.hear("client", call("drop_table", 1000))
    assert (end, said["id"]) == ("client", 1000)
    assert len(play.tick(31)) == 1000


def test_a_question_that_a_task_goes_on_showing_is_approved_once() -> None:
    play = Play(HOLD_FORM)
    extension = {"io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}}
    play.hear("client", call("deploy", _meta=META | extension))
    times = {"createdAt": "2026-01-05T10:00:00Z", "lastUpdatedAt": "2026-01-05T10:00:00Z", "ttlMs": 60000}
    task = {"resultType": "task", "taskId": "t-1", "status": "working", **times}
    play.hear("server", {"id": 1, "result": task})
    shown = {"resultType": "complete", "taskId": "t-1", "status": "input_required", "inputRequests": {"b": FORM}}
    polled = {"method": "tasks/get", "params": {"taskId": "t-1", "_meta": META}}
    play.hear("client", {"id": 2, **polled})
    assert play.hear("server", {"id": 2, "result": shown | times}) == []
    assert len(play.decide("approve")) == 1
    play.hear("client", {"id": 3, **polled})
    assert [end for end, _ in play.hear("server", {"id": 3, "result": shown | times})] == ["client"]


@pytest.mark.parametrize("decision", ["approve", "decline", "expire"])
def test_a_rehearsal_lets_go_what_was_held_as_it_was_when_it_was_recorded(decision: Decision) -> None:
    play = Play(HOLD_TOOL)
    for ident in (1, 2):
        play.hear("client", call("drop_table", ident))
        play.at += 1
        play.decide(decision)
    policy = read_policy(HOLD_TOOL, "p.toml")
    header = msgspec.structs.replace(HEADER, policies=[{"name": policy.name, "digest": policy.digest}])
    rehearsal = Rehearsal(header, Engine([policy], "srv", b"key"), [policy])
    found = [finding for line in play.lines if (finding := rehearsal.hear(line)) is not None]
    assert [(each.decision, each.happened) for each in found] == [("hold", "held")] * 2


def test_a_rehearsal_of_what_was_never_held_takes_it_for_approved() -> None:
    play = Play('[[rule]]\nname = "n"\ntool = "x"\ndo = "note"')
    for ident in range(1100):  # more than can be held at once
        play.hear("client", call("drop_table", ident))
        play.hear("server", {"id": ident, "result": {"content": []}})
    policy = read_policy(HOLD_TOOL.replace("do =", 'kind = "request"\ndo ='), "p.toml")
    rehearsal = Rehearsal(HEADER, Engine([policy], "srv", b"key"), [policy])
    found = [finding for line in play.lines if (finding := rehearsal.hear(line)) is not None]
    assert [each.happened for each in found] == ["held"] * 1100
    assert rehearsal.moot == 0


# --- faults that take time --------------------------------------------------------------------------------------------


def test_a_delayed_message_goes_on_when_its_time_has_come_and_others_pass_it() -> None:
    play = Play('[[rule]]\nname = "late"\ntool = "slow"\nkind = "result"\ndo = "fault"\nfault = "delay"\nseconds = 2.5')
    play.hear("client", call("slow"))
    play.hear("client", call("fast", 2))
    assert play.hear("server", {"id": 1, "result": {"content": []}}) == []
    assert play.wakes == [2.5]
    assert not play.seeks
    assert len(play.hear("server", {"id": 2, "result": {"content": []}})) == 1
    assert play.tick(2.4) == []
    assert play.tick(2.5) == [("client", {"jsonrpc": "2.0", "id": 1, "result": {"content": []}})]
    assert play.lines[-1].decision == "release"


def test_what_is_approved_may_still_be_delayed() -> None:
    late = '\n[[rule]]\nname = "late"\ntool = "drop_*"\nkind = "request"\ndo = "fault"\nfault = "delay"\nseconds = 5'
    play = Play(HOLD_TOOL.replace("do =", 'kind = "request"\ndo =') + late)
    play.hear("client", call())
    play.at = 10.0
    assert play.decide("approve") == []
    assert play.wakes == [15.0]
    [(end, _)] = play.tick(15.0)
    assert end == "server"


def test_a_slow_message_says_how_long_its_bytes_take() -> None:
    play = Play('[[rule]]\nname = "slow"\ntool = "a"\nkind = "request"\ndo = "fault"\nfault = "slow"\nseconds = 2')
    play.hear("client", call("a"))
    [deliver] = [effect for effect in play.effects if isinstance(effect, Deliver)]
    assert deliver.frame.over == 2.0
    assert play.lines[0].verdict is not None
    assert play.lines[0].verdict["rules"][0]["why"] == "over 2 s"


@pytest.mark.parametrize(("fault", "kind"), [("disconnect", Cut), ("drop", type(None))])
def test_a_message_is_lost_whatever_it_asks(fault: str, kind: type) -> None:
    play = Play(f'[[rule]]\nname = "gone"\nask = "sampling"\ndo = "fault"\nfault = "{fault}"')
    play.hear("client", call("deploy"))
    assert play.hear("server", {"id": 7, **SAMPLING}) == []
    cuts = [effect for effect in play.effects if isinstance(effect, Cut)]
    assert [type(cut) for cut in cuts] == ([kind] if kind is Cut else [])


def test_an_error_on_purpose_is_an_internal_error() -> None:
    play = Play('[[rule]]\nname = "bad"\ntool = "a"\nkind = "request"\ndo = "fault"\nfault = "error"')
    [(end, said)] = play.hear("client", call("a"))
    assert (end, said["error"]["code"], said["error"]["message"]) == ("client", -32603, "Internal error")


# --- how long tasks live ----------------------------------------------------------------------------------------------

CAP = '[[rule]]\nname = "ten-seconds"\nmethod = ["tools/call", "tasks/*", "notifications/tasks*"]\ndo = "cap"\n'
CAP += 'path = "$.task.ttl"\nat_most = 10000'


def _task(ident: str = "t-1", status: str = "working") -> Json:
    times = {"createdAt": "2026-01-05T10:00:00Z", "lastUpdatedAt": "2026-01-05T10:00:00Z"}
    return {"taskId": ident, "status": status, "ttl": 3_600_000, **times}


def _started(policy: str = CAP) -> Play:
    play = Play(policy)
    play.hear("client", call("crawl", 1, task={}))
    [(_, said)] = play.hear("server", {"id": 1, "result": {"task": _task()}})
    assert said["result"]["task"]["ttl"] == 10000
    assert play.wakes == [10.0]
    return play


def test_a_task_that_outlives_what_a_rule_lets_it_is_cancelled_and_over() -> None:
    play = _started()
    assert play.tick(9.9) == []
    [(end, said)] = play.tick(10.0)
    assert (end, said["method"], said["params"]["taskId"]) == ("server", "tasks/cancel", "t-1")
    assert play.hear("server", {"id": said["id"], "result": _task(status="cancelled")}) == []
    [(end, said)] = play.hear("client", {"id": 2, "method": "tasks/get", "params": {"taskId": "t-1"}})
    assert (end, said["error"]["code"]) == ("client", -32602)
    assert play.tick(11.0) == []


def test_a_task_that_ended_is_not_cancelled_but_its_outcome_is_gone_in_time() -> None:
    play = _started()
    play.hear("server", {"method": "notifications/tasks/status", "params": _task(status="completed")})
    assert play.tick(10.0) == []
    [(end, said)] = play.hear("client", {"id": 2, "method": "tasks/result", "params": {"taskId": "t-1"}})
    assert (end, said["error"]["code"]) == ("client", -32602)


def test_an_outcome_that_comes_too_late_and_a_list_say_that_the_task_is_gone() -> None:
    play = _started()
    play.hear("client", {"id": 2, "method": "tasks/result", "params": {"taskId": "t-1"}})
    play.hear("client", {"id": 3, "method": "tasks/list", "params": {}})
    play.tick(10.0)
    [(_, said)] = play.hear("server", {"id": 2, "result": {"content": [{"type": "text", "text": "late"}]}})
    assert said["error"]["code"] == -32602
    [(_, said)] = play.hear("server", {"id": 3, "result": {"tasks": [_task(), _task("t-2")]}})
    assert [task["taskId"] for task in said["result"]["tasks"]] == ["t-2"]
    assert play.hear("server", {"method": "notifications/tasks/status", "params": _task()}) == []


def test_polls_do_not_give_a_task_more_time() -> None:
    play = _started()
    play.at = 8.0
    play.hear("client", {"id": 2, "method": "tasks/get", "params": {"taskId": "t-1"}})
    play.hear("server", {"id": 2, "result": _task()})
    assert play.tick(10.0)[0][1]["method"] == "tasks/cancel"


def test_a_list_without_expired_tasks_still_hides_secrets() -> None:
    play = _started(CAP + '\n[[rule]]\nname = "s"\nall = true\ndo = "redact"\nkeys = ["statusMessage"]')
    play.hear("client", {"id": 3, "method": "tasks/list", "params": {}})
    play.tick(10.0)
    listed = {"tasks": [_task(), _task("t-2") | {"statusMessage": "hunter2"}]}
    [(_, said)] = play.hear("server", {"id": 3, "result": listed})
    assert [task["taskId"] for task in said["result"]["tasks"]] == ["t-2"]
    assert "hunter2" not in str(said)
    assert b"hunter2" not in bytes(play.lines[-1].message)


# --- a question that a task shows again -------------------------------------------------------------------------------


@pytest.mark.parametrize("others", [{}, {"c": FORM}])
def test_a_question_that_was_refused_is_not_shown_by_a_later_poll(others: Json) -> None:
    play = Play('[[rule]]\nname = "no-model"\nask = "elicitation"\nnth_of_session = 1\ndo = "block"')
    play.hear("client", call("deploy", _meta=META))
    times = {"createdAt": "2026-01-05T10:00:00Z", "lastUpdatedAt": "2026-01-05T10:00:00Z", "ttlMs": 60000}
    play.hear("server", {"id": 1, "result": {"resultType": "task", "taskId": "t-1", "status": "working", **times}})
    polled = {"method": "tasks/get", "params": {"taskId": "t-1", "_meta": META}}
    shown = {"resultType": "complete", "taskId": "t-1", "status": "input_required", **times}
    play.hear("client", {"id": 2, **polled})
    play.hear("server", {"id": 2, "result": shown | {"inputRequests": {"b": FORM}}})
    play.hear("client", {"id": 3, **polled})
    said = play.hear("server", {"id": 3, "result": shown | {"inputRequests": {"b": FORM, **others}}})
    [told] = [message["result"] for end, message in said if end == "client"]
    assert (told["status"], "inputRequests" in told) == ("working", False)
