"""What an approver may make of a held message: it goes on changed and judged again, or is answered for the user."""

from typing import Any

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

from interpose.core.effects import Deliver, Release, Seek
from interpose.core.events import Closed, Decided, Decision
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.rehearse import Rehearsal
from interpose.core.wire.message import parse

FIELDS = {"env": {"type": "string", "enum": ["test", "live"]}, "many": {"type": "integer"}}
ENVIRONMENT: Json = {
    "method": "elicitation/create",
    "params": {
        "message": "Where to?",
        "requestedSchema": {"type": "object", "properties": FIELDS, "required": ["env"]},
    },
}
SAMPLED = {"role": "assistant", "content": {"type": "text", "text": "done"}, "model": "m"}
HOLD_ROOTS = HOLD_SAMPLING.replace("sampling", "roots")
LIVE = 'given = { path = "$.arguments.env", equals = "live" }\nkind = "request"\n'
NO_LIVE = '\n[[rule]]\nname = "no-live"\ntool = "drop_*"\n' + LIVE + 'do = "block"'
MASK = '\n[[rule]]\nname = "mask"\nall = true\ndo = "redact"\nfind = ["email"]'


def edit_of(seek: Seek, **members: Any) -> Json:
    """What was shown, with other members in its params."""
    shown: Json = parse(seek.message)
    return {**shown, "params": {**shown["params"], **members}}


def held_call(policy: str = HOLD_TOOL) -> tuple[Play, Seek]:
    play = Play(policy)
    play.hear("client", call())
    return play, play.seeks[0]


def held_ask(policy: str, ask: Json) -> tuple[Play, Seek]:
    """A question of a server that makes requests."""
    play = Play(policy)
    play.hear("client", call("deploy"))
    play.hear("server", {"id": 7, **ask})
    return play, play.seeks[0]


def held_round(policy: str, **asks: Json) -> tuple[Play, Seek]:
    """Questions in a result."""
    play = Play(policy)
    play.hear("client", call("deploy", _meta=META))
    result = {"resultType": "input_required", "inputRequests": asks, "requestState": "s"}
    play.hear("server", {"id": 1, "result": result})
    return play, play.seeks[0]


# --- what is sought ---------------------------------------------------------------------------------------------------


def test_who_is_asked_learns_whose_it_is_what_can_be_decided_and_what_happens_else() -> None:
    _, seek = held_call()
    assert (seek.session, seek.server, seek.at, seek.until) == (HEADER.session, HEADER.server["name"], 0.0, 30.0)
    assert seek.may == ("approve", "decline", "edit")
    assert seek.outcome == "it is refused"


@pytest.mark.parametrize(
    ("policy", "ask", "may", "outcome"),
    [
        (
            HOLD_FORM,
            FORM,
            ("approve", "decline", "edit", "cancel", "answer"),
            "it is declined in the user's place",
        ),
        (HOLD_SAMPLING, SAMPLING, ("approve", "decline", "edit", "answer"), "it is refused"),
        (HOLD_ROOTS, {"method": "roots/list"}, ("approve", "decline", "edit", "answer"), "it is refused"),
    ],
)
def test_a_question_can_be_answered_by_the_approver(policy: str, ask: Json, may: Any, outcome: str) -> None:
    assert (held_ask(policy, ask)[1].may, held_ask(policy, ask)[1].outcome) == (may, outcome)
    assert (held_round(policy, a=ask)[1].may, held_round(policy, a=ask)[1].outcome) == (may, outcome)


def test_one_of_several_questions_in_a_result_is_not_answered_while_others_go_to_the_client() -> None:
    _, seek = held_round(HOLD_FORM, a=FORM, b=SAMPLING)
    assert "answer" not in seek.may


def test_the_recording_says_what_happens_else() -> None:
    play, _ = held_call()
    assert play.lines[0].verdict is not None
    assert play.lines[0].verdict["then"] == "it is refused"


def test_names_are_bound_to_server_session_message_and_policies() -> None:
    def name(header: Any = HEADER, policy: str = HOLD_TOOL, tool: str = "drop_table") -> str:
        play = Play(policy)
        play.core = Interposer(Engine([read_policy(policy, "p.toml")], "srv", b"key"))
        play.core.open(header)
        play.hear("client", call(tool))
        return play.held

    assert name() == name()
    other = msgspec.structs.replace(HEADER, server={"name": "other"})
    others = [
        name(msgspec.structs.replace(HEADER, session="ffff")),
        name(other),
        name(tool="drop_all"),
        name(policy=HOLD_TOOL + MASK),
    ]
    assert len({name(), *others}) == 5


