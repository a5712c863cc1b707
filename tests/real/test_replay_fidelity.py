"""Whole sessions of real peers, recorded and played again: neither end can tell a recording from the other end.

The recording that is made of a replay is the recording that was replayed, as `interpose diff` sees it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.real.replaying import SESSIONS, Session, Steps, interpose
from tests.real.test_peers import failures
from tests.real.world import Transport

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("npm")]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.name)
def test_a_session_is_played_again_to_either_end(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with session.served(tmp_path) as port:
        live = session.record(path, port)
        assert not failures(live)
        assert set(live) == set(session.steps), "every step was played"
        replayed = session.replay_client(path, port)
    assert replayed.returncode == 0, replayed.stderr.decode()
    for over in (session.transport, session.other):
        expect_the_same(session, path, over, live)


def expect_the_same(session: Session, path: Path, over: Transport, live: Steps) -> None:
    """The recorded server, over a transport, is the same for the client and for a recorder."""
    again, told = path.with_name(f"{over}-again.jsonl"), path.with_name(f"{over}.json")
    steps, status = session.replay(path, over, "--record", str(again), "--report", str(told), "--complete")
    assert (steps, status or 0) == (live, 0), over
    reports = json.loads(told.read_bytes())["replays"]
    assert [each["ok"] for each in reports] == [True], (over, reports)
    compared = interpose("diff", str(path), str(again))
    assert compared.returncode == 0, (over, compared.stdout.decode(), compared.stderr.decode())
