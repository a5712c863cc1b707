"""Real SDK clients over HTTP in front of real SDK servers on stdio: the outcome is that of client and server alone."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.edge.hosting_world import hosting, kinds
from tests.real.world import CLIENTS, SERVERS, STATELESS, Transport, steps_for

pytestmark = [pytest.mark.anyio, pytest.mark.real]
CLIENT_SECONDS = 60


async def play(client: str, era: str, steps: tuple[str, ...], target: list[str]) -> dict[str, Any]:
    command = CLIENTS[client].run_command(era, steps, target)
    with anyio.fail_after(CLIENT_SECONDS):
        done = await anyio.run_process(command, check=False)
    assert done.returncode == 0, done.stderr.decode()
    played: dict[str, Any] = json.loads(done.stdout)["steps"]
    return played


@pytest.mark.parametrize(
    ("client", "era", "server", "transport"),
    [
        ("py", "2025-11-25", "py", "http"),
        ("py", f"auto {STATELESS}", "py", "http"),
        ("py", "2025-11-25", "py", "sse"),
        ("py", "auto 2025-11-25", "everything", "http"),
        ("ts1", "2025-11-25", "everything", "http"),
    ],
)
async def test_the_outcome_is_as_without_interpose(
    client: str, era: str, server: str, transport: Transport, tmp_path: Path
) -> None:
    command = SERVERS[server].stdio_command()
    steps = steps_for(CLIENTS[client], SERVERS[server], era)
    direct = await play(client, era, steps, ["--stdio", *command])
    async with hosting(tmp_path, command) as world:
        where = ["--sse", f"{world.url}/sse"] if transport == "sse" else ["--url", f"{world.url}/mcp"]
        hosted = await play(client, era, steps, where)
    assert hosted == direct
    notes = [entry.text or "" for entries in world.recordings() for entry in kinds(entries, "note")]
    assert [text for text in notes if text.startswith("the answer to")] == []
