"""A sign-in that is complete while the message that asks for it is held: one never overtakes the other."""

from typing import Any

import pytest
from tests.core.held_play import HEADER, HOLD_FORM, Json, Play, call

from interpose.core.effects import Append, Deliver
from interpose.core.events import Closed, Decision
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.recording.codec import decode_entry
from interpose.core.rehearse import Rehearsal
from interpose.core.wire.message import parse

SLOW = '[[rule]]\nname = "slow"\nask = "elicitation"\ndo = "fault"\nfault = "delay"\nseconds = 2\n'
CLIENT: Json = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {"url": {}}}}


def complete(ident: str = "e-9") -> Json:
    return {"method": "notifications/elicitation/complete", "params": {"elicitationId": ident}}


def required(*idents: str) -> Json:
    entries = [
        {"mode": "url", "elicitationId": i, "url": f"https://a.example/{i}", "message": "Connect"} for i in idents
    ]
    return {"id": 1, "error": {"code": -32042, "message": "Sign in", "data": {"elicitations": entries}}}


def held_error(policy: str = HOLD_FORM, *idents: str, channel: str = "stdio") -> tuple[Play, str]:
    """A session in which error -32042 is held, and the name of that."""
    play = Play(policy)
    play.hear("client", {"id": 0, "method": "initialize", "params": {**CLIENT, "clientInfo": {"name": "c"}}})
    play.hear("server", {"id": 0, "result": {"protocolVersion": "2025-11-25", "capabilities": {}}})
    play.hear("client", call(), channel)
    assert play.hear("server", required(*idents or ("e-9",)), channel) == []
    return play, play.held


def heard(delivered: list[tuple[str, Any]]) -> list[str]:
    """What reached the client, in order."""
    assert all(end == "client" for end, _ in delivered)
    return [said["params"]["elicitationId"] if "method" in said else "error" for _, said in delivered]


def govern(play: Play, policy: str) -> list[tuple[str, Any]]:
    effects = play.core.govern(3.0, [read_policy(policy, "q.toml")])
    play.lines += [decode_entry(b"".join(effect.pieces)) for effect in effects if isinstance(effect, Append)]
    return [(effect.end, parse(effect.frame.raw)) for effect in effects if isinstance(effect, Deliver)]


def decided(play: Play) -> list[str]:
    return [line.decision or "" for line in play.lines if line.kind == "decision"]


def test_the_client_hears_of_a_sign_in_before_it_hears_that_it_is_complete() -> None:
    play, error = held_error(HOLD_FORM, "e-1", "e-2")
    assert play.hear("server", complete("e-2")) == play.hear("server", complete("e-1")) == []
    play.at = 3.0
    assert heard(play.decide("approve", error)) == ["error", "e-2", "e-1"]
    assert decided(play) == ["approve", "release", "release"]
    assert play.tick(60.0) == []


def test_another_sign_in_waits_for_nothing() -> None:
    play, _ = held_error()
    assert heard(play.hear("server", complete("e-7"))) == ["e-7"]


@pytest.mark.parametrize("decision", ["decline", "cancel"])
def test_nobody_hears_that_something_is_complete_which_was_refused(decision: Decision) -> None:
    play, error = held_error()
    play.hear("server", complete())
    [(end, said)] = play.decide(decision, error)
    assert (end, said["id"], said["result"]["isError"]) == ("client", 1, True)
    assert play.lines[-1].verdict is not None
    assert (play.lines[-1].decision, play.lines[-1].verdict["decision"]) == ("release", "drop")


def test_what_time_refuses_is_not_complete_either() -> None:
    play, _ = held_error()
    play.at = 4.0
    play.hear("server", complete())
    assert len(play.tick(30.0)) == 1
    assert decided(play) == ["expire", "release"]


def test_the_recording_names_what_waits_and_why() -> None:
    play, error = held_error()
    play.at = 4.0
    play.hear("server", complete())
    verdict = play.lines[-1].verdict
    assert verdict is not None
    assert (verdict["decision"], verdict["until"], verdict["delayed"]) == ("hold", 30.0, True)
    assert verdict["hold"] != error
    assert [(hit["rule"], hit["do"]) for hit in verdict["rules"]] == [("interpose", "hold")]
    assert play.seeks == []


def test_what_another_rule_holds_once_more_is_still_waited_for() -> None:
    play, error = held_error(SLOW + HOLD_FORM)
    play.hear("server", complete())
    assert play.decide("approve", error) == []
    assert heard(play.tick(2.0)) == ["error", "e-9"]


def test_what_waits_longer_under_other_rules_is_waited_for_as_long() -> None:
    play, _ = held_error()
    play.hear("server", complete())
    govern(play, HOLD_FORM.replace("30", "40"))
    error = next(line.verdict["hold"] for line in reversed(play.lines) if line.verdict and "then" in line.verdict)
    assert play.tick(30.0) == []
    play.at = 35.0
    assert heard(play.decide("approve", error)) == ["error", "e-9"]


def test_rules_that_hold_nothing_let_go_both() -> None:
    play, _ = held_error()
    play.hear("server", complete())
    assert heard(govern(play, '[[rule]]\nname = "watch"\nall = true\ndo = "note"')) == ["error", "e-9"]


def test_what_nobody_waits_for_is_gone_with_what_waits_behind_it() -> None:
    play, _ = held_error(HOLD_FORM, channel="x1")
    play.hear("server", complete(), "x1")
    assert play.feed(Closed(5.0, "client", "x1", "disconnect")) == []
    assert decided(play) == ["abandon", "abandon"]
    assert play.tick(60.0) == []


def test_a_question_that_is_held_is_not_complete_before_it_is_asked() -> None:
    play, _ = held_error()
    question = {"mode": "url", "elicitationId": "e-5", "url": "https://a.example/5", "message": "Connect"}
    play.hear("server", {"id": 7, "method": "elicitation/create", "params": question})
    asked = play.held
    assert play.hear("server", complete("e-5")) == []
    assert [said["method"] for _, said in play.decide("approve", asked)] == [
        "elicitation/create",
        "notifications/elicitation/complete",
    ]


def test_a_rehearsal_of_a_session_that_nothing_held_ends() -> None:
    plain = Play('[[rule]]\nname = "watch"\nall = true\ndo = "note"')
    plain.hear("client", call())
    plain.hear("server", required("e-9"))
    plain.hear("server", complete())
    policies = [read_policy(HOLD_FORM, "p.toml")]
    rehearsal = Rehearsal(HEADER, Engine(policies, "srv", b"key"), policies)
    findings = [rehearsal.hear(line) for line in plain.lines]
    assert [each.decision for each in findings if each is not None] == ["hold"]


def test_a_rehearsal_of_a_session_that_held_both_lets_go_both_as_then() -> None:
    play, error = held_error()
    play.hear("server", complete())
    play.decide("approve", error)
    policies = [read_policy(HOLD_FORM, "p.toml")]
    rehearsal = Rehearsal(HEADER, Engine(policies, "srv", b"key"), policies)
    findings = [rehearsal.hear(line) for line in play.lines]
    assert [each.decision for each in findings if each is not None] == ["hold", "hold"]
