"""Real SDK clients and servers with several workers in between: the outcome is that of client and server alone."""

from pathlib import Path

import anyio
import pytest
from tests.edge.relay_world import said
from tests.edge.workers.workers_world import children, client, fronting, gone, start
from tests.real.conftest import Listening, Play, listening, npm, play
from tests.real.world import CLIENTS, SERVERS, STATELESS, Transport, steps_for

pytestmark = [pytest.mark.anyio, pytest.mark.real]
__all__ = ["listening", "npm", "play"]


HTTP: tuple[tuple[str, str, str, Transport], ...] = (
    ("py", "2025-11-25", "py", "http"),
    ("ts2", STATELESS, "ts2", "http"),
    ("py", f"auto {STATELESS}", "py", "http"),
    ("ts1", "2025-11-25", "everything", "http"),
    ("ts1", "2025-11-25", "everything", "sse"),
)


@pytest.mark.parametrize("case", HTTP, ids="-".join)
async def test_a_server_over_http_is_as_without_interpose(
    case: tuple[str, str, str, Transport], listening: Listening, play: Play, tmp_path: Path
) -> None:
    name, era, server, transport = case
    peer, steps = CLIENTS[name], steps_for(CLIENTS[name], SERVERS[server], era)
    url = SERVERS[server].url(transport, listening(SERVERS[server], transport))
    option = "--sse" if transport == "sse" else "--url"
    direct = await anyio.to_thread.run_sync(play, peer, era, steps, [option, url])
    async with fronting(tmp_path, [url]) as front:
        ours = front.url.replace("/mcp", "/sse") if transport == "sse" else front.url
        through = await anyio.to_thread.run_sync(play, peer, era, steps, [option, ours])
        await front.stop()
        recorded = front.recordings()
    assert through == direct
    if era == "2025-11-25":
        assert len(recorded) == 1


@pytest.mark.parametrize(
    ("name", "era", "server"),
    [("py", "2025-11-25", "py"), ("py", f"auto {STATELESS}", "py"), ("ts2", STATELESS, "py")],
)
async def test_a_command_is_as_without_interpose(name: str, era: str, server: str, play: Play, tmp_path: Path) -> None:
    peer, steps = CLIENTS[name], steps_for(CLIENTS[name], SERVERS[server], era)
    command = SERVERS[server].stdio_command()
    direct = await anyio.to_thread.run_sync(play, peer, era, steps, ["--stdio", *command])
    async with fronting(tmp_path, command) as front:
        through = await anyio.to_thread.run_sync(play, peer, era, steps, ["--url", front.url])
        await front.stop()
        recorded = front.recordings()
    assert through == direct
    if era == "2025-11-25":
        assert len(recorded) == 1


async def test_all_stateless_clients_share_one_process_and_each_session_has_its_own(play: Play, tmp_path: Path) -> None:
    """What the process of a command knows (tasks, subscriptions), every stateless client must find."""
    async with fronting(tmp_path, SERVERS["py"].stdio_command()) as front, anyio.create_task_group() as tasks:
        for name in ("py", "ts2", "py"):
            run = (CLIENTS[name], STATELESS, ("hello", "list_tools", "call_echo"), ["--url", front.url])
            tasks.start_soon(anyio.to_thread.run_sync, play, *run)
    assert len(front.recordings()) == 1


async def test_the_processes_of_sessions_belong_to_both_workers(tmp_path: Path) -> None:
    async with fronting(tmp_path, SERVERS["py"].stdio_command()) as front:
        async with client() as http:
            for _ in range(4):
                await start(front, http)
            assert [len(children(pid)) for pid in front.workers()] == [2, 2]
        servers = [child for pid in front.workers() for child in children(pid)]
        assert (await front.stop())[0] == 0
        assert gone(servers)
        assert [len(said(entries, "client")) for entries in front.recordings()] == [1] * 4
