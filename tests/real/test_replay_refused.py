"""What cannot be replayed is told to a real client, in the report and by the exit code."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from tests.real.replaying import LEGACY, SWEEPER, Session, interpose
from tests.real.world import SERVERS, STATELESS

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("npm")]

# Answers as the server did until the first tool call, and then no more.
HANGS = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
for line in sys.stdin.buffer:
    if b'"tools/call"' not in line:
        server.stdin.write(line)
        server.stdin.flush()
server.stdin.close()
server.wait()
"""


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path]:
    path = tmp_path_factory.mktemp("refused") / "session.jsonl"
    session = Session(SWEEPER, SERVERS["py"], LEGACY, "stdio", ("call_echo", "get_prompt"))
    session.record(path, None)
    return session, path


def test_a_client_that_asks_what_was_never_recorded_hears_what_comes_closest(
    taped: tuple[Session, Path], tmp_path: Path
) -> None:
    session, path = taped
    told = tmp_path / "report.json"
    other = session._replace(steps=("call_echo", "tool_error", "get_prompt"))
    steps, status = other.replay(path, "http", "--report", str(told))
    assert status == 1
    refused = steps["tool_error"]["error"]
    assert refused.startswith("MCPError: replay: never recorded; the closest is tools/call (line ")
    assert steps["get_prompt"][0]["text"] == "Say hello to Ada", "the session goes on"
    report = json.loads(told.read_bytes())["replays"][0]
    assert not report["ok"]
    unrecorded = [each for each in report["findings"] if each["what"] == "unrecorded"]
    assert unrecorded[0]["live"] == "tools/call"
    assert unrecorded[0]["recorded"].startswith("tools/call (line ")
    assert {each["path"] for each in unrecorded[0]["differences"]} >= {"$.params.name"}


def test_a_client_of_another_era_hears_that_it_speaks_another_one(taped: tuple[Session, Path], tmp_path: Path) -> None:
    session, path = taped
    steps, status = session._replace(era=STATELESS).replay(path, "http")
    assert status == 1
    refused = steps["connection"]["error"]
    assert refused.startswith("MCPError: replay: never recorded; the closest is tools/list (line ")
    assert '"io.modelcontextprotocol/protocolVersion": "2026-07-28"' in refused


def test_a_server_that_hangs_is_waited_for_no_longer_than_the_deadline(taped: tuple[Session, Path]) -> None:
    session, path = taped
    began = time.monotonic()
    server = [sys.executable, "-c", HANGS, *session.server.stdio_command()]
    outcome = interpose("replay", "client", str(path), "--deadline", "2", "--", *server)
    assert time.monotonic() - began < 20
    assert outcome.returncode == 1, outcome.stderr.decode()
    assert "waited for in vain: the answer to tools/call (line " in outcome.stderr.decode()
    assert "nothing came within 2 s" in outcome.stderr.decode()


@pytest.mark.parametrize("kind", ["server", "client"])
def test_a_recording_that_lost_its_tail_is_refused_by_its_line(
    kind: str, taped: tuple[Session, Path], tmp_path: Path
) -> None:
    session, path = taped
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(path.read_bytes()[:-700])
    command = ["--", *session.server.stdio_command()] if kind == "client" else []
    outcome = interpose("replay", kind, str(torn), *command)
    assert outcome.returncode == 2, outcome.stderr.decode()
    line = torn.read_bytes().count(b"\n") + 1
    assert f"{torn}: line {line}: cut off" in outcome.stderr.decode()
