"""A recorded server for a live client on our standard input and output.

The client's end of input ends the session, and so does a signal.
"""

import signal

import anyio

from interpose.core.errors import EndError
from interpose.edge.link import FAULT
from interpose.edge.local import SIGNALS
from interpose.edge.replaying.link import PlayerLink
from interpose.edge.runner import Conversation
from interpose.edge.transports.stdio import StdioLink

_TAKEN_WITHIN = 0.3  # how long after a signal the client may take to read what is queued


class PlayedServerSession:
    """One client on our standard streams, one recorded server."""

    def __init__(self, conversation: Conversation, server: PlayerLink, client: StdioLink) -> None:
        self._conversation = conversation
        self._server = server
        self._client = client
        self._leaving = anyio.Event()
        self._reason = "client closed"
        conversation.deliver_to(client, server)

    async def run(self) -> int:
        """Run to the end. 0, or 3 where a policy broke the session off."""
        async with anyio.create_task_group() as tasks:
            for job in (self._client.write_loop, self._upward, self._downward, self._watch_cut, self._watch_signals):
                tasks.start_soon(job)
            await self._leaving.wait()
            await self._client.finish()
            await self._client.gone.wait()
            tasks.cancel_scope.cancel()
        self._conversation.close(self._reason)
        return EndError.exit_code if self._client.severed.is_set() else 0

    def _leave(self, reason: str) -> None:
        if not self._leaving.is_set():
            self._reason = reason
            self._leaving.set()

    async def _upward(self) -> None:
        await self._client.carry(self._conversation.hear_all, self._server)
        await self._server.finish()

    async def _downward(self) -> None:
        await self._server.carry(self._conversation.hear_all, self._client)
        self._leave("client closed")

    async def _watch_cut(self) -> None:
        await self._client.severed.wait()
        self._leave(FAULT)

    async def _watch_signals(self) -> None:
        with anyio.open_signal_receiver(*SIGNALS) as arriving:
            async for number in arriving:
                name = signal.Signals(number).name
                self._conversation.tell("client", "signal", name)
                self._client.abandon_after(_TAKEN_WITHIN)
                self._leave(f"signal {name}")
