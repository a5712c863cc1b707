"""A recorded client against a live server: a child process, or one reached over HTTP.

It ends when all was said and all that is waited for has come, when nothing more comes within the deadline, when the
server leaves, and on a signal.
"""

import signal
from typing import TYPE_CHECKING, Protocol

import anyio

from interpose.edge import stderr
from interpose.edge.link import Link
from interpose.edge.local import SIGNALS
from interpose.edge.replaying.link import PlayerLink, Plays
from interpose.edge.runner import Conversation
from interpose.edge.transports.process import Child
from interpose.edge.transports.stdio import StdioLink

if TYPE_CHECKING:
    from interpose.edge.transports.http_server import HttpServerLink

DEADLINE = 30.0
_LAST_WORDS = 0.5  # how long something may still come that nobody waits for


class PlaysClient(Plays, Protocol):
    """What a session needs of the recorded client; see `core.replay.client.ClientPlayer`."""

    matched: int

    @property
    def finished(self) -> bool: ...

    @property
    def lacks(self) -> bool: ...

    def give_up(self, live: str) -> None: ...


class Reached(Protocol):
    """A live server: its link, what must run beside it, and how it is left."""

    link: Link

    async def run(self) -> None: ...

    async def leave(self) -> str:
        """End it, and say how that went; what it says last is heard meanwhile."""


class ChildServer:
    """A server that is a child process."""

    def __init__(self, child: Child, conversation: Conversation, echo: stderr.Echo) -> None:
        self._child = child
        self._conversation = conversation
        self._echo = echo
        self._stdio = StdioLink("server", child.stdout, child.stdin, conversation.clock)
        self.link: Link = self._stdio

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._stdio.write_loop)
            tasks.start_soon(stderr.relay, self._child.stderr, self._conversation, self._echo)

    async def leave(self) -> str:
        await self._stdio.finish()
        status = await self._child.stop()
        self._conversation.tell("server", "exit", str(status))
        return f"the server exited with status {status}"


class RemoteServer:
    """A server reached over HTTP."""

    def __init__(self, link: "HttpServerLink") -> None:
        self._http = link
        self.link: Link = link
        self._over = anyio.Event()

    async def run(self) -> None:
        await self._http.run()
        self._over.set()

    async def leave(self) -> str:
        await self._http.finish()
        with anyio.move_on_after(_LAST_WORDS * 4):
            await self._over.wait()
        return self._http.failed or "the server closed its streams"


class PlayedClientSession:
    """One recorded client, one live server."""

    def __init__(
        self, conversation: Conversation, player: PlaysClient, client: PlayerLink, server: Reached, deadline: float
    ) -> None:
        self._conversation = conversation
        self._player = player
        self._client = client
        self._server = server
        self._deadline = deadline
        self._leaving = anyio.Event()
        self._silent = anyio.Event()
        self._changed = anyio.Event()
        self._reason = "client closed"
        client.heard = self._heard
        conversation.deliver_to(client, server.link)

    async def run(self) -> None:
        """Run to the end. What went otherwise than recorded, the player knows."""
        async with anyio.create_task_group() as tasks:
            for job in (self._server.run, self._upward, self._downward, self._watch_player, self._watch_signals):
                tasks.start_soon(job)
            await self._leaving.wait()
            how = await self._server.leave()
            with anyio.move_on_after(_LAST_WORDS):
                await self._silent.wait()
            tasks.cancel_scope.cancel()
        if self._reason == "server left":
            self._player.give_up(how)
        self._conversation.close(self._reason)

    def _leave(self, reason: str) -> None:
        if not self._leaving.is_set():
            self._reason = reason
            self._leaving.set()

    def _heard(self) -> None:
        self._changed.set()

    async def _upward(self) -> None:
        await self._client.carry(self._conversation.hear_all, self._server.link)

    async def _downward(self) -> None:
        await self._server.link.carry(self._conversation.hear_all, self._client)
        self._silent.set()
        if not self._player.finished:
            self._leave("server left")

    async def _watch_player(self) -> None:
        """Leave when all has come, or nothing does any more."""
        while not self._player.finished:
            if not await self._hears(self._deadline) and not self._client.holds_back:
                self._player.give_up(f"nothing came within {self._deadline:g} s")
                self._leave("deadline")
                return
        while self._player.lacks and await self._hears(_LAST_WORDS):
            pass
        self._client.close()
        self._leave("client closed")

    async def _hears(self, seconds: float) -> bool:
        """Wait until something is heard that was waited for, so long at most."""
        matched = self._player.matched
        with anyio.move_on_after(seconds):
            while self._player.matched == matched:
                self._changed = anyio.Event()
                await self._changed.wait()
            return True
        return False

    async def _watch_signals(self) -> None:
        with anyio.open_signal_receiver(*SIGNALS) as arriving:
            async for number in arriving:
                name = signal.Signals(number).name
                self._conversation.tell("client", "signal", name)
                self._player.give_up(f"stopped by {name}")
                self._leave(f"signal {name}")
