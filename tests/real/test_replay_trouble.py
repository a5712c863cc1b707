"""One recording, many tests of a client: what it does when the user says no, and when the server fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.real.replaying import LEGACY, SWEEPER, Session
from tests.real.test_peers import failures
from tests.real.world import SERVERS, STATELESS, Transport

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("npm")]

STEPS = ("call_echo", "form_accept", "url_accept", "sampling", "call_add", "impatient", "roots", "ping", "big")
POLICY = """
name = "trouble"
[[rule]]
name = "declines"
ask = "elicitation"
mode_is = "form"
do = "answer"
outcome = "decline"
[[rule]]
name = "cancels"
ask = "elicitation"
mode_is = "url"
do = "answer"
outcome = "cancel"
[[rule]]
name = "rejects"
ask = "sampling"
do = "answer"
outcome = "reject"
message = "not now"
[[rule]]
name = "fails"
tool = "add"
do = "fault"
fault = "error"
code = -31060
message = "planned trouble"
[[rule]]
name = "is-never-answered"
tool = "where"
kind = "request"
do = "fault"
fault = "drop"
[[rule]]
name = "hangs-up"
tool = "big"
kind = "request"
do = "fault"
fault = "disconnect"
"""
CAME = {"form_accept": "`decline`", "url_accept": "`cancel`", "sampling": "error -1"}
BRANCH = "replay: the recording goes on from"
REFUSED = {"texts": ["not now"], "is_error": True, "asked": False}
WAYS: tuple[tuple[Transport, tuple[str, ...]], ...] = (("stdio", ()), ("http", ("--lenient",)))


@pytest.mark.parametrize("era", [LEGACY, STATELESS])
def test_a_real_client_meets_every_trouble_in_one_recording(era: str, tmp_path: Path) -> None:
    path, policy = tmp_path / "session.jsonl", tmp_path / "policy.toml"
    policy.write_text(POLICY)
    steps = tuple(step for step in STEPS if era == LEGACY or step != "ping")
    session = Session(SWEEPER, SERVERS["py"], era, "stdio", steps)
    live = session.record(path, None)
    assert not failures(live)
    # In a round of 2026-07-28 a model cannot be rejected: the call itself ends, and the server hears nothing of it.
    answered = [step for step in CAME if era == LEGACY or step != "sampling"]

    for over, options in WAYS:
        told = tmp_path / f"{over}.json"
        met, _ = session.replay(path, over, "--policy", str(policy), "--report", str(told), *options)
        for step in answered:
            if options:
                assert met[step]["texts"] == live[step]["texts"], "it goes on as recorded"
            else:
                assert BRANCH in met[step]["error"]
                assert f"and {CAME[step]}" in met[step]["error"]
        if era == STATELESS:
            assert met["sampling"] == REFUSED
        expect_the_faults(met, live)
        findings = json.loads(told.read_bytes())["replays"][0]["findings"]
        assert [each["what"] for each in findings] == ["branch"] * len(answered), findings


def expect_the_faults(met: dict[str, Any], live: dict[str, Any]) -> None:
    """What the rules about tools do is the same however the questions ended; all else is as recorded."""
    assert met["call_add"] == {"error": "MCPError: planned trouble"}
    assert met["roots"] == {"error": "TimeoutError: "}
    assert "error" in {**met.get("big", {}), **met.get("connection", {})}, "the server has hung up"
    for step in ("call_echo", "ping"):
        assert met.get(step) == live.get(step)