# --- edit -------------------------------------------------------------------------------------------------------------


def test_an_edited_call_goes_on_as_it_was_edited() -> None:
    play, seek = held_call()
    [(end, said)] = play.decide("edit", instead=edit_of(seek, arguments={"env": "test"}))
    assert (end, said["id"], said["params"]["arguments"]) == ("server", 1, {"env": "test"})
    line = play.lines[-1]
    assert (line.decision, line.approver) == ("edit", "a person")
    assert parse(bytes(line.instead)) == parse(bytes(line.delivered)) == said
    assert line.verdict is not None
    assert line.verdict["rules"][0]["why"] == "approved, changed"


def test_what_is_edited_is_judged_again_and_a_rule_that_denies_it_has_its_way() -> None:
    play, seek = held_call(HOLD_TOOL + NO_LIVE)
    [(end, said)] = play.decide("edit", instead=edit_of(seek, arguments={"env": "live"}))
    assert (end, said["id"], said["result"]["isError"]) == ("client", 1, True)
    assert [line.decision for line in play.lines if line.kind == "decision"] == ["edit"]


def test_what_an_approver_writes_is_masked_like_anybody_elses_words() -> None:
    play, seek = held_call(HOLD_TOOL + MASK)
    [(_, said)] = play.decide("edit", instead=edit_of(seek, arguments={"to": "anna@example.org"}))
    assert "anna" not in str(said)
    assert "anna" not in str([(bytes(line.instead), bytes(line.delivered)) for line in play.lines])


def test_the_rule_that_held_it_holds_it_no_second_time_but_another_may() -> None:
    second = '\n[[rule]]\nname = "second"\ntool = "drop_*"\n' + LIVE
    play, seek = held_call(HOLD_TOOL + second + 'do = "hold"\ntimeout = 40')
    assert play.decide("edit", instead=edit_of(seek, arguments={"env": "live"})) == []
    [again] = play.seeks
    assert (again.rules, again.hold != seek.hold) == (("second",), True)
    assert parse(again.message)["params"]["arguments"] == {"env": "live"}
    [(end, said)] = play.decide("approve", again.hold)
    assert (end, said["params"]["arguments"]) == ("server", {"env": "live"})


def test_an_edited_question_of_a_result_is_asked_as_it_was_edited() -> None:
    play, seek = held_round(HOLD_SAMPLING, a=SAMPLING)
    shown = parse(seek.message)
    shown["result"]["inputRequests"]["a"]["params"]["maxTokens"] = 5
    [(end, said)] = play.decide("edit", instead=shown)
    assert (end, said["result"]["inputRequests"]["a"]["params"]["maxTokens"]) == ("client", 5)


def test_an_edited_question_is_judged_by_what_it_says_now() -> None:
    when = '\n[[rule]]\nname = "no-code"\nask = "sampling"\ndo = "block"\n'
    when += 'given = { path = "$.systemPrompt", matches = "code" }'
    for ask in (lambda: held_ask(HOLD_SAMPLING + when, SAMPLING), lambda: held_round(HOLD_SAMPLING + when, a=SAMPLING)):
        play, seek = ask()
        shown = parse(seek.message)
        params = shown["params"] if "params" in shown else shown["result"]["inputRequests"]["a"]["params"]
        params["systemPrompt"] = "say the code"
        for _, said in play.decide("edit", instead=shown):
            assert "systemPrompt" not in str(said)


@pytest.mark.parametrize(
    "members",
    [{"id": 2}, {"method": "tools/list"}, {"params": None}, {"params": {"name": "other", "arguments": {}}}],
)
def test_what_is_another_message_is_no_edit_and_the_message_still_waits(members: Json) -> None:
    play, seek = held_call()
    instead = {**parse(seek.message), **members}
    event = Decided(1.0, seek.hold, "edit", "a person", msgspec.json.encode(instead))
    assert play.core.doubt(event)
    assert play.feed(event) == []
    assert [end for end, _ in play.decide("approve", seek.hold)] == ["server"]


@pytest.mark.parametrize(
    "instead",
    [
        None,
        b"",
        b"garbage",
        b"[]",
        b'{"jsonrpc":"2.0","id":1,"id":1,"method":"tools/call","params":{"name":"drop_table","arguments":{}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop_table","Name":"x","arguments":{}}}',
    ],
)
def test_what_cannot_be_read_in_one_way_is_no_edit(instead: bytes | None) -> None:
    play, seek = held_call()
    event = Decided(1.0, seek.hold, "edit", "a person", instead)
    assert play.core.doubt(event)
    assert play.feed(event) == []


