"""A recorded client against live servers: what differs is told, and what never comes ends with the deadline."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.edge.processes import SECONDS, entries, python, run, shim
from tests.edge.replaying_world import GOLDEN, Result, as_client, as_server, report

DEMO_SERVER = [sys.executable, "-m", "interpose.app.demo.server"]
DEMO_CLIENT = [sys.executable, "-m", "interpose.app.demo.client"]
ONE = next(path for path in GOLDEN if path.match("2025-06-18/py-stdio-py.jsonl"))
ERAS = ("stateful", "stateless")

# A server that knows one tool. `{extra}` is what it does beside answering the call.
SERVER = """
import json, sys
def say(**body): print(json.dumps({"jsonrpc": "2.0", **body}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "initialize":
        say(id=asked["id"], result={"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                                    "serverInfo": {"name": "s", "version": "VERSION"}})
    elif asked.get("method") == "tools/call":
        EXTRA
        say(id=asked["id"], result={"content": [{"type": "text", "text": TEXT}]})
"""
OPEN = (
    b'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
    b'"clientInfo":{"name":"c","version":"1"}}}\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
)
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"now","arguments":{}}}\n'


def _server(text: str = '"noon"', extra: str = "pass", version: str = "1") -> list[str]:
    return python(SERVER.replace("TEXT", text).replace("EXTRA", extra).replace("VERSION", version))


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("taped") / "session.jsonl"
    assert run(shim(_server(), record=path), OPEN + CALL).returncode == 0
    return path


def _play(path: Path, server: list[str], *options: str) -> Result:
    return run(as_client(path, *options, "--deadline", "1.5", "--", *server))


@pytest.mark.parametrize("era", ERAS)
def test_the_demos_server_does_as_recorded(era: str, tmp_path: Path) -> None:
    path = tmp_path / f"{era}.jsonl"
    recorded = [*DEMO_CLIENT, "--era", era, "--", *shim(DEMO_SERVER, record=path)]
    subprocess.run(recorded, capture_output=True, check=True, timeout=SECONDS)
    outcome = run(as_client(path, "--deadline", "10"))
    assert outcome.returncode == 0, outcome.stderr.decode()
    assert f"{era}.jsonl: as recorded" in outcome.stderr.decode(), "started by the command that the recording names"


def test_the_same_server_does_as_recorded_and_another_version_of_it_too(taped: Path) -> None:
    for version in ("1", "2"):
        outcome = _play(taped, _server(version=version))
        assert outcome.returncode == 0, outcome.stderr.decode()


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (
            _server('"night"'),
            "changed: the answer to tools/call (line 7)\n"
            'interpose:     $.result.content[0].text: recorded "noon", live "night"',
        ),
        (_server(extra='say(method="notifications/tools/list_changed")'), "extra: notifications/tools/list_changed"),
        (_server(extra='say(id="q", method="roots/list")'), "extra: roots/list"),
        (_server(extra="continue"), "waited for in vain: the answer to tools/call (line 7); nothing came within 1.5 s"),
        (_server(extra="break"), "waited for in vain: the answer to tools/call (line 7); the server exited"),
        (_server(extra='say(id=asked["id"], error={"code": -1, "message": "no"}); continue'), "$.error is extra"),
    ],
    ids=["result", "notification", "ask", "silence", "exit", "error"],
)
def test_what_differs_is_told_and_exit_1(server: list[str], words: str, taped: Path, tmp_path: Path) -> None:
    told = tmp_path / "report.json"
    outcome = _play(taped, server, "--report", str(told))
    assert outcome.returncode == 1, outcome.stderr.decode()
    assert words in outcome.stderr.decode()
    assert not report(told)["ok"]


def test_what_is_ignored_by_option_or_file_does_not_count(taped: Path, tmp_path: Path) -> None:
    path = "tools/call now $.result.content[*].text"
    assert _play(taped, _server('"night"'), "--ignore", path).returncode == 0
    options = tmp_path / "options.toml"
    options.write_text(f'[replay]\nignore = ["{path}"]\n')
    assert _play(taped, _server('"night"'), "--options", str(options)).returncode == 0


def test_a_server_that_cannot_be_started_is_exit_3(taped: Path) -> None:
    outcome = _play(taped, ["/no/such/server"])
    assert outcome.returncode == 3
    assert "no such command" in outcome.stderr.decode()


def test_an_upstream_that_is_not_there_is_exit_3(taped: Path) -> None:
    assert run(as_client(taped, "--upstream", "http://127.0.0.1:9/mcp")).returncode == 3


def test_a_recording_of_an_upstream_names_no_command() -> None:
    path = next(each for each in GOLDEN if each.match("2025-06-18/py-http-py.jsonl"))
    outcome = run(as_client(path))
    assert outcome.returncode == 2
    assert "names no command" in outcome.stderr.decode()


def test_a_replay_that_waits_for_nothing_takes_no_time(taped: Path) -> None:
    began = time.monotonic()
    assert run(as_client(ONE, "--", *as_server(ONE))).returncode == 0
    assert time.monotonic() - began < 10, "the deadline is 30 s, and nothing waits for it"


def test_recorded_time_passes_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "slow.jsonl"
    slow = _server(extra="import time; time.sleep(0.8)")
    assert run(shim(slow, record=path), OPEN + CALL).returncode == 0
    for timing, at_least in (("recorded", 0.8), ("x100", 0.0)):
        kept = tmp_path / f"{timing}.jsonl"
        assert run(as_server(path, "--timing", timing, "--record", str(kept)), OPEN + CALL).returncode == 0
        assert at_least <= _answered_after(kept) + 0.01


def _answered_after(path: Path) -> float:
    lines = [line for line in entries(path) if line["kind"] == "message"]
    called, answered = (line["at"] for line in lines[-2:])
    return float(answered - called)
