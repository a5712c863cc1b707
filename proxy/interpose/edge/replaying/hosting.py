"""Recorded servers for clients that come over HTTP: every session gets a player where it would get a child."""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import anyio

from interpose.core.bridge.lanes import Lanes, SessionLanes, SharedLanes
from interpose.edge import stderr
from interpose.edge.conversations import Conversations
from interpose.edge.hosting import ChildHost
from interpose.edge.hosting_register import Register
from interpose.edge.hosting_session import Close, HostedSession
from interpose.edge.link import Clock, Link
from interpose.edge.replaying.link import PlayerLink
from interpose.edge.runner import Conversation, pump
from interpose.edge.transports.http_client_shared import SharedServerLink
from interpose.edge.transports.http_client_stream import PATIENCE, Patience
from interpose.edge.transports.stdio import StdioLink

Open = Callable[[Clock], PlayerLink]


class PlayedHost(ChildHost):
    """Serves HTTP clients with recorded servers. `open` begins one."""

    def __init__(self, open: Open, conversations: Conversations, patience: Patience = PATIENCE) -> None:
        super().__init__((), conversations, lambda _: None, patience)
        self._register = PlayedRegister(open, conversations, patience)


class PlayedRegister(Register):
    """Opens sessions with recorded servers."""

    def __init__(self, open: Open, conversations: Conversations, patience: Patience) -> None:
        super().__init__((), conversations, lambda _: None, patience)
        self._open = open

    def _start(self, transport: str, lanes: Lanes, owner: bytes) -> HostedSession:
        conversation = self._conversations.open({"transport": transport})
        session = PlayedSession(self._open, conversation, lanes, owner, self._patience)
        task = asyncio.create_task(session.run((), self._echo, self._conversations.close))
        self._running[task] = session
        task.add_done_callback(self._forget)
        return session


class PlayedSession(HostedSession):
    """A session with a recorded server."""

    def __init__(self, open: Open, conversation: Conversation, lanes: Lanes, owner: bytes, patience: Patience) -> None:
        super().__init__(conversation, lanes, owner, patience)
        self._open = open

    async def run(self, command: Sequence[str], echo: stderr.Echo, close: Close) -> None:
        """Play to the end of the session."""
        try:
            await self._play(self._open(self.conversation.clock))
        finally:
            self.ready.set()
            self._leaving.set()
            await self._part(close)

    async def _play(self, player: PlayerLink) -> None:
        server: Link = player
        if isinstance(self._lanes, SharedLanes):
            server = SharedServerLink(cast(StdioLink, player), self.conversation.core.home)
        self._server = server
        self.conversation.deliver_to(self.client, server)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pump, self.conversation, server, self.client)
            if isinstance(self._lanes, SessionLanes):
                tasks.start_soon(self._watch_idle)
            self.ready.set()
            await self._leaving.wait()
            await server.finish()
            tasks.cancel_scope.cancel()
        self.status = 0
