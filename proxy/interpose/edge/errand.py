"""What interpose itself says to a relayed server in the client's place: answers to what policy refused, and requests.

An answer is taken with a 202. What comes back to a request is heard on the request's own channel; the core makes the
answer to a client's call out of it, and the exchange of that call stays open for so long.
"""

import asyncio
from collections.abc import Iterable

from interpose.core.events import Closed, End, Event, Frame, Headers, Received, Requested, Responded
from interpose.core.protocol.http import mirrored_headers
from interpose.core.wire.http import Trouble, error_reply
from interpose.core.wire.message import Kind, Message, read
from interpose.edge.front import Front
from interpose.edge.roster import RelayedSession, Roster
from interpose.edge.transports.errands import is_awaited, is_errand
from interpose.edge.transports.exchange import Exchange
from interpose.edge.transports.mirroring import Lines, own_headers
from interpose.edge.transports.plain import Unreadable, plain_frames
from interpose.edge.transports.raw_headers import text
from interpose.edge.transports.sending import Answer
from interpose.edge.transports.upstream import UPSTREAM_ERRORS, Upstream, problem

_AT_ONCE = 100  # answers of one session under way: beyond this, what its server says next has to wait


class Errands:
    """All errands of a relay, each in a task of its own: the exchange that caused one may end before it."""

    def __init__(self, front: Front, upstream: Upstream, roster: Roster) -> None:
        self._front = front
        self._upstream = upstream
        self._roster = roster
        self._tasks: dict[asyncio.Task[None], RelayedSession] = {}
        self._offers: set[asyncio.Task[None]] = set()

    def hear(self, session: RelayedSession, origin: Exchange, events: Iterable[Event]) -> None:
        """Hear events of an exchange, and set out on what the core wants of the server because of them."""
        session.conversation.hear_all(events)
        for channel, frame in session.unplaced():
            self._begin(session, origin, channel, frame)

    def look_after(self, session: RelayedSession) -> None:
        """See to what the core did though no exchange said anything: time passed, or somebody decided."""
        core = session.conversation.core
        for channel, frame in session.unplaced():
            origin = session.exchanges.get(core.home(channel))
            if origin is None and is_errand(channel):
                origin = session.spokesman
            if origin is not None:
                self._begin(session, origin, channel, frame)
            else:
                note = f"{channel}: what came late for the server was not sent: the exchange that it was for is gone"
                session.conversation.tell("server", "note", note)
        for exchange in session.exchanges.values():
            exchange.nudge()
            if exchange.downstream and exchange.reply is not None:
                task = asyncio.create_task(exchange.offer())
                self._offers.add(task)
                task.add_done_callback(self._offers.discard)

    async def room(self, session: RelayedSession) -> None:
        """Wait while the server asks faster than it takes the answers."""
        if len(self._tasks) <= _AT_ONCE:
            return
        while len(own := [task for task, its in self._tasks.items() if its is session]) > _AT_ONCE:
            await asyncio.wait(own, return_when=asyncio.FIRST_COMPLETED)

    async def aclose(self) -> None:
        """End what is under way."""
        tasks = (*self._tasks, *self._offers)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, session: RelayedSession, origin: Exchange, channel: str, frame: Frame) -> None:
        message = frame.message
        if message is None:
            return
        if message.is_response:
            channel = session.name_answer()
        target = session.endpoint or self._front.target(origin.request.raw_path)
        errand = Errand(session, origin, channel, message, target, frame.over)
        task = asyncio.create_task(self._run(errand))
        session.errands.add(channel)
        self._tasks[task] = session
        if is_awaited(message):
            origin.hold(channel, task)

    async def _run(self, errand: "Errand") -> None:
        try:
            await errand.run(self, self._upstream)
        finally:
            errand.origin.let_go(errand.channel)
            self._roster.leave(errand.session, errand.channel)
            task = asyncio.current_task()
            if task is not None:
                self._tasks.pop(task, None)


