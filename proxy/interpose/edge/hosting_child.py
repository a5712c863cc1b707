"""A session of HTTP clients whose server is a child process of its own."""

from collections.abc import Sequence

import anyio

from interpose.core.bridge.lanes import Lanes
from interpose.core.errors import EndError
from interpose.edge import stderr
from interpose.edge.hosting_session import HostedSession
from interpose.edge.link import Link
from interpose.edge.runner import Conversation
from interpose.edge.transports import process
from interpose.edge.transports.http_client_stream import Patience
from interpose.edge.transports.stdio import StdioLink

_LAST_WORDS = 0.3  # how long after the child's exit its pipes may stay open: a grandchild can hold them for ever


class ChildSession(HostedSession):
    """One child and the clients it serves. `echo` takes what it writes on standard error."""

    def __init__(
        self,
        command: Sequence[str],
        echo: stderr.Echo,
        conversation: Conversation,
        lanes: Lanes,
        owner: bytes,
        patience: Patience,
    ) -> None:
        super().__init__(conversation, lanes, owner, patience)
        self._command = tuple(command)
        self._echo = echo

    async def _serve(self) -> None:
        try:
            child = await process.start(self._command)
        except EndError as error:
            self.problem = str(error)
            self.conversation.tell("server", "note", self.problem)
            self.leave("the server could not be started")
        else:
            await self._serve_with(child)

    async def _serve_with(self, child: process.Child) -> None:
        stdio = StdioLink("server", child.stdout, child.stdin, self.conversation.clock)
        server = self._join(stdio)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stdio.write_loop)
            tasks.start_soon(self._downward, child, server)
            tasks.start_soon(self._watch_exit, child)
            if self._may_idle:
                tasks.start_soon(self._watch_idle)
            self.ready.set()
            await self._leaving.wait()
            await server.finish()
            self.status = await child.stop()
            with anyio.move_on_after(_LAST_WORDS):
                await self._silent.wait()
            tasks.cancel_scope.cancel()
        self.conversation.tell("server", "exit", str(self.status))

    async def _downward(self, child: process.Child, server: Link) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stderr.relay, child.stderr, self.conversation, self._echo)
            await server.carry(self.conversation.hear_all, self.client)
            self.leave("server exited")
        self._silent.set()

    async def _watch_exit(self, child: process.Child) -> None:
        await child.ended()
        self.leave("server exited")
