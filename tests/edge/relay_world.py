"""A relay between two raw sockets: the test is the client and the server, and says and hears exact bytes."""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from tests.edge.recorded import sessions

from interpose.core.recording.entry import Entry
from interpose.core.wire.message import parse
from interpose.edge.conversations import Conversations
from interpose.edge.relay import Relay
from interpose.edge.transports.listener import Listener

SECONDS = 20.0
JSON = "Content-Type: application/json"
EVENTS = "Content-Type: text/event-stream"
CHUNKED = "Transfer-Encoding: chunked"
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
PONG = b'{"jsonrpc":"2.0","id":1,"result":{}}'
OPENING = b'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}'
OPENED = b'{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}'


class Wire:
    """One end of a connection, byte by byte. Every wait is bounded."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, *data: bytes) -> None:
        self._writer.write(b"".join(data))
        with anyio.fail_after(SECONDS):
            await self._writer.drain()

    async def chunk(self, data: bytes) -> None:
        """A piece of a chunked body; an empty one is its end."""
        await self.say(b"%x\r\n%b\r\n" % (len(data), data))

    async def head(self) -> bytes:
        """A start line and headers, with the blank line."""
        with anyio.fail_after(SECONDS):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def exactly(self, size: int) -> bytes:
        with anyio.fail_after(SECONDS):
            return await self._reader.readexactly(size)

    async def hear_chunk(self) -> bytes:
        """The next piece of a chunked body as it was framed; empty at its end."""
        with anyio.fail_after(SECONDS):
            size = int(await self._reader.readuntil(b"\r\n"), 16)
        return (await self.exactly(size + 2))[:-2]

    async def hears(self, expected: bytes) -> None:
        """These bytes of a chunked body come next, however they are framed."""
        heard = b""
        while len(heard) < len(expected):
            piece = await self.hear_chunk()
            assert piece, f"the body ended after {heard!r}"
            heard += piece
        assert heard == expected

    async def body(self, head: bytes) -> bytes:
        """The body that goes with a head."""
        if b"transfer-encoding: chunked" in head.lower():
            pieces = []
            while piece := await self.hear_chunk():
                pieces.append(piece)
            return b"".join(pieces)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return await self.exactly(int(length[1])) if length else b""

    async def message(self) -> tuple[bytes, bytes]:
        """A request or reply, whole."""
        head = await self.head()
        return head, await self.body(head)

    async def more(self) -> bytes:
        """Whatever comes next; nothing at the end. Raises ConnectionError."""
        with anyio.fail_after(SECONDS):
            return await self._reader.read(1 << 16)

    async def rest(self) -> bytes:
        """Everything until the other side closes; a reset counts as an end."""
        with anyio.fail_after(SECONDS):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            pass

    def reset(self) -> None:
        """Leave without a goodbye: what was not sent is lost, and the other side gets an error."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Ends:
    """The client's side and the server's of a relay that runs."""

    def __init__(self, port: int, upstream: str, accepted: "asyncio.Queue[Wire]", folder: Path) -> None:
        self.port = port
        self.upstream = upstream
        self._accepted = accepted
        self._folder = folder
        self._wires: list[Wire] = []

    async def client(self) -> Wire:
        """A new connection to the relay."""
        return self._kept(Wire(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)))

    async def server(self) -> Wire:
        """The next connection that the relay makes to the server."""
        with anyio.fail_after(SECONDS):
            return self._kept(await self._accepted.get())

    @property
    def is_idle_upstream(self) -> bool:
        """Whether no further connection was made to the server."""
        return self._accepted.empty()

    async def exchange(self, request: bytes, *answer: bytes) -> tuple[Wire, Wire, bytes]:
        """One exchange on new connections: both wires, and the request as it reached the server."""
        client = await self.client()
        await client.say(request)
        server = await self.server()
        head, body = await server.message()
        await server.say(*answer)
        return client, server, head + body

    async def recorded(self, text: str) -> None:
        """Wait until this stands in a recording."""
        with anyio.fail_after(SECONDS):
            while True:
                if text in self.text():
                    return
                await anyio.sleep(0.005)

    def text(self) -> str:
        return "".join(path.read_text() for path in sorted(self._folder.iterdir()))

    def recordings(self) -> list[list[Entry]]:
        """What was recorded, session by session in the order of their opening."""
        return sessions(self._folder)

    async def close(self) -> None:
        while not self._accepted.empty():
            self._wires.append(self._accepted.get_nowait())
        for wire in self._wires:
            await wire.close()

    def _kept(self, wire: Wire) -> Wire:
        self._wires.append(wire)
        return wire


@asynccontextmanager
async def relaying(
    folder: Path, path: str = "/mcp", host: str = "127.0.0.1", scheme: str = "http", port: int = 0, alarm: str = ""
) -> AsyncIterator[Ends]:
    """A relay that runs within the block. Nothing may go wrong behind its back: no forgotten exception, no alarm but
    the one that `alarm` names.

    `port` is one where no server is.
    """
    accepted: asyncio.Queue[Wire] = asyncio.Queue()
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    server = await asyncio.start_server(lambda r, w: accepted.put_nowait(Wire(r, w)), "127.0.0.1", 0, limit=1 << 20)
    origin = f"{scheme}://127.0.0.1:{port or server.sockets[0].getsockname()[1]}"
    conversations = Conversations(
        f"{folder}/", {"transport": "http", "name": "raw", "url": origin + path}, complaints.append
    )
    listener = Listener(Relay(origin + path, conversations), host, 0)
    await listener.start()
    ends = Ends(listener.port, origin, accepted, folder)
    try:
        yield ends
    finally:
        with anyio.fail_after(SECONDS):
            await ends.close()
            await listener.stop()
            server.close()
            await ends.close()  # what came in the meantime
        assert [alarm in str(each) for each in complaints] == [True] * bool(alarm)


def request(method: str, *headers: str, body: bytes | None = None, path: str = "/mcp") -> bytes:
    """A request's bytes; a body brings its length."""
    length = [] if body is None else [f"Content-Length: {len(body)}"]
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, *length, "", ""]
    return "\r\n".join(lines).encode() + (body or b"")


def post(body: bytes, *headers: str, path: str = "/mcp") -> bytes:
    return request("POST", JSON, *headers, body=body, path=path)


def reply(status: str, *headers: str, body: bytes | None = None) -> bytes:
    """A reply's bytes; a body brings its length."""
    length = [] if body is None else [f"Content-Length: {len(body)}"]
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, *length, "", ""]).encode() + (body or b"")


def kinds(entries: list[Entry], kind: str) -> list[Entry]:
    return [entry for entry in entries if entry.kind == kind]


def said(entries: list[Entry], end: str | None = None) -> list[Any]:
    """The JSON-RPC messages of a recording, of one end or of both."""
    found = [parse(entry.payload() or b"") for entry in kinds(entries, "message") if end in (None, entry.end)]
    return [message for message in found if isinstance(message, dict)]


def closings(entries: list[Entry]) -> list[tuple[str, str]]:
    """Who ended the exchanges, and how."""
    return [(entry.end or "", entry.reason) for entry in kinds(entries, "closed")]
