"""A real SDK client and a real SDK server with a policy between them: what is refused, the client is never asked."""

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from tests.edge.governed_world import block, govern, refuse_asks
from tests.edge.hosting_world import hosting
from tests.real.conftest import spawned, wait_for_port
from tests.real.world import CLIENTS, SERVERS, STATELESS

from interpose.edge.conversations import Conversations
from interpose.edge.relay import Relay
from interpose.edge.transports.listener import Listener

pytestmark = [pytest.mark.anyio, pytest.mark.real]
CLIENT_SECONDS = 60
STEPS = ("hello", "call_echo", "sampling", "form_accept", "roots", "call_add")


@asynccontextmanager
async def relayed(folder: Path) -> AsyncIterator[str]:
    """A relay in front of the Python SDK's server: where clients find it."""
    server, log = SERVERS["py"], folder / "server.log"
    command, _ = server.listen_command("http", 0)
    with log.open("wb") as sink, spawned(command, stdin=subprocess.DEVNULL, stderr=sink) as process:
        port = await anyio.to_thread.run_sync(wait_for_port, process, server, log)
        alarms: list[str] = []
        url = server.url("http", port)
        conversations = Conversations(f"{folder}/r/", {"transport": "http", "name": "py", "url": url}, alarms.append)
        listener = Listener(Relay(url, conversations), "127.0.0.1", 0)
        await listener.start()
        try:
            yield f"http://127.0.0.1:{listener.port}/mcp"
        finally:
            await listener.stop()
        assert alarms == []


@asynccontextmanager
async def hosted(folder: Path) -> AsyncIterator[str]:
    (folder / "r").mkdir()
    async with hosting(folder / "r", SERVERS["py"].stdio_command()) as world:
        yield f"{world.url}/mcp"


@pytest.mark.parametrize("way", [relayed, hosted])
@pytest.mark.parametrize("era", ["2025-11-25", f"auto {STATELESS}"])
async def test_the_client_is_not_asked_and_its_other_calls_go_on(
    way: Any, era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_asks("sampling", "elicitation", "roots"), block("tools/call", "add"))
    async with way(tmp_path) as url:
        command = CLIENTS["py"].run_command(era, STEPS, ["--url", url])
        with anyio.fail_after(CLIENT_SECONDS):
            done = await anyio.run_process(command, check=False)
    assert done.returncode == 0, done.stderr.decode()
    played = json.loads(done.stdout)["steps"]
    assert played["hello"][0] == era.removeprefix("auto ")
    assert played["call_echo"]["texts"] == ["Echo: hello, wörld"]
    assert (played["form_accept"]["texts"], played["form_accept"]["asked"]) == (["decline"], False)
    assert played["call_add"] == {"texts": ["Blocked by policy"], "is_error": True}
    for step in ("sampling", "roots"):
        assert not played[step].get("asked"), played[step]
