"""A session whose client is on our standard input and output and whose server is a child process.

Four things can end it: the client closes its input, the child exits, a signal arrives, a policy breaks it off.
Whichever comes first, the child is ended; but in the last case, what it wrote last is delivered and recorded.
"""

import signal

import anyio

from interpose.core.errors import EndError
from interpose.edge import stderr
from interpose.edge.link import FAULT
from interpose.edge.runner import Conversation, pump
from interpose.edge.transports.process import EOF_GRACE, Child
from interpose.edge.transports.stdio import StdioLink

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LAST_WORDS = 0.3  # how long after the child's exit its pipes may stay open without a word


class LocalSession:
    """One client on our standard streams, one child."""

    def __init__(self, conversation: Conversation, child: Child, client: StdioLink, echo: stderr.Echo) -> None:
        self._conversation = conversation
        self._child = child
        self._client = client
        self._server = StdioLink("server", child.stdout, child.stdin, conversation.clock)
        self._echo = echo
        self._leaving = anyio.Event()
        self._urgent = anyio.Event()  # a signal came, the client is gone, or the child has left
        self._silent = anyio.Event()
        self._reason = "server exited"
        conversation.deliver_to(client, self._server)

    async def run(self) -> int:
        """Run to the end. Returns the child's exit status, 3 where a policy broke the session off."""
        async with anyio.create_task_group() as tasks:
            for loop in (self._client.write_loop, self._server.write_loop):
                tasks.start_soon(loop)
            watches = (self._watch_exit, self._watch_client, self._watch_cut, self._watch_signals)
            for job in (self._upward, self._downward, *watches):
                tasks.start_soon(job)
            await self._leaving.wait()
            status = await self._child.stop(await self._be_patient())
            await self._drain()
            await self._client.finish()
            await self._client.gone.wait()
            tasks.cancel_scope.cancel()
        self._conversation.tell("server", "exit", str(status))
        self._conversation.close(self._reason)
        return EndError.exit_code if self._client.severed.is_set() else status

    async def _be_patient(self) -> float:
        """The client has closed its input. While the server still works on its answers, only the client may hurry it.

        Nothing of this keeps a client waiting: its TERM, 2 s later in the SDKs, is passed on at once. Returns how long
        the server may still take to leave by itself.
        """
        while not self._urgent.is_set():
            heard = self._server.reads
            with anyio.move_on_after(EOF_GRACE):
                await self._urgent.wait()
            working = self._server.reads != heard or self._client.backlogged
            if not working and not self._conversation.core.session.in_flight:
                return 0.0
        return 0.0 if self._client.severed.is_set() else EOF_GRACE

    async def _drain(self) -> None:
        """Deliver what the server wrote before it exited, however slowly the client reads.

        A pipe that stays open and silent ends this: something that the server started may hold it for ever.
        """
        while not self._silent.is_set():
            heard = self._server.reads
            with anyio.move_on_after(_LAST_WORDS):
                await self._silent.wait()
            if self._server.reads == heard and not self._client.backlogged:
                return

    def _leave(self, reason: str) -> None:
        if not self._leaving.is_set():
            self._reason = reason
            self._leaving.set()

    async def _upward(self) -> None:
        await pump(self._conversation, self._client, self._server)
        await self._server.finish()
        self._leave("client closed")

    async def _downward(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stderr.relay, self._child.stderr, self._conversation, self._echo)
            await pump(self._conversation, self._server, self._client)
            await self._client.finish()
        self._silent.set()

    async def _watch_exit(self) -> None:
        await self._child.ended()
        self._leave("server exited")
        self._urgent.set()

    async def _watch_client(self) -> None:
        await self._client.gone.wait()
        if not self._client.finished:
            await self._server.finish()
            self._leave("client vanished")
            self._urgent.set()

    async def _watch_cut(self) -> None:
        await self._client.severed.wait()
        await self._server.finish()
        self._leave(FAULT)
        self._urgent.set()

    async def _watch_signals(self) -> None:
        signalled = False
        with anyio.open_signal_receiver(*SIGNALS) as arriving:
            async for number in arriving:
                self._child.signal(signal.SIGKILL if signalled else number)
                signalled = True
                self._conversation.tell("server", "signal", signal.Signals(number).name)
                self._client.abandon_after(_LAST_WORDS)
                self._leave(f"signal {signal.Signals(number).name}")
                self._urgent.set()
