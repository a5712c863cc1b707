"""What is held, as a recording tells it: who waits for whom, and the trail of who decided."""

from typing import Any

import pytest
from tests.core.held_play import FORM, HEADER, HOLD_FORM, HOLD_TOOL, META, Play, call
from tests.core.test_holding_sign_in import complete, held_error

from interpose.core.effects import Append
from interpose.core.formats.approval import asked_of, details, row, whole
from interpose.core.formats.audit import Trail
from interpose.core.formats.audit_record import Record
from interpose.core.formats.survey import Again, Survey
from interpose.core.formats.transcript import Transcript
from interpose.core.formats.waits import told_once
from interpose.core.policy.reading import read_policy
from interpose.core.recording.codec import decode_entry
from interpose.core.session.waiting import Wait

URL = "https://accounts.example.org/start?" + "x" * 300 + "&end"


def survey(play: Play) -> Survey:
    found = Survey()
    for line in play.lines:
        found.take(0, line)
    return found


def waits(play: Play) -> list[Wait]:
    return list(survey(play).session.waits(5.0))


def trail(play: Play) -> list[Record]:
    found = Trail(HEADER)
    for line in play.lines:
        found.take(line)
    return [record for record in found.end() if record.kind == "approval"]


def govern(play: Play, policy: str) -> None:
    effects = play.core.govern(3.0, [read_policy(policy, "q.toml")])
    play.lines += [decode_entry(b"".join(effect.pieces)) for effect in effects if isinstance(effect, Append)]


def held() -> Play:
    play = Play(HOLD_TOOL)
    play.hear("client", call())
    return play


def test_a_wait_says_what_happens_then_by_which_rule_and_under_which_name() -> None:
    play = held()
    [wait] = [each for each in waits(play) if each.who == "APPROVER"]
    assert (wait.deadline, wait.then) == (30.0, f"it is refused (hold {play.held[:8]}, rule ask-me)")


def test_what_is_held_waits_for_its_approver_alone() -> None:
    play = held()
    assert [each.who for each in waits(play)] == ["APPROVER"]
    assert [each.who for each in play.core.session.waits(5.0)] == ["APPROVER"]
    play.decide("approve")
    assert [each.who for each in waits(play)] == ["SERVER"]


def test_a_call_waits_for_who_holds_the_question_in_it() -> None:
    play = Play(HOLD_FORM)
    play.hear("client", call("deploy"))
    play.hear("server", {"id": 7, **FORM})
    assert [(each.who, each.via, each.blocks) for each in waits(play)] == [
        ("APPROVER", (2,), ()),
        ("APPROVER", (), (1,)),
    ]
    assert [each.seq for each in told_once(tuple(waits(play)))] == [2]
    play.decide("approve")
    assert [each.who for each in waits(play)] == ["USER", "USER"]


def test_a_parked_call_waits_for_who_holds_its_result_and_then_for_the_user() -> None:
    play = Play(HOLD_FORM)
    play.hear("client", call("deploy", _meta=META))
    play.hear("server", {"id": 1, "result": {"resultType": "input_required", "inputRequests": {"a": FORM}}})
    called = waits(play)[0]
    assert (called.who, called.then) == ("APPROVER", None)
    assert {each.who for each in waits(play)} == {"APPROVER"}
    play.decide("approve")
    assert {each.who for each in waits(play)} == {"USER"}


def test_what_is_only_delayed_is_behind_a_delay() -> None:
    play = Play('[[rule]]\nname = "l"\ntool = "slow"\nkind = "request"\ndo = "fault"\nfault = "delay"\nseconds = 2')
    play.hear("client", call("slow"))
    assert [each.who for each in waits(play)] == ["DELAY"]


def test_what_other_rules_hold_again_or_let_go_is_seen_so() -> None:
    play = held()
    govern(play, HOLD_TOOL.replace("30", "40"))
    [wait] = [each for each in waits(play) if each.who == "APPROVER"]
    assert (wait.deadline, play.held[:8] in (wait.then or "")) == (43.0, True)
    govern(play, '[[rule]]\nname = "watch"\nall = true\ndo = "note"')
    assert [each.who for each in waits(play)] == ["SERVER"]
    assert [(record.event, record.by) for record in trail(play)] == [("abandon", "policy")] * 2