class Errand:
    """One message of interpose's own on its way. `origin` is the client's exchange in whose name it goes."""

    def __init__(
        self, session: RelayedSession, origin: Exchange, channel: str, message: Message, target: str, over: float
    ) -> None:
        self.session = session
        self.origin = origin
        self.channel = channel
        self._message = message
        self._target = target
        self._over = over
        self._conversation = session.conversation
        self._open = False

    async def run(self, errands: Errands, upstream: Upstream) -> None:
        """Carry it to its end. INVARIANT: a request is answered, by the server or with an error of ours."""
        trouble: str | None = None
        try:
            trouble = await self._carry(errands, upstream)
        except asyncio.CancelledError:
            self._close("client", "disconnect")
            raise
        except Unreadable as error:
            trouble = str(error)
        except UPSTREAM_ERRORS as error:
            trouble = f"no answer: {problem(error)}"
        self._close("server", trouble or "end")
        if trouble is not None:
            self._give_up(errands, trouble)
        await self.origin.offer()

    async def _carry(self, errands: Errands, upstream: Upstream) -> str | None:
        """Send it and hear what comes back. Returns what is wrong with that."""
        headers = self._headers()
        target = self._target.encode("utf-8", "surrogateescape")
        conversation = self._conversation
        self._open = True
        shown = target.decode("utf-8", "replace")
        conversation.hear(Requested(conversation.clock(), self.channel, "POST", shown, text(headers)))
        sending, _ = await self.session.turnstile.enter(
            lambda: upstream.send("POST", target, headers, self._message.raw, self._over)
        )
        try:
            answer = await sending.answer()
            answered = text(answer.raw_headers)
            conversation.hear(Responded(conversation.clock(), self.channel, answer.status, answered))
            frames = plain_frames(answer)
            while batch := await frames.more():
                for frame in batch:
                    if self._hear(errands, frame):
                        return None
                    await self.origin.offer()
                    await errands.room(self.session)
            return self._missing(answer)
        finally:
            sending.release()

    def _hear(self, errands: Errands, frame: Frame) -> bool:
        """Hear what the server says. True when it was the answer, after which nothing matters."""
        message = frame.message
        if self._message.is_response:
            message = None  # the reply to an answer is for nobody: recorded, not delivered
            frame = Frame(frame.raw, None, frame.block, frame.tail, frame.wire)
        at = self._conversation.clock()
        errands.hear(self.session, self.origin, [Received(at, "server", self.channel, frame)])
        return message is not None and message.is_response and message.id == self._message.id

    def _missing(self, answer: Answer) -> str | None:
        if self._message.is_response and answer.ok:
            return None
        return f"HTTP {answer.status} without an answer" if answer.ok else f"HTTP {answer.status}"

    def _give_up(self, errands: Errands, trouble: str) -> None:
        """Say what became of it; a request of ours is answered in the server's place."""
        said = self._message
        what = f"the answer to {said.id}" if said.is_response else f"{said.method} {said.id}"
        self._conversation.tell("server", "note", f"{self.channel}: {what}, interpose's own, was not taken: {trouble}")
        if said.kind is Kind.REQUEST and said.id is not None:
            raw = error_reply(said.id.encode(), Trouble(f"the server did not answer: {trouble}"))
            frame = Frame(raw, read(raw), wire="body")
            at = self._conversation.clock()
            errands.hear(self.session, self.origin, [Received(at, "server", self.channel, frame)])

    def _headers(self) -> Lines:
        came = self.origin.request.raw_headers
        mirrors: Headers = mirrored_headers(self._message, self.origin.params)
        return own_headers(came if mirrors else self.session.credentials(self.origin), mirrors)

    def _close(self, end: End, reason: str) -> None:
        if self._open:
            self._open = False
            self._conversation.hear(Closed(self._conversation.clock(), end, self.channel, reason))
