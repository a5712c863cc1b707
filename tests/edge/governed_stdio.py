"""Sessions whose client is on stdio, within this process, so that a test can put its own policy in force."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from interpose.edge.conversations import Conversations
from interpose.edge.local import LocalSession
from interpose.edge.remote import RemoteSession
from interpose.edge.runner import Conversation
from interpose.edge.transports import process
from interpose.edge.transports.http_server import HttpServerLink
from interpose.edge.transports.stdio import StdioLink

SECONDS = 20.0
CHILD = (sys.executable, str(Path(__file__).parent / "governed_child.py"))
Begin = Callable[[Conversation, StdioLink], Coroutine[Any, Any, int]]


class Lines:
    """The client: says messages, and hears what comes on its line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, *messages: Any) -> None:
        self._writer.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    async def hear(self) -> Any:
        with anyio.fail_after(SECONDS):
            return json.loads(await self._reader.readline())

    async def ask(self, message: Any) -> Any:
        self.say(message)
        return await self.hear()

    async def more(self) -> bytes:
        """Whatever comes next."""
        with anyio.fail_after(SECONDS):
            return await self._reader.read(1 << 16)

    async def end(self) -> bytes:
        """What is said until the other side closes."""
        with anyio.fail_after(SECONDS):
            return await self._reader.read()

    async def rest(self) -> bytes:
        """What is said after the client has closed its end."""
        self._writer.write_eof()
        return await self.end()

    async def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def _on_stdio(folder: Path, begin: Begin) -> AsyncIterator[Lines]:
    alarms: list[str] = []
    conversations = Conversations(str(folder / "r.jsonl"), {"transport": "test", "name": "child"}, alarms.append)
    ours, theirs = socket.socketpair()
    conversation = conversations.open({"transport": "stdio"})
    client = StdioLink("client", *(await asyncio.open_connection(sock=ours)), conversation.clock)
    lines = Lines(*(await asyncio.open_connection(sock=theirs, limit=1 << 20)))
    session = asyncio.create_task(begin(conversation, client))
    try:
        yield lines
    finally:
        await lines.close()
        with anyio.fail_after(SECONDS):
            await session
        assert alarms == []


@asynccontextmanager
async def local(folder: Path, command: Sequence[str] = CHILD) -> AsyncIterator[Lines]:
    """A client in front of a child."""
    child = await process.start(command)
    async with _on_stdio(folder, lambda talk, link: LocalSession(talk, child, link, lambda _: None).run()) as lines:
        yield lines


@asynccontextmanager
async def remote(folder: Path, url: str) -> AsyncIterator[Lines]:
    """A client in front of a server over HTTP."""

    def begin(conversation: Conversation, link: StdioLink) -> Coroutine[Any, Any, int]:
        server = HttpServerLink(url, conversation.clock, (("Authorization", "Bearer a"),))
        return RemoteSession(conversation, server, link, lambda _: None).run()

    async with _on_stdio(folder, begin) as lines:
        yield lines
