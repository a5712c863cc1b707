"""`interpose run --upstream` as a process between a client's pipes and a server's sockets: ends, signals, size."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import mcp_types
import pytest
from aiohttp import web
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client, StdioServerParameters
from tests.edge.http_server_peers import (
    INITIALIZED,
    Request,
    Stateful,
    bounded,
    initialize,
    no_stream,
    request,
    serving,
    streaming,
)
from tests.edge.processes import INTERPOSE, entries, peak_memory, run

PY_SERVER = Path(__file__).parents[1] / "real" / "peers" / "py_server.py"
MEGABYTE = 1 << 20


def bridge(url: str, record: Path | None = None) -> list[str]:
    return [*INTERPOSE, "run", *(["--record", str(record)] if record else []), "--upstream", url]


class Shim:
    """A running bridge, as its client sees it."""

    def __init__(self, process: Process) -> None:
        assert process.stdin
        assert process.stdout
        self.process = process
        self._stdin = process.stdin
        self._stdout = BufferedByteReceiveStream(process.stdout)

    async def say(self, *messages: Any) -> None:
        await self._stdin.send(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    async def hear(self, longest: int = MEGABYTE) -> bytes:
        return await self._stdout.receive_until(b"\n", longest)

    async def close(self) -> None:
        await self._stdin.aclose()

    async def ended(self) -> tuple[int, bytes]:
        """The exit status and what people read."""
        assert self.process.stderr
        said = b"".join([chunk async for chunk in self.process.stderr])
        return await self.process.wait(), said


@asynccontextmanager
async def shimmed(url: str, record: Path | None = None) -> AsyncIterator[Shim]:
    async with await anyio.open_process(bridge(url, record)) as process:
        try:
            yield Shim(process)
        finally:
            if process.returncode is None:
                process.kill()


@contextmanager
def real_server(way: str) -> Iterator[str]:
    """The Python SDK's server over HTTP or HTTP+SSE, until the block ends."""
    command = [sys.executable, str(PY_SERVER), f"--{way}", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            assert process.stderr
            found = next(filter(None, (re.match(rb"listening (\d+)", line) for line in process.stderr)))
            yield f"http://127.0.0.1:{int(found[1])}/{'sse' if way == 'sse' else 'mcp'}"
        finally:
            process.terminate()
            process.communicate(timeout=10)


@pytest.mark.real
@pytest.mark.parametrize(
    ("way", "mode", "version"),
    [
        ("http", "auto", "2026-07-28"),
        ("http", "legacy", "2025-11-25"),
        ("http", "2026-07-28", "2026-07-28"),
        ("sse", "auto", "2025-11-25"),
    ],
)
def test_the_sdks_client_on_stdio_uses_the_sdks_server_over_http(
    way: str, mode: Any, version: str, tmp_path: Path
) -> None:
    record = tmp_path / "session.jsonl"

    async def elicit(context: Any, params: Any) -> mcp_types.ElicitResult:
        return mcp_types.ElicitResult(action="accept", content={"name": "Ada", "age": 36})

    @bounded
    async def talk(url: str) -> None:
        command, *arguments = bridge(url, record)
        parameters = StdioServerParameters(command=command, args=arguments)
        async with Client(parameters, mode=mode, elicitation_callback=elicit) as client:
            assert client.protocol_version == version
            assert "ask_form" in {tool.name for tool in (await client.list_tools()).tools}
            asked = await client.call_tool("ask_form", {})
            assert asked.content == [mcp_types.TextContent(type="text", text="Ada is 36")]

    with real_server(way) as url:
        talk(url)
    assert entries(record)[-1]["reason"] == "client closed"
    assert entries(record)[-1]["waiting"] == []


@bounded
async def test_what_is_piped_in_is_answered_before_the_end(tmp_path: Path) -> None:
    record = tmp_path / "session.jsonl"
    async with serving(Stateful(no_stream)) as peer, shimmed(peer.url, record) as shim:
        await shim.say(initialize(), INITIALIZED, request("tools/list", 1))
        await shim.close()
        assert [json.loads(await shim.hear())["id"] for _ in range(2)] == [0, 1]
        assert await shim.ended() == (0, b"")
    assert [each.verb for each in peer.seen] == ["POST", "POST", "GET", "POST", "DELETE"]
    assert entries(record)[-1]["reason"] == "client closed"


@bounded
async def test_a_signal_ends_the_session_at_the_server_too(tmp_path: Path) -> None:
    record = tmp_path / "session.jsonl"
    async with serving(Stateful(no_stream)) as peer, shimmed(peer.url, record) as shim:
        await shim.say(initialize())
        await shim.hear()
        shim.process.send_signal(signal.SIGTERM)
        assert await shim.ended() == (143, b"")
    assert len(peer.of("DELETE")) == 1
    assert entries(record)[-1]["reason"] == "signal SIGTERM"


@bounded
async def test_a_client_that_reads_no_more_ends_the_session() -> None:
    ours, theirs = os.pipe()
    async with serving(Stateful(no_stream)) as peer, await anyio.open_process(bridge(peer.url), stdout=theirs) as shim:
        os.close(theirs)
        assert shim.stdin
        await shim.stdin.send(json.dumps(initialize()).encode() + b"\n")
        assert await anyio.to_thread.run_sync(os.read, ours, MEGABYTE)
        os.close(ours)
        await shim.stdin.send(json.dumps(request("ping", 1)).encode() + b"\n")
        assert await shim.wait() == 0
    assert len(peer.of("DELETE")) == 1


@bounded
async def test_the_loss_of_an_sse_stream_is_an_exit_status_and_one_line(tmp_path: Path) -> None:
    over = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        if said.verb == "POST":
            return web.Response(status=405)
        stream = await streaming(said, b"event: endpoint\ndata: /mcp\n\n")
        await over.wait()
        return stream

    async def lose(said: Request) -> web.StreamResponse:
        if said.verb == "POST" and len(peer.of("GET")) == 1:
            over.set()
            return web.Response(status=202)
        return await script(said)

    async with serving(lose) as peer, shimmed(peer.url, tmp_path / "session.jsonl") as shim:
        await shim.say(initialize())
        assert json.loads(await shim.hear())["error"]["code"] == -31000
        status, said = await shim.ended()
    assert status == 3
    assert said.count(b"\n") == 1
    assert b"the server ended its stream" in said
    assert entries(tmp_path / "session.jsonl")[-1]["reason"] == "server lost"


def test_a_server_that_is_not_there_at_the_start_is_an_exit_status_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    ended = run(bridge(f"http://127.0.0.1:{port}/mcp"))
    assert ended.returncode == 3
    assert ended.stderr.count(b"\n") == 1
    assert ended.stdout == b""


@pytest.mark.parametrize("form", ["body", "event"])
@bounded
async def test_a_huge_answer_passes_in_bounded_memory(form: str, tmp_path: Path) -> None:
    size = 64 * MEGABYTE
    head, tail = b'{"jsonrpc":"2.0","id":1,"result":{"text":"', b'"}}'

    async def script(said: Request) -> web.StreamResponse:
        if form == "event":
            response = await streaming(said, b"data: " + head)
        else:
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(said.http)
            await response.write(head)
        for _ in range(64):
            await response.write(b"x" * MEGABYTE)
        await response.write(tail + b"\n\n")
        return response

    async with serving(script) as peer, shimmed(peer.url, tmp_path / "session.jsonl") as shim:
        await shim.say(request("tools/call", 1))
        line = await shim.hear(size + MEGABYTE)
        assert len(line.strip()) == len(head) + size + len(tail)
        assert peak_memory(shim.process.pid) < 300 * MEGABYTE
        await shim.close()
        assert (await shim.ended())[0] == 0
    assert (tmp_path / "session.jsonl").stat().st_size > size


@bounded
async def test_a_huge_request_passes_in_bounded_memory() -> None:
    async with serving(no_stream) as peer, shimmed(peer.url) as shim:
        await shim.say(request("tools/call", 1, text="x" * (64 * MEGABYTE)))
        assert json.loads(await shim.hear())["id"] == 1
        assert peak_memory(shim.process.pid) < 300 * MEGABYTE
        await shim.close()
        assert (await shim.ended())[0] == 0
    assert len(peer.seen[0].raw) > 64 * MEGABYTE
