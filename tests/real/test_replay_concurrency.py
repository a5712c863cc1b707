"""A real client that makes its recorded calls at once, in another order or one by one gets each its own answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.real.replaying import LEGACY, SWEEPER, Session
from tests.real.world import SERVERS, STATELESS, Transport

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("npm")]

WAYS: tuple[tuple[Transport, str], ...] = (("stdio", "many_3"), ("http", "many_7"), ("stdio", "in_turn"))


@pytest.mark.parametrize("era", [LEGACY, STATELESS])
def test_fifty_calls_at_once_in_any_order(era: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    session = Session(SWEEPER, SERVERS["py"], era, "stdio", ("many",))
    live = session.record(path, None)["many"]
    assert len(live) == 50
    assert len({json.dumps(each) for each in live.values()}) > 40, "the answers tell the calls apart"
    for over, step in WAYS:
        told = tmp_path / f"{over}.json"
        steps, _ = session._replace(steps=(step,)).replay(path, over, "--report", str(told), "--complete")
        assert steps[step] == live, (over, step)
        assert [each["ok"] for each in json.loads(told.read_bytes())["replays"]] == [True], told.read_text()
