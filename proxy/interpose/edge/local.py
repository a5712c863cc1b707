"""A session whose client is on our standard input and output and whose server is a child process.

Four things can end it: the client closes its input, the child exits, a signal arrives, a policy breaks it off.
Whichever comes first, the child is ended; but in the last case, what it wrote last is delivered and recorded.
"""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from interpose.core.errors import EndError
from interpose.edge import stderr
from interpose.edge.link import FAULT
from interpose.edge.runner import Conversation
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
        self._leaving = asyncio.Event()
        self._urgent = asyncio.Event()  # a signal came, the client is gone, or the child has left
        self._silent = asyncio.Event()
        self._reason = "server exited"
        conversation.deliver_to(client, self._server)

    async def run(self) -> int:
        """Run to the end. Returns the child's exit status, 3 where a policy broke the session off."""
        async with asyncio.TaskGroup() as tasks:
            jobs = [tasks.create_task(job) for job in self._jobs()]
            await self._leaving.wait()
            status = await self._child.stop(await self._be_patient())
            await self._drain()
            await self._client.finish()
            await self._client.gone.wait()
            for job in jobs:
                job.cancel()
        self._conversation.tell("server", "exit", str(status))
        self._conversation.close(self._reason)
        return EndError.exit_code if self._client.severed.is_set() else status

    def _jobs(self) -> tuple[Coroutine[Any, Any, None], ...]:
        writing = (self._client.write_loop(), self._server.write_loop())
        watching = (self._watch_exit(), self._watch_client(), self._watch_cut(), self._watch_signals())
        return *writing, *watching, self._upward(), self._downward()  # nothing is said before signals are heard

    async def _be_patient(self) -> float:
        """The client has closed its input. While the server still works on its answers, only the client may hurry it.

        Nothing of this keeps a client waiting: its TERM, 2 s later in the SDKs, is passed on at once. Returns how long
        the server may still take to leave by itself.
        """
        while not self._urgent.is_set():
            heard = self._server.reads
            await _within(EOF_GRACE, self._urgent)
            working = self._server.reads != heard or self._client.full
            if not working and not self._conversation.core.session.in_flight:
                return 0.0
        return 0.0 if self._client.severed.is_set() else EOF_GRACE

    async def _drain(self) -> None:
        """Deliver what the server wrote before it exited, however slowly the client reads.

        A pipe that stays open and silent ends this: something that the server started may hold it for ever.
        """
        while not self._silent.is_set():
            heard = self._server.reads
            await _within(_LAST_WORDS, self._silent)
            if self._server.reads == heard and not self._client.full:
                return

    def _leave(self, reason: str) -> None:
        if not self._leaving.is_set():
            self._reason = reason
            self._leaving.set()

    async def _upward(self) -> None:
        await self._client.relay(self._conversation, self._server)
        await self._server.finish()
        self._leave("client closed")

    async def _downward(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stderr.relay(self._child.stderr, self._conversation, self._echo))
            await self._server.relay(self._conversation, self._client)
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
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[signal.Signals] = asyncio.Queue()
        for number in SIGNALS:
            loop.add_signal_handler(number, arrived.put_nowait, number)
        try:
            await self._pass_on(arrived)
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    async def _pass_on(self, arrived: "asyncio.Queue[signal.Signals]") -> None:
        """The first signal as it is; one that comes after it kills."""
        signalled = False
        while True:
            number = await arrived.get()
            self._child.signal(signal.SIGKILL if signalled else number)
            signalled = True
            self._conversation.tell("server", "signal", number.name)
            self._client.abandon_after(_LAST_WORDS)
            self._leave(f"signal {number.name}")
            self._urgent.set()


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Wait for the event, no longer than this."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
