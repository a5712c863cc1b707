"""A session whose client is on our standard input and output and whose server is reached over HTTP.

Four things can end it: the client closes its input, the server is lost for good, a signal arrives, a policy breaks it
off. Whichever comes first, calls under way get a moment, a stateful session is ended at the server, and what it said
last is delivered.
"""

import signal

import anyio

from interpose.core.errors import EndError
from interpose.edge.link import FAULT
from interpose.edge.local import SIGNALS
from interpose.edge.runner import Alarm, Conversation
from interpose.edge.transports.http_server import HttpServerLink
from interpose.edge.transports.stdio import StdioLink

_LAST_WORDS = 1.8  # more than the link's own grace and farewell, less than an SDK client waits
_TAKEN_WITHIN = 0.3  # how long after a signal the client may take to read what is queued


class RemoteSession:
    """One client on our standard streams, one server over HTTP. `say` hears why a server is lost, for people."""

    def __init__(self, conversation: Conversation, server: HttpServerLink, client: StdioLink, say: Alarm) -> None:
        self._conversation = conversation
        self._server = server
        self._client = client
        self._say = say
        self._leaving = anyio.Event()
        self._silent = anyio.Event()
        self._reason = "client closed"
        self._status = 0
        self._finishing = False
        conversation.deliver_to(client, server)

    async def run(self) -> int:
        """Run to the end. 0 when the client ended it, 3 when the server was lost or a policy broke the session off,
        128 and the number for a signal.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._client.write_loop)
            tasks.start_soon(self._server.run)
            for job in (self._upward, self._downward, self._watch_client, self._watch_cut, self._watch_signals):
                tasks.start_soon(job)
            await self._leaving.wait()
            with anyio.move_on_after(_LAST_WORDS):
                await self._silent.wait()
            self._finishing = True
            await self._client.finish()
            await self._client.gone.wait()
            tasks.cancel_scope.cancel()
        self._conversation.close(self._reason)
        return self._status

    def _leave(self, reason: str, status: int = 0) -> None:
        if not self._leaving.is_set():
            self._reason, self._status = reason, status
            self._leaving.set()

    async def _upward(self) -> None:
        await self._client.carry(self._conversation.hear_all, self._server)
        await self._server.finish()
        self._leave("client closed")

    async def _downward(self) -> None:
        await self._server.carry(self._conversation.hear_all, self._client)
        if self._server.failed is not None:
            self._say(f"{self._server.failed}; start the session anew")
            self._leave("server lost", EndError.exit_code)
        self._silent.set()

    async def _watch_client(self) -> None:
        await self._client.gone.wait()
        if not self._finishing:
            await self._server.finish(grace=0)
            self._leave("client vanished")

    async def _watch_cut(self) -> None:
        await self._client.severed.wait()
        await self._server.finish(grace=0)
        self._leave(FAULT, EndError.exit_code)

    async def _watch_signals(self) -> None:
        with anyio.open_signal_receiver(*SIGNALS) as arriving:
            async for number in arriving:
                name = signal.Signals(number).name
                self._conversation.tell("client", "signal", name)
                self._client.abandon_after(_TAKEN_WITHIN)
                await self._server.finish(grace=0)
                self._leave(f"signal {name}", 128 + number)
