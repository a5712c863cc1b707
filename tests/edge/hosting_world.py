"""A host of puppets or of real servers behind a real listener, and raw HTTP to talk to it. Every wait is bounded."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
from tests.edge.recorded import sessions

from interpose.core.recording.entry import Entry
from interpose.edge.conversations import Conversations
from interpose.edge.hosting import ChildHost
from interpose.edge.transports.http_client_stream import Patience
from interpose.edge.transports.listener import Listener

PUPPET = (sys.executable, str(Path(__file__).parent / "hosting_puppet.py"))
BOTH = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
STATELESS = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": STATELESS,
    "io.modelcontextprotocol/clientCapabilities": {},
}
SECONDS = 20.0
Json = dict[str, Any]


def request(ident: Any, method: str, **params: Any) -> Json:
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}


def call(ident: Any, name: str, token: Any = None, **arguments: Any) -> Json:
    meta = {} if token is None else {"_meta": {"progressToken": token}}
    return request(ident, "tools/call", name=name, arguments=arguments, **meta)


def notification(method: str, **params: Any) -> Json:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def opening(version: str = "2025-11-25", **more: Any) -> Json:
    info = {"name": "raw", "version": "1"}
    return request(0, "initialize", protocolVersion=version, capabilities={}, clientInfo=info, **more)


def stateless(message: Json) -> Json:
    """The message as 2026-07-28 has it."""
    params = message["params"]
    return {**message, "params": {**params, "_meta": {**META, **params.get("_meta", {})}}}


def mirrored(message: Json) -> dict[str, str]:
    """The headers that go with a stateless message."""
    headers = {**BOTH, "MCP-Protocol-Version": STATELESS, "Mcp-Method": message["method"]}
    if message["method"] == "tools/call":
        headers["Mcp-Name"] = message["params"]["name"]
    return headers


class Events:
    """The blocks of an event stream, one at a time."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def block(self) -> str:
        """The next block; empty at the end."""
        lines = []
        with anyio.fail_after(SECONDS):
            while line := (await self._response.content.readline(max_line_length=1 << 24)).decode():
                if line == "\n":
                    break
                lines.append(line)
        return "".join(lines)

    async def message(self) -> Any:
        """The message of the next block that has one; None at the end."""
        while block := await self.block():
            data = [line[6:] for line in block.splitlines() if line.startswith("data: ")]
            if data:
                return json.loads("\n".join(data))
        return None


class World:
    """The host, and a client's connections to it."""

    def __init__(self, url: str, http: aiohttp.ClientSession, folder: Path) -> None:
        self.url = url
        self.http = http
        self._folder = folder

    def post(self, message: Any, headers: dict[str, str] | None = None, path: str = "/mcp") -> Any:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.http.post(self.url + path, data=body, headers=BOTH if headers is None else headers)

    def send(self, message: Json) -> Any:
        """POST a stateless message."""
        whole = stateless(message)
        return self.post(whole, mirrored(whole))

    async def open(self, headers: dict[str, str] | None = None) -> dict[str, str]:
        """Begin a session; the headers of its later requests."""
        async with self.post(opening(), {**BOTH, **(headers or {})}) as response:
            assert response.status == 200
            await response.read()
            return {**BOTH, **(headers or {}), "Mcp-Session-Id": response.headers["Mcp-Session-Id"]}

    async def ask(self, message: Json, headers: dict[str, str]) -> Any:
        """POST a request that is answered at once."""
        async with self.post(message, headers) as response:
            return await response.json()

    async def recorded(self, text: str) -> None:
        """Wait until this stands in a recording: the host has taken it in."""
        with anyio.fail_after(SECONDS):
            while True:
                if text in self.text():
                    return
                await anyio.sleep(0.01)

    def text(self) -> str:
        """All recordings as they are in the files."""
        return "".join(path.read_text() for path in self._folder.iterdir())

    def recordings(self) -> list[list[Entry]]:
        """What was recorded, session by session; the host must have stopped."""
        return sessions(self._folder)


def kinds(entries: Sequence[Entry], kind: str) -> list[Entry]:
    return [entry for entry in entries if entry.kind == kind]


def messages(entries: Sequence[Entry]) -> list[tuple[str, str, Any]]:
    """Who said what on which channel."""
    return [
        (entry.end or "", entry.channel, json.loads(entry.payload() or b"null")) for entry in kinds(entries, "message")
    ]


@asynccontextmanager
async def hosting(
    folder: Path,
    command: Sequence[str] = PUPPET,
    echo: Callable[[bytes], None] = lambda _: None,
    alarm: str = "",
    **patience: float,
) -> AsyncIterator[World]:
    """A host that listens, and stops with the block. People are told of nothing but what `alarm` names."""
    server = {"transport": "stdio", "name": "puppet", "command": list(command)}
    alarms: list[str] = []
    conversations = Conversations(f"{folder}/", server, alarms.append)
    listener = Listener(ChildHost(command, conversations, echo, Patience(**patience)), "127.0.0.1", 0)
    await listener.start()
    try:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            yield World(f"http://127.0.0.1:{listener.port}", http, folder)
    finally:
        with anyio.fail_after(SECONDS):
            await listener.stop()
        assert [alarm in each for each in alarms] == [True] * bool(alarm)
