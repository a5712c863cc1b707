"""How much later a streamed event arrives than it does through plain mitmproxy, side by side in one run."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.edge.relay_world import CHUNKED, EVENTS, JSON, OPENING, reply
from tests.real.conftest import free_port, spawned, wait_until
from tests.real.tls.authority import Authority
from tests.real.tls.world import MITMDUMP, Interception, Server, intercepting, ports_of, serving

pytestmark = pytest.mark.real

EVENT = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n'
MOST_ADDED = 0.010
BOTH = "Accept: application/json, text/event-stream"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def bare(folder: Path, authority: Authority) -> Iterator[Interception]:
    """A mitmdump without us, that streams as it does with us."""
    script, port = folder / "stream.py", free_port()
    script.write_text("def responseheaders(flow):\n    flow.response.stream = True\n")
    command = [str(MITMDUMP), "-q", "--listen-host", "127.0.0.1", "--listen-port", str(port), "-s", str(script)]
    settings = {"confdir": folder / "conf", "connection_strategy": "lazy", "upstream_cert": "false"}
    settings["ssl_verify_upstream_trusted_ca"] = authority.certificate
    command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    with spawned(command, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: port in ports_of(process.pid), process)
        yield Interception(process, port, folder)


async def delays(interception: Interception, server: Server) -> list[float]:
    """Seconds from a server's write to the client's read, for events of one stream."""
    client = await server.client(interception)
    lines = ["POST /mcp HTTP/1.1", f"Host: localhost:{server.port}", BOTH, "MCP-Protocol-Version: 2025-11-25", JSON]
    await client.say("\r\n".join([*lines, f"Content-Length: {len(OPENING)}", "", ""]).encode() + OPENING)
    wire = await server.wire()
    await wire.message()
    await wire.say(reply("200 OK", EVENTS, CHUNKED))
    await client.head()
    found = []
    for _ in range(20):
        began = time.perf_counter()
        await wire.chunk(EVENT)
        await client.hears(EVENT)
        found.append(time.perf_counter() - began)
    return found


@pytest.mark.anyio
async def test_an_event_comes_hardly_later_than_through_plain_mitmproxy(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    with intercepting(tmp_path / "ours", authority) as ours, bare(tmp_path / "ours", authority) as plain:
        async with serving(authority.sign("server")) as server:
            without, through = [], []
            for _ in range(8):
                without += await delays(plain, server)
                through += await delays(ours, server)
    assert statistics.median(through) - statistics.median(without) < MOST_ADDED