def test_an_edit_on_many_lines_is_delivered_on_one() -> None:
    play, seek = held_call()
    pretty = msgspec.json.format(msgspec.json.encode(edit_of(seek, arguments={"a": 1.50})), indent=2)
    play.feed(Decided(1.0, seek.hold, "edit", "a person", pretty))
    [deliver] = [effect for effect in play.effects if isinstance(effect, Deliver)]
    assert b"\n" not in deliver.frame.raw.rstrip(b"\n")


def test_a_question_that_a_task_goes_on_showing_is_not_edited() -> None:
    play = Play(HOLD_FORM)
    play.hear("client", call("deploy", _meta=META))
    times = {"createdAt": "2026-01-05T10:00:00Z", "lastUpdatedAt": "2026-01-05T10:00:00Z", "ttlMs": 60000}
    task = {"resultType": "task", "taskId": "t-1", "status": "working", **times}
    play.hear("server", {"id": 1, "result": task})
    shown = {"resultType": "complete", "taskId": "t-1", "status": "input_required", "inputRequests": {"b": FORM}}
    play.hear("client", {"id": 2, "method": "tasks/get", "params": {"taskId": "t-1", "_meta": META}})
    play.hear("server", {"id": 2, "result": shown | times})
    assert play.seeks[0].may == ("approve", "decline", "cancel", "answer")
    said = play.decide("answer", instead={"action": "accept", "content": {}})
    assert [(end, message.get("method")) for end, message in said] == [("client", None), ("server", "tasks/update")]
    assert said[1][1]["params"]["inputResponses"] == {"b": {"action": "accept", "content": {}}}


# --- answer -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "ask", "result"),
    [
        (HOLD_FORM, ENVIRONMENT, {"action": "accept", "content": {"env": "test", "many": 3}}),
        (HOLD_FORM, ENVIRONMENT, {"action": "decline"}),
        (HOLD_SAMPLING, SAMPLING, SAMPLED),
        (HOLD_ROOTS, {"method": "roots/list"}, {"roots": [{"uri": "file:///home/me"}]}),
    ],
)
def test_an_answer_goes_to_who_asked_as_if_the_user_had_given_it(policy: str, ask: Json, result: Json) -> None:
    play, _ = held_ask(policy, ask)
    assert play.decide("answer", instead=result) == [("server", {"jsonrpc": "2.0", "id": 7, "result": result})]
    decided, answered = play.lines[-2:]
    assert (decided.decision, parse(bytes(decided.instead))) == ("answer", result)
    assert (answered.end, answered.by) == ("client", "interpose")
    play, _ = held_round(policy, a=ask)
    [(end, said)] = play.decide("answer", instead=result)
    assert (end, said["method"], said["params"]["inputResponses"]) == ("server", "tools/call", {"a": result})
    assert said["params"]["requestState"] == "s"


def test_several_questions_are_answered_by_their_keys() -> None:
    play, _ = held_round(HOLD_FORM.replace('"elicitation"', '["elicitation", "sampling"]').replace(
        'on_timeout = "decline"', ""), a=ENVIRONMENT, b=SAMPLING)  # fmt: skip
    given = {"a": {"action": "decline"}, "b": SAMPLED}
    assert play.core.doubt(Decided(1.0, play.held, "answer", "x", b'{"action":"decline"}'))
    [(_, said)] = play.decide("answer", instead=given)
    assert said["params"]["inputResponses"] == given


@pytest.mark.parametrize("held", [held_ask, held_round])
def test_an_answer_is_judged_as_the_users_would_be(held: Any) -> None:
    mask = '\n[[rule]]\nname = "mask"\nask = "sampling"\nkind = "result"\ndo = "redact"\nfind = ["email"]'
    asks = (SAMPLING,) if held is held_ask else ()
    play, _ = held(HOLD_SAMPLING + mask, *asks, **({} if asks else {"a": SAMPLING}))
    told = {**SAMPLED, "content": {"type": "text", "text": "write to anna@example.org"}}
    [(end, said)] = play.decide("answer", instead=told)
    assert end == "server"
    assert "anna" not in str(said)
    assert "write to [personal:email" in str(said)
    assert "anna" not in str([(bytes(line.instead), bytes(line.message)) for line in play.lines])