@pytest.mark.parametrize(
    ("decision", "event", "ended", "by"),
    [
        ("approve", "approve", "allowed", "approver"),
        ("decline", "decline", "refused", "approver"),
        ("expire", "expire", "refused", "nobody"),
        ("abandon", "abandon", "withdrawn", "policy"),
    ],
)
def test_the_trail_tells_each_end_apart(decision: Any, event: str, ended: str, by: str) -> None:
    play = held()
    play.at = 2.0
    play.decide(decision)
    [record] = trail(play)
    assert (record.event, record.decision, record.by, record.rule) == (event, ended, by, "ask-me")
    assert (record.seconds, record.call, record.approver) == (2.0, "tools/call drop_table", "a person")


def test_what_still_waits_is_held_and_a_delay_is_no_approval() -> None:
    assert [(record.event, record.decision) for record in trail(held())] == [("held", "open")]
    play = Play('[[rule]]\nname = "l"\ntool = "slow"\nkind = "request"\ndo = "fault"\nfault = "delay"\nseconds = 2')
    play.hear("client", call("slow"))
    play.tick(2.0)
    assert trail(play) == []


def test_a_question_that_an_approver_answered_says_so() -> None:
    play = Play(HOLD_FORM)
    play.hear("client", call("deploy"))
    form = {"message": "Which?", "requestedSchema": {"type": "object", "properties": {}}}
    play.hear("server", {"id": 7, "method": "elicitation/create", "params": form})
    play.decide("answer", instead={"action": "accept", "content": {}})
    found = Trail(HEADER)
    for line in play.lines:
        found.take(line)
    [asked] = [record for record in found.end() if record.kind == "elicitation"]
    assert (asked.decision, asked.by, asked.approver) == ("answered", "approver", "a person")


@pytest.mark.parametrize(
    ("decision", "ended", "by", "told"),
    [
        ("approve", "allowed", "user", "goes on"),
        ("decline", "refused", "approver", "goes nowhere"),
        ("cancel", "dismissed", "approver", "goes nowhere"),
        ("expire", "refused", "nobody", "goes nowhere"),
    ],
)
def test_a_sign_in_that_was_refused_was_allowed_by_nobody_whatever_is_complete(
    decision: Any, ended: str, by: str, told: str
) -> None:
    play, error = held_error()
    play.hear("server", complete())
    play.decide(decision, error)
    found = Trail(HEADER)
    for line in play.lines:
        found.take(line)
    [asked] = [record for record in found.end() if record.kind == "elicitation"]
    assert (asked.decision, asked.by) == (ended, by)
    seen = survey(play)
    shown = Transcript(seen.ledger, None)
    again = Again()
    text = [line.text for each in play.lines if (met := again.take(each)) for line in shown.lines(each, *met)]
    assert f"what was held {told}" in text


def test_what_is_shown_to_people_is_harmless_and_a_link_stands_last_and_whole() -> None:
    play = Play(HOLD_FORM)
    play.hear("client", call("deploy"))
    evil = {"mode": "url", "elicitationId": "e", "message": "\x1b[2Jgo to bank.example\u202e " * 400, "url": URL}
    play.hear("server", {"id": 7, "method": "elicitation/create", "params": evil})
    asked = asked_of(play.seeks[0], 0.0, 30.0)
    rows = [row(asked, 4.0), *details(asked)]
    text = ["".join(piece for _, piece in each) for each in rows]
    assert text[-1].endswith(URL)
    assert all(len(line) < 500 for line in text)
    assert not any("\x1b" in line or "\u202e" in line for line in text)
    assert not any("\x1b" in line[0][1] or "\u202e" in line[0][1] for line in whole(asked))


def test_two_rules_one_after_the_other_are_two_rows() -> None:
    late = '\n[[rule]]\nname = "late"\ntool = "drop_*"\nkind = "request"\ndo = "hold"\ntimeout = 40\n'
    play = Play(HOLD_TOOL + late + 'given = { path = "$.arguments.env", equals = "live" }')
    play.hear("client", call())
    play.decide("edit", instead={**_shown(play), "params": {"name": "drop_table", "arguments": {"env": "live"}}})
    assert [each.who for each in waits(play)].count("APPROVER") == 1
    play.decide("decline")
    assert [(record.event, record.rule) for record in trail(play)] == [("edit", "ask-me"), ("decline", "late")]


def _shown(play: Play) -> Any:
    from interpose.core.wire.message import parse

    return parse(play.seeks[0].message)
