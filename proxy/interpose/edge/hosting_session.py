"""A session of HTTP clients with a server of its own: its life, and the record of its exchanges.

Ends when its server does, when its client says so, when nobody came for long, or when interpose stops. Whichever comes
first, the server is ended, what waits is answered, and the recording gets its last line.
"""

import asyncio
from collections.abc import Callable

import anyio
from aiohttp import web

from interpose.core.bridge.lanes import Lanes, SessionLanes, SharedLanes
from interpose.core.events import Closed, End, Frame, Headers, Received, Requested, Responded
from interpose.core.wire.message import Message
from interpose.edge.link import FAULT, Link
from interpose.edge.runner import Conversation
from interpose.edge.transports.http_client import HttpClientLink
from interpose.edge.transports.http_client_shared import SharedServerLink
from interpose.edge.transports.http_client_stream import Patience
from interpose.edge.transports.raw_headers import text

_FAREWELL = 1.0  # how long clients may take to read the last answers
Close = Callable[[Conversation, str], None]


class HostedSession:
    """One server and the clients it serves. `run` must be running; `ready` is set when the server is, or cannot be.

    `owner` is who opened it, as a digest. `problem` says why there is no server.
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

    async def run(self, close: Close) -> None:
        """Serve to the end of the session."""
        try:
            await self._serve()
        finally:
            self.ready.set()
            self._leaving.set()
            await self._part(close)

    async def _serve(self) -> None:
        """Begin a server and join it with the clients, until `_leaving` is set."""
        raise NotImplementedError

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
        if message.method == "notifications/cancelled":
            self.client.cancelled(message)
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

    # --- the server's life -------------------------------------------------------------------------------------------

    def _join(self, lane: Link) -> Link:
        """Put a server of one lane behind the clients; where several share it, each gets ids of its own."""
        shared = isinstance(self._lanes, SharedLanes)
        server: Link = SharedServerLink(lane, self.conversation.core.home) if shared else lane
        self._server = server
        self.conversation.deliver_to(self.client, server)
        return server

    @property
    def _may_idle(self) -> bool:
        """Whether nobody says when it is over; the others need no end of their own: PROTOCOL 2.3, 2.4."""
        return isinstance(self._lanes, SessionLanes)

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
