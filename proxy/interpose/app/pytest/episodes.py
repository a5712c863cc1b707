"""A recorded server, and behind it the real one for what was never recorded.

The real server is started when it is first needed, and is opened as the client opened the recorded one. Calls that were
answered from the recording it never hears of.
"""

from collections.abc import Sequence
from typing import Protocol

import anyio

from interpose.app import console
from interpose.app.pytest.spec import Spec
from interpose.app.pytest.watched import WatchedLink
from interpose.core.errors import InterposeError
from interpose.core.events import Event, Frame, Received
from interpose.core.replay.player import UNRECORDED, Said, encoded
from interpose.core.wire.message import Kind, Message, read
from interpose.edge.conversations import Conversations
from interpose.edge.link import Clock, Link
from interpose.edge.replaying.client import ChildServer, Reached, RemoteServer
from interpose.edge.replaying.link import CHANNEL
from interpose.edge.replaying.server import PlayedServerSession
from interpose.edge.runner import Conversation
from interpose.edge.serving import check_reachable
from interpose.edge.transports import pipes, process, stdio
from interpose.edge.transports.http_server import HttpServerLink

_OPENED = "notifications/initialized"


class Opens(Protocol):
    """Whoever has recorded servers."""

    def open(self, clock: Clock) -> WatchedLink: ...


class RealServer:
    """The real server of one session: what it says goes to `hear`."""

    def __init__(self, spec: Spec, conversation: Conversation) -> None:
        self._spec = spec
        self._conversation = conversation
        self._wanted = anyio.Event()
        self._reached: Reached | None = None
        self._opening: list[Message] = []  # what the client opened its session with
        self._held: list[Message] = []  # until the server is open
        self._asked: set[str | None] = set()  # ids of its questions

    @property
    def started(self) -> bool:
        return self._wanted.is_set()

    def note(self, message: Message) -> None:
        """The recorded server was opened so."""
        if message.method in ("initialize", _OPENED):
            self._opening.append(message)

    def takes(self, message: Message) -> bool:
        """Whether this answers a question of the real server's."""
        if message.kind in (Kind.RESULT, Kind.ERROR) and message.id in self._asked:
            self._asked.remove(message.id)
            return True
        return False

    def send(self, message: Message) -> None:
        """Say this to the real server; it is started first, if need be."""
        self._wanted.set()
        if self._reached is None or self._opening:
            self._held.append(message)
        else:
            _say(self._reached.link, message)

    async def run(self, link: "Episodes") -> None:
        """Start it when it is wanted, and pass on what it says."""
        await self._wanted.wait()
        try:
            self._reached = await self._reach()
        except InterposeError as error:
            console.say(str(error))
            for message in self._held:
                link.say(b'{"jsonrpc":"2.0","id":%b,"error":%b}' % ((message.id or "null").encode(), _failure(error)))
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._reached.run)
            if self._opening and self._opening[0].method == "initialize":
                _say(self._reached.link, self._opening[0])
            else:
                self._opened()
            await self._reached.link.carry(lambda events: self._hear_all(events, link), link.link)
            tasks.cancel_scope.cancel()

    async def leave(self) -> None:
        if self._reached is not None:
            await self._reached.leave()

    async def _reach(self) -> Reached:
        if self._spec.url:
            await check_reachable(self._spec.url)
            return RemoteServer(HttpServerLink(self._spec.url, self._conversation.clock, ()))
        return ChildServer(await process.start(self._spec.server), self._conversation, console.write)

    def _hear_all(self, events: Sequence[Event], link: "Episodes") -> None:
        for event in events:
            if isinstance(event, Received) and event.frame.message is not None:
                self._hear(event.frame.message, link)

    def _hear(self, message: Message, link: "Episodes") -> None:
        if self._opening and message.id == self._opening[0].id and message.kind in (Kind.RESULT, Kind.ERROR):
            self._opened()
            return
        if message.kind is Kind.REQUEST:
            self._asked.add(message.id)
        link.say(message.raw)

    def _opened(self) -> None:
        assert self._reached is not None
        rest, self._opening = self._opening[1:], []
        for message in (*rest, *self._held):
            _say(self._reached.link, message)
        self._held = []


class Episodes:
    """Puts a real server behind the link of a recorded one."""

    def __init__(self, link: WatchedLink, real: RealServer) -> None:
        self.link = link
        self._real = real

    def say(self, raw: bytes) -> None:
        """The real server said this."""
        self.link.pass_on([Said(raw)])

    def hear(self, frame: Frame) -> bool:
        """What the client said; False when it is for the recorded server alone to answer."""
        message = frame.message
        if message is None:
            return False
        self._real.note(message)
        if self._real.takes(message):
            self._real.send(message)
            return True
        if message.method == "notifications/cancelled" and self._real.started:
            self._real.send(message)
            return False
        if message.kind is not Kind.REQUEST:
            return False
        said = self.link.player.hear(message)
        refused = [each for each in said if _refuses(each, message)]
        self.link.pass_on([each for each in said if each not in refused])
        if refused:
            self._real.send(message)
        return True


async def play_episodes(company: Opens, conversations: Conversations, spec: Spec) -> int:
    """For the client on our standard input and output."""
    try:
        conversation = conversations.open({"transport": "stdio"})
        client = await stdio.own(conversation.clock)
        link = company.open(conversation.clock)
        real = RealServer(spec, conversation)
        both = Episodes(link, real)
        link.before = both.hear
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(real.run, both)
            status = await PlayedServerSession(conversation, link, client).run()
            await real.leave()
            tasks.cancel_scope.cancel()
        if real.started and conversation.recording is not None:
            link.made = str(conversation.recording.path)
        return status
    finally:
        pipes.restore_blocking()


def _refuses(said: Said, request: Message) -> bool:
    """Whether the recorded server says that this was never recorded."""
    answer = read(said.message)
    if answer.kind is not Kind.ERROR or answer.id != request.id:
        return False
    error = answer.body()["error"]
    return bool(error.get("code") == UNRECORDED and "interpose" in error.get("data", {}))


def _failure(error: InterposeError) -> bytes:
    return encoded({"code": UNRECORDED, "message": f"the real server could not be asked: {error}"})


def _say(link: Link, message: Message) -> None:
    link.send(CHANNEL, Frame(message.raw, message, tail=b"\n"))
    link.flush()
