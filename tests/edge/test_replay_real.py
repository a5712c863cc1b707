"""Real SDK clients and servers with one of the two recorded: the client gets the same, the server does the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.edge.processes import run, shim
from tests.edge.replaying_world import as_client, as_server, listening
from tests.real.world import CLIENTS, SERVERS, STATELESS, steps_for

pytestmark = pytest.mark.real

PAIRS = [
    ("py", "2025-11-25", "py"),
    ("py", STATELESS, "py"),
    ("ts1", "2025-11-25", "everything"),
    ("py", f"auto {STATELESS}", "ts2"),
    ("py", f"auto {STATELESS}", "fastmcp"),
]


def _play(client: str, era: str, steps: tuple[str, ...], target: list[str]) -> dict[str, Any]:
    outcome = run(CLIENTS[client].run_command(era, steps, target))
    assert outcome.returncode == 0, outcome.stderr.decode()
    played: dict[str, Any] = json.loads(outcome.stdout)["steps"]
    return played


@pytest.mark.parametrize(("client", "era", "server"), PAIRS)
def test_a_recording_stands_in_for_either_end(client: str, era: str, server: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    command = SERVERS[server].stdio_command()
    steps = steps_for(CLIENTS[client], SERVERS[server], era)
    live = _play(client, era, steps, ["--stdio", *shim(command, record=path)])

    again = _play(client, era, steps, ["--stdio", *as_server(path, "--complete")])
    assert again == live

    outcome = run(as_client(path, "--deadline", "10", "--", *command))
    assert outcome.returncode == 0, outcome.stderr.decode()


@pytest.mark.parametrize(("client", "era", "server"), PAIRS[:3])
def test_a_recorded_server_is_the_same_over_http(client: str, era: str, server: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    command = SERVERS[server].stdio_command()
    steps = steps_for(CLIENTS[client], SERVERS[server], era)
    live = _play(client, era, steps, ["--stdio", *shim(command, record=path)])
    with listening(path) as (origin, _):
        assert _play(client, era, steps, ["--url", f"{origin}/mcp"]) == live
