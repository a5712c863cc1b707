"""Approval: what is held goes on by a decision about exactly this, made once, or not at all."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.app.approving import HOLD, Runtime, deploy, runtime, session
from tests.core.held_play import HEADER, HOLD_TOOL, Play, call
from tests.edge.processes import INTERPOSE, SECONDS, entries, peak_memory

from interpose.core.events import Decided
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy

TERMINAL = ("--approver", "terminal")


@pytest.fixture
def home() -> Iterator[Runtime]:
    with runtime() as found:
        yield found


def held(session_name: str = "a1b2", **arguments: Any) -> Play:
    """A call that waits, in a session of this name."""
    play = Play(HOLD_TOOL)
    play.core = Interposer(Engine([read_policy(HOLD_TOOL, "p.toml")], "srv", b"key"))
    play.core.open(msgspec.structs.replace(HEADER, session=session_name))
    play.hear("client", call(arguments=arguments))
    return play


@pytest.mark.parametrize("other", [held("ffff"), held(env="live")], ids=["session", "arguments"])
def test_66_a_decision_about_something_else_lets_nothing_go(other: Play) -> None:
    play = held()
    assert play.decide("approve", other.held) == []
    assert play.core.doubt(Decided(1.0, other.held, "approve", "x"))
    assert [end for end, _ in play.decide("approve")] == ["server"]


def test_66_a_decision_that_comes_twice_or_too_late_lets_nothing_go() -> None:
    play = held()
    name = play.held
    assert len(play.decide("approve", name)) == 1
    assert play.decide("approve", name) == []
    late = held()
    name = late.held
    assert [end for end, _ in late.tick(30.0)] == ["client"]
    assert late.decide("approve", name) == []


@pytest.mark.parametrize("instead", [b"", b"{}", b"[]", b"true", b'{"approve":"false"}'])
def test_66_an_edit_of_a_wrong_shape_lets_nothing_go(instead: bytes) -> None:
    play = held()
    assert play.feed(Decided(1.0, play.held, "edit", "x", instead)) == []
    assert [end for end, _ in play.tick(30.0)] == ["client"]


def test_66_the_trail_tells_a_no_from_no_answer(tmp_path: Path, home: Runtime) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(HOLD.format(seconds=3))
    with session(home, "--policy", str(policy), *TERMINAL, record=tmp_path / "r.jsonl") as client:
        client.say(deploy(1))
        home.approvals("decline", home.waiting()[0]["hold"])
        client.hear()
        client.say(deploy(2))
        client.hear()
        client.end()
    trail = subprocess.run(
        [*INTERPOSE, "audit", "--json", str(tmp_path / "r.jsonl")], capture_output=True, text=True, check=True
    )
    records = [json.loads(line) for line in trail.stdout.splitlines()]
    assert [(record["event"], record["by"]) for record in records] == [("decline", "approver"), ("expire", "nobody")]


def test_67_killed_while_it_holds_it_never_happens_and_its_socket_is_cleared(home: Runtime, tmp_path: Path) -> None:
    with session(home, *TERMINAL, record=tmp_path / "r.jsonl") as client:
        client.say(deploy())
        [asked] = home.waiting()
        assert len(home.sockets) == 1
        client.process.send_signal(signal.SIGKILL)
        client.process.wait(SECONDS)
    assert len(home.sockets) == 1
    assert "nothing waits" in home.approvals("approve", asked["hold"], status=2)
    assert home.sockets == []
    kinds = [entry["kind"] for entry in entries(tmp_path / "r.jsonl")]
    assert kinds == ["message"]  # the server never said a word of it


def test_68_a_thousand_held_calls_are_bounded_and_each_is_decided(home: Runtime, tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(HOLD.format(seconds=20))
    with session(home, "--policy", str(policy), *TERMINAL, record=tmp_path / "r.jsonl") as client:
        client.say(*(deploy(ident) for ident in range(1, 1101)))
        refused = [client.hear() for _ in range(100)]
        assert {message["id"] for message in refused} == set(range(1001, 1101))
        held = home.waiting(1000)
        for asked in held[:3]:
            home.approvals("approve", asked["hold"])
        assert peak_memory(client.process.pid) < 200 << 20
        answered = [client.hear() for _ in range(1000)]
        assert len({message["id"] for message in answered}) == 1000
        assert sum(not message["result"].get("isError") for message in answered) == 3
        assert home.approvals() == "nothing waits for approval\n"
        assert client.end() == 0
    ends = [entry["decision"] for entry in entries(tmp_path / "r.jsonl") if entry["kind"] == "decision"]
    assert (ends.count("approve"), ends.count("expire")) == (3, 997)


def test_68_a_cancellation_makes_room() -> None:
    play = Play(HOLD_TOOL)
    for ident in range(1000):
        assert play.hear("client", call("drop_table", ident)) == []
    play.hear("client", {"method": "notifications/cancelled", "params": {"requestId": 0}})
    assert [release.why for release in play.releases] == ["abandon"]
    assert play.hear("client", call("drop_table", 1000)) == []
    assert len(play.seeks) == 1
