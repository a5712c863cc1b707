"""Large bodies pass in both directions, and the host stays small."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from anyio.abc import Process
from tests.edge.hosting_world import BOTH, PUPPET, World, call, mirrored, stateless

pytestmark = pytest.mark.anyio
LARGE = 66 << 20
LIMIT_KB = 300 << 10
SECONDS = 90


@asynccontextmanager
async def apart(folder: Path) -> AsyncIterator[tuple[World, Process]]:
    script = str(Path(__file__).parent / "hosting_large.py")
    command = [sys.executable, script, f"{folder}/", *PUPPET]
    async with await anyio.open_process(command, stderr=None) as process:
        assert process.stdout is not None
        port = int(await process.stdout.receive())
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as http:
            yield World(f"http://127.0.0.1:{port}", http, folder), process
        assert process.stdin is not None
        await process.stdin.aclose()
        with anyio.fail_after(SECONDS):
            await process.wait()


def peak(process: Process) -> int:
    """The most memory the process ever held, in kB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


async def pieces(message: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(message), 1 << 18):
        yield message[start : start + (1 << 18)]


def large(message: bytes) -> bytes:
    """The message with its one argument `@` made large."""
    return message.replace(b"@", b"x" * LARGE)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to measure memory")
@pytest.mark.parametrize("era", ["stateful", "stateless"])
async def test_large_bodies_pass_and_memory_stays_bounded(era: str, tmp_path: Path) -> None:
    async with apart(tmp_path) as (world, process):

        async def ask(message: dict[str, Any]) -> Any:
            whole = message if era == "stateful" else stateless(message)
            headers = session if era == "stateful" else mirrored(whole)
            body = large(json.dumps(whole).encode())
            async with world.http.post(world.url + "/mcp", data=pieces(body), headers=headers) as response:
                assert response.status == 200
                return await response.json()

        session = await world.open() if era == "stateful" else BOTH
        assert (await ask(call(1, "size", text="@")))["result"] == {"size": LARGE}
        up = peak(process)
        assert len((await ask(call(2, "big", size=LARGE)))["result"]["text"]) == LARGE
        down = peak(process)
    assert max(up, down) < LIMIT_KB
