"""A listener of several workers as a process, an HTTP server behind it, and raw exchanges. Every wait is bounded."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
from aiohttp import web
from tests.edge.recorded import sessions

from interpose.core.recording.entry import Entry

INTERPOSE = (sys.executable, "-m", "interpose", "run", "--listen", "127.0.0.1:0")
ROOT = Path(__file__).parents[3]
BOTH = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
SESSION = "Mcp-Session-Id"
SECONDS = 30.0
Json = dict[str, Any]


def opening() -> Json:
    info = {"name": "raw", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
    return {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}


def call(ident: int, text: str = "hi") -> Json:
    params = {"name": "echo", "arguments": {"text": text}}
    return {"jsonrpc": "2.0", "id": ident, "method": "tools/call", "params": params}


class Origin:
    """An HTTP server that mints session ids, with a GET stream for each and HTTP+SSE beside; `port` is its own.
    `/moved` sends clients on to another path, which is like any other.

    `asked` counts the calls in sessions, which are answered while `answers` is set.
    """

    def __init__(self) -> None:
        self.port = 0
        self.opened = 0
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self._streams: dict[str, asyncio.Queue[bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/moved":
            return web.Response(status=308, headers={"Location": "/final?of=/moved"})
        if request.path == "/messages":
            self._streams[request.query_string].put_nowait(await _echo(request))
            return web.Response(status=202)
        if request.method == "GET":
            return await self._stream(request)
        if SESSION in request.headers:
            self.asked += 1
            await self.answers.wait()
            return web.Response(body=await _echo(request), content_type="application/json")
        self.opened += 1
        answer = {"jsonrpc": "2.0", "id": 0, "result": {"protocolVersion": "2025-11-25", "capabilities": {}}}
        return web.json_response(answer, headers={SESSION: f"session-{self.opened}"})

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.headers.get(SESSION)
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await reply.prepare(request)
        if name is None:
            self.opened += 1
            name = f"session_id={self.opened}"
            await reply.write(f"event: endpoint\ndata: /messages?{name}\n\n".encode())
        else:
            await reply.write(b": here\n\n")
        self._streams[name] = queue = asyncio.Queue()
        while True:
            await reply.write(b"data: " + await queue.get() + b"\n\n")

    def tell(self, name: str, message: Json) -> None:
        """Say something on a session's stream."""
        self._streams[name].put_nowait(json.dumps(message).encode())


async def _echo(request: web.BaseRequest) -> bytes:
    asked = json.loads(await request.read())
    answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {"content": [], "for": request.headers.get(SESSION)}}
    return json.dumps(answer).encode()


@asynccontextmanager
async def origin() -> AsyncIterator[Origin]:
    """A server that runs within the block."""
    made = Origin()
    runner = web.ServerRunner(web.Server(made.handle, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()


class Front:
    """A parent and its workers that run."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, log: Path) -> None:
        self.process = process
        self.folder = folder
        self._log = log
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def log(self) -> str:
        return self._log.read_text()

    async def says(self, text: str) -> None:
        """Wait until this stands on standard error."""
        with anyio.fail_after(SECONDS):
            while text not in self.log():
                assert self.process.returncode is None, self.log()
                await anyio.sleep(0.01)

    def workers(self) -> list[int]:
        """Process ids (Linux)."""
        return children(self.process.pid)

    def held(self, pid: int) -> set[str]:
        """The recordings that a worker has open (Linux)."""
        found = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
            except OSError:
                continue
            if target.startswith(str(self.folder)):
                found.add(Path(target).name)
        return found

    async def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """The exit status, and the seconds it took. What a terminal sends, it sends to all of them."""
        began = time.monotonic()
        if number in (signal.SIGINT, signal.SIGHUP):
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        with anyio.fail_after(SECONDS):
            status = await self.process.wait()
        return status, time.monotonic() - began

    def recordings(self) -> list[list[Entry]]:
        """What was recorded, session by session."""
        return sessions(self.folder)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@asynccontextmanager
async def fronting(
    folder: Path, server: Sequence[str], policy: Path | None = None, count: int = 2, seconds: float = SECONDS
) -> AsyncIterator[Front]:
    """A front that runs within the block. Where it is still there at the end, it ends in order."""
    record, log = folder / "recordings", folder / "stderr"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *INTERPOSE,
            *("--workers", str(count), "--record", f"{record}/"),
            *(() if policy is None else ("--policy", str(policy))),
            *(("--upstream", *server) if server[0].startswith("http") else ("--", *server)),
            stderr=sink,
            cwd=ROOT,
            start_new_session=True,
        )
    front = Front(process, record, log)
    try:
        await front.says("listening on")
        found = re.search(r":(\d+)/mcp", front.log())
        assert found
        front.port = int(found[1])
        yield front
        if process.returncode is None:
            status, _ = await front.stop()
            assert status == 0, front.log()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(done: Callable[[], bool]) -> None:
    with anyio.fail_after(SECONDS):
        while not done():  # noqa: ASYNC110 - another process does it
            await anyio.sleep(0.01)


def gone(pids: Iterable[int]) -> bool:
    """Whether none of these processes is left (Linux)."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def start(front: Front, http: aiohttp.ClientSession) -> str:
    """Open a session; its id."""
    async with http.post(front.url, json=opening(), headers=BOTH) as reply:
        assert reply.status == 200, await reply.text()
        await reply.read()
        return reply.headers[SESSION]


async def ask(front: Front, http: aiohttp.ClientSession, session: str, ident: int) -> Json:
    """Call a tool in a session; the answer."""
    async with http.post(front.url, json=call(ident), headers={**BOTH, SESSION: session}) as reply:
        assert reply.status == 200, (reply.status, await reply.text())
        answer: Json = await reply.json(content_type=None)
        return answer


def client(connections: int = 0) -> aiohttp.ClientSession:
    """Raw HTTP over so many connections; 0 is as many as it takes, each used once."""
    connector = aiohttp.TCPConnector(limit=connections, force_close=connections == 0)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(SECONDS))
