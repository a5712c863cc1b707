"""Recorded servers for clients that come over HTTP: every session gets a player where it would get a child."""

from collections.abc import Callable

import anyio

from interpose.core.bridge.lanes import Lanes
from interpose.edge.conversations import Conversations
from interpose.edge.hosting import Host
from interpose.edge.hosting_session import HostedSession
from interpose.edge.link import Clock
from interpose.edge.replaying.link import PlayerLink
from interpose.edge.runner import Conversation
from interpose.edge.transports.http_client_stream import PATIENCE, Patience

Open = Callable[[Clock], PlayerLink]


class PlayedHost(Host):
    """Serves HTTP clients with recorded servers. `open` begins one."""

    def __init__(self, open: Open, conversations: Conversations, patience: Patience = PATIENCE) -> None:
        def begin(conversation: Conversation, lanes: Lanes, owner: bytes) -> HostedSession:
            return PlayedSession(open, conversation, lanes, owner, patience)

        super().__init__(begin, conversations)


class PlayedSession(HostedSession):
    """A session with a recorded server."""

    def __init__(self, open: Open, conversation: Conversation, lanes: Lanes, owner: bytes, patience: Patience) -> None:
        super().__init__(conversation, lanes, owner, patience)
        self._open = open

    async def _serve(self) -> None:
        server = self._join(self._open(self.conversation.clock))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.carry, self.conversation.hear_all, self.client)
            if self._may_idle:
                tasks.start_soon(self._watch_idle)
            self.ready.set()
            await self._leaving.wait()
            await server.finish()
            tasks.cancel_scope.cancel()
        self.status = 0
