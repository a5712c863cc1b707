"""A session of HTTP clients with a child process of its own: its life, and the record of its exchanges.

Ends when its child exits, when its client says so, when nobody came for long, or when interpose stops. Whichever comes
first, the child is ended, what waits is answered, and the recording gets its last line.
"""

import asyncio
from collections.abc import Callable, Sequence

import anyio
from aiohttp import web

from interpose.core.bridge.lanes import Lanes, SessionLanes, SharedLanes
from interpose.core.errors import EndError
from interpose.core.events import Closed, End, Frame, Headers, Received, Requested, Responded
from interpose.core.wire.message import Message
from interpose.edge import stderr
from interpose.edge.link import FAULT, Link
from interpose.edge.runner import Conversation, pump
from interpose.edge.transports import process
from interpose.edge.transports.exchange import text
from interpose.edge.transports.http_client import HttpClientLink
from interpose.edge.transports.http_client_shared import SharedServerLink
from interpose.edge.transports.http_client_stream import Patience
from interpose.edge.transports.stdio import StdioLink

_LAST_WORDS = 0.3  # how long after the child's exit its pipes may stay open: a grandchild can hold them for ever
_FAREWELL = 1.0  # how long clients may take to read the last answers
Close = Callable[[Conversation, str], None]


class HostedSession:
    """One child and the clients it serves. `run` must be running; `ready` is set when the child is, or cannot be.

    `owner` is who opened it, as a digest. `problem` says why there is no child.
    """

    def __init__(self, conversation: Conversation, lanes: Lanes, owner: bytes, patience: Patience) -> None:
        self.conversation = conversation
        self.owner = owner
        self.client = HttpClientLink(lanes, conversation.hear, conversation.clock, patience)
        self.ready = asyncio.Event()
        self.problem = ""
        self.status: int | None = None
        self._lanes = lanes
        self._patience = patience
        self._server: Link | None = None
        self._leaving = asyncio.Event()
        self._silent = asyncio.Event()
        self._reason = "server exited"
        self._count = 0

    @property
    def over(self) -> bool:
        """Whether it takes no more requests."""
        return self._leaving.is_set()

    def leave(self, reason: str) -> None:
        """End the session; `run` does it."""
        if not self.over:
            self._reason = reason
            self._leaving.set()

    async def run(self, command: Sequence[str], echo: stderr.Echo, close: Close) -> None:
        """Start the child and run to the end of the session."""
        try:
            child = await process.start(command)
        except EndError as error:
            self.problem = str(error)
            self.conversation.tell("server", "note", self.problem)
            self.leave("the server could not be started")
        else:
            await self._serve(child, echo)
        finally:
            self.ready.set()
            self._leaving.set()
            await self._part(close)

    # --- what the door says of an exchange ---------------------------------------------------------------------------

    def begin(self, request: web.BaseRequest) -> str:
        """An exchange begins. Returns its channel."""
        self._count += 1
        channel = f"x{self._count}"
        headers = text(request.raw_headers)
        self._hear(Requested(self._now(), channel, request.method, request.raw_path, headers))
        return channel

    def said(self, end: End, channel: str, frame: Frame) -> None:
        """One end said something on an exchange."""
        self._hear(Received(self._now(), end, channel, frame))

    def posted(self, channel: str, message: Message) -> None:
        """The client posted a message."""
        self.said("client", channel, Frame(message.raw, message, wire="body"))

    def responded(self, channel: str, status: int, headers: Headers) -> None:
        """An exchange is answered."""
        self._hear(Responded(self._now(), channel, status, headers))

    def ended(self, channel: str, delivered: bool) -> None:
        """An exchange is over; without a reply in full, because its client left or was cut off."""
        end: End = "server" if delivered else "client"
        reason = "end" if delivered else "disconnect"
        if self.client.was_cut(channel):
            end, reason = "server", FAULT
        self._hear(Closed(self._now(), end, channel, reason))
        if self.client.shut(channel) and isinstance(self._server, SharedServerLink):
            told = self._server.cancel(channel)
            if told:
                self.conversation.tell("client", "note", f"the server was told that {channel} is cancelled")

    def answered(self, channel: str, status: int, headers: Headers) -> None:
        """An exchange was answered at once, with nothing for the other end."""
        self.responded(channel, status, headers)
        self.ended(channel, delivered=True)

    async def room(self) -> None:
        """Wait until the child takes more."""
        if self._server is not None:
            await self._server.room()

    # --- the child's life --------------------------------------------------------------------------------------------

    async def _serve(self, child: process.Child, echo: stderr.Echo) -> None:
        stdio = StdioLink("server", child.stdout, child.stdin, self.conversation.clock)
        server: Link = stdio
        if isinstance(self._lanes, SharedLanes):
            server = SharedServerLink(stdio, self.conversation.core.home)
        self._server = server
        self.conversation.deliver_to(self.client, server)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stdio.write_loop)
            tasks.start_soon(self._downward, child, server, echo)
            tasks.start_soon(self._watch_exit, child)
            if isinstance(self._lanes, SessionLanes):  # the others need no end of their own: PROTOCOL 2.3, 2.4
                tasks.start_soon(self._watch_idle)
            self.ready.set()
            await self._leaving.wait()
            await server.finish()
            self.status = await child.stop()
            with anyio.move_on_after(_LAST_WORDS):
                await self._silent.wait()
            tasks.cancel_scope.cancel()
        self.conversation.tell("server", "exit", str(self.status))

    async def _downward(self, child: process.Child, server: Link, echo: stderr.Echo) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stderr.relay, child.stderr, self.conversation, echo)
            await pump(self.conversation, server, self.client)
            self.leave("server exited")
        self._silent.set()

    async def _watch_exit(self, child: process.Child) -> None:
        await child.ended()
        self.leave("server exited")

    async def _watch_idle(self) -> None:
        while True:
            await self.client.quiet.wait()
            visits = self.client.visits
            await anyio.sleep(self._patience.idle)
            if self.client.quiet.is_set() and self.client.visits == visits:
                self.leave("nobody came for long")
                return

    async def _part(self, close: Close) -> None:
        """Answer what waits, let the clients read it, write the last line."""
        self.client.fail(self.problem or f"the server exited with status {self.status}")
        await self.client.finish()
        with anyio.move_on_after(_FAREWELL):
            await self.client.quiet.wait()
        close(self.conversation, self._reason)

    def _now(self) -> float:
        return self.conversation.clock()

    def _hear(self, event: Requested | Responded | Received | Closed) -> None:
        self.conversation.hear(event)