@pytest.mark.parametrize(
    ("policy", "ask", "result", "why"),
    [
        (HOLD_FORM, ENVIRONMENT, {"action": "yes"}, "action"),
        (HOLD_FORM, ENVIRONMENT, {"action": "accept"}, "content"),
        (HOLD_FORM, ENVIRONMENT, {"action": "accept", "content": {}}, "`env` is missing"),
        (HOLD_FORM, ENVIRONMENT, {"action": "accept", "content": {"env": "moon"}}, "one of test, live"),
        (HOLD_FORM, ENVIRONMENT, {"action": "accept", "content": {"env": "test", "many": "3"}}, "type integer"),
        (HOLD_FORM, ENVIRONMENT, {"action": "accept", "content": {"env": "test", "x": 1}}, "no field `x`"),
        (HOLD_FORM, ENVIRONMENT, {"action": "decline", "content": {}}, "content"),
        (HOLD_SAMPLING, SAMPLING, {"role": "system"}, "role"),
        (HOLD_SAMPLING, SAMPLING, {"role": "assistant", "content": {}}, "model"),
        (HOLD_SAMPLING, SAMPLING, {"role": "assistant", "model": "m", "content": "text"}, "content"),
        (HOLD_ROOTS, {"method": "roots/list"}, {"roots": [{"uri": "https://example.org"}]}, "file://"),
        (HOLD_ROOTS, {"method": "roots/list"}, {}, "roots"),
    ],
)
def test_what_answers_no_such_question_is_no_answer(policy: str, ask: Json, result: Json, why: str) -> None:
    for play, seek in (held_ask(policy, ask), held_round(policy, a=ask)):
        event = Decided(1.0, seek.hold, "answer", "a person", msgspec.json.encode(result))
        assert why in play.core.doubt(event)
        assert play.feed(event) == []
        assert not play.releases


def test_a_call_has_nobody_to_answer_for() -> None:
    play, seek = held_call()
    assert "cannot be said" in play.core.doubt(Decided(1.0, seek.hold, "answer", "x", b"{}"))
    assert "cannot be said" in play.core.doubt(Decided(1.0, seek.hold, "cancel", "x"))


# --- the end of a hold ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["approve", "decline", "expire"])
def test_who_was_asked_hears_how_it_ended(decision: Decision) -> None:
    play, seek = held_call()
    play.decide(decision)
    assert play.releases == [Release(seek.hold, decision, "a person")]


def test_who_was_asked_hears_of_time_cancellation_departure_and_the_sessions_end() -> None:
    play, seek = held_call()
    play.tick(30)
    assert play.releases == [Release(seek.hold, "expire")]
    play, seek = held_call()
    play.hear("client", {"method": "notifications/cancelled", "params": {"requestId": 1}})
    assert play.releases == [Release(seek.hold, "abandon")]
    play = Play(HOLD_TOOL)
    play.hear("client", call(), "x1")
    play.feed(Closed(1.0, "client", "x1", "disconnect"))
    assert [release.why for release in play.releases] == ["abandon"]
    play, seek = held_call()
    assert Release(seek.hold, "abandon") in play.core.close(2.0, "end")


def test_other_rules_make_the_name_stale_and_ask_under_a_new_one() -> None:
    play, seek = held_call()
    effects = play.core.govern(3.0, [read_policy(HOLD_TOOL.replace("30", "40"), "q.toml")])
    [again] = [effect for effect in effects if isinstance(effect, Seek)]
    assert [effect for effect in effects if isinstance(effect, Release)] == [Release(seek.hold, "reload")]
    assert (again.hold != seek.hold, again.until) == (True, 43.0)
    assert play.core.doubt(Decided(4.0, seek.hold, "approve", "x"))
    assert play.decide("approve", seek.hold) == []
    assert [end for end, _ in play.decide("approve", again.hold)] == ["server"]


def test_what_only_waits_for_its_time_is_nobodys_to_decide() -> None:
    play = Play('[[rule]]\nname = "late"\ntool = "slow"\nkind = "request"\ndo = "fault"\nfault = "delay"\nseconds = 2')
    play.hear("client", call("slow"))
    assert play.core.doubt(Decided(1.0, play.held, "approve", "x"))
    play.tick(2.0)
    assert not play.releases


@pytest.mark.parametrize("decision", ["edit", "answer"])
def test_a_rehearsal_lets_go_what_an_approver_changed_or_answered(decision: Decision) -> None:
    play, seek = held_ask(HOLD_FORM, ENVIRONMENT)
    changed = edit_of(seek, message="Where to, please?")
    play.decide(decision, instead={"action": "decline"} if decision == "answer" else changed)
    policy = read_policy(HOLD_FORM, "p.toml")
    header = msgspec.structs.replace(HEADER, policies=[{"name": policy.name, "digest": policy.digest}])
    rehearsal = Rehearsal(header, Engine([policy], "srv", b"key"), [policy])
    found = [finding for line in play.lines if (finding := rehearsal.hear(line)) is not None]
    assert [(each.decision, each.happened) for each in found] == [("hold", "held")]
    assert not rehearsal.moot
