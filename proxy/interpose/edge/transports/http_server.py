"""A server reached over HTTP, as a link: Streamable HTTP of both eras, and HTTP+SSE where the server speaks only that.

One message of the client is one POST; each exchange is a channel, `x1`, `x2` and so on, but for requests of our own,
which have one from the start. Which transport and which era the server speaks shows from its answers; nothing is probed
but what the client itself says.
"""

import asyncio
import math
from collections.abc import Sequence

import anyio
from anyio.abc import TaskGroup

from interpose.core.events import End, Event, Frame, Headers
from interpose.core.wire.http import Trouble
from interpose.core.wire.message import Message
from interpose.edge.link import BoundedSink, Clock, Hear, carry
from interpose.edge.transports.errands import is_errand
from interpose.edge.transports.http_server_call import Call, Calls
from interpose.edge.transports.http_server_delivery import Delivery
from interpose.edge.transports.http_server_exchange import Exchanges, Unanswered
from interpose.edge.transports.http_server_mailbox import Inbox, Mailbox
from interpose.edge.transports.http_server_peer import Peer, stated_version
from interpose.edge.transports.sse_server import SseStream

GRACE = 1.0  # after the client's end of input; SDK clients end a server 2 s after it
_FAREWELL = 0.4
_TAKEN_WITHIN = 5.0  # how long a later message waits for the 202 to a notification or an answer
_STREAM_OPENS_WITHIN = 0.5  # how long for the server's own stream: some servers send its head with the first event


class HttpServerLink:
    """The server's end over HTTP. `run` must run beside the session.

    `headers` are the user's own, such as Authorization, and go with every request. `failed` says why the server is
    lost for good, once it is.
    """

    end: End = "server"

    def __init__(self, url: str, clock: Clock, headers: Headers = ()) -> None:
        self._inbox = Inbox(clock)
        self._outbox: Mailbox[tuple[str, Message, float]] = Mailbox()
        self._peer = Peer()
        self._calls = Calls()
        self._exchanges = Exchanges(url, self._inbox, headers)
        self._delivery = Delivery(self._exchanges, self._inbox, self._calls, self._peer)
        self._closing = asyncio.Event()
        self._forwarded = asyncio.Event()
        self._patience = anyio.CancelScope()
        self._listening = anyio.CancelScope()
        self._tasks: TaskGroup
        self.failed: str | None = None

    async def receive(self) -> Sequence[Event]:
        return await self._inbox.take()

    async def carry(self, hear: Hear, sink: BoundedSink) -> None:
        await carry(self.receive, hear, sink)

    def send(self, channel: str, frame: Frame) -> None:
        if frame.message is not None:
            self._outbox.put((channel, frame.message, frame.over), len(frame.message.raw))

    def flush(self) -> None:
        """Each message is a request of its own, and on its way."""

    @property
    def full(self) -> bool:
        return self._outbox.full

    async def room(self) -> None:
        await self._outbox.room()

    async def finish(self, grace: float = GRACE) -> None:
        """Nothing more will be sent: calls under way get this long, then the session is ended."""
        self._outbox.end()
        self._patience.deadline = min(self._patience.deadline, anyio.current_time() + grace)
        self._closing.set()

    async def run(self) -> None:
        """Carry messages until `finish`, or until the server is lost; then say goodbye."""
        async with self._exchanges:
            async with anyio.create_task_group() as self._tasks:
                self._tasks.start_soon(self._forward_all)
                await self._closing.wait()
                with self._patience:
                    await self._forwarded.wait()
                    await self._calls.quiet()
                self._tasks.cancel_scope.cancel()
            await self._say_goodbye()
        self._inbox.end()

    async def _forward_all(self) -> None:
        while messages := await self._outbox.take():
            for channel, message, over in messages:
                await self._forward(channel, message, over)
        self._forwarded.set()

    async def _forward(self, channel: str, message: Message, over: float) -> None:
        """Begin one POST, its body in `over` seconds.

        INVARIANT: the next message waits until this one is on its way, so that order holds.
        """
        if message.method == "notifications/cancelled" and self._cancel(message):
            return
        name = channel if is_errand(channel) else ""
        call = Call(message, stateless=stated_version(message) is not None, name=name, over=over)
        if call.opens:
            self._listening.cancel()
            self._peer.opening()
        self._calls.begin(call)
        self._tasks.start_soon(self._carry, call)
        if call.opens:
            await call.settled.wait()  # its answer says which session all others belong to
        elif call.expects:
            await call.body.sent.wait()
        else:
            with anyio.move_on_after(_TAKEN_WITHIN):
                await call.answered.wait()
        if message.method == "notifications/initialized" and call.accepted and not self._delivery.detached:
            await self._listen()

    async def _carry(self, call: Call) -> None:
        with call.scope:
            trouble = await self._delivery.deliver(call)
            if trouble is not None and self._delivery.may_speak_sse(call, trouble):
                trouble = await self._fall_back(call, trouble)
            if trouble is not None:
                self._delivery.give_up(call, trouble)
        if not (self._delivery.detached and call.accepted):
            self._calls.end(call)

    async def _fall_back(self, call: Call, trouble: Trouble) -> Trouble | None:
        """Look for HTTP+SSE at the address; without it the refusal of the handshake stands."""
        stream = SseStream(self._exchanges, self._delivery, self._lose)
        if await stream.open(self._tasks):
            self._inbox.note("the server speaks HTTP+SSE; the handshake goes to its endpoint")
            call.again()
            return await self._delivery.deliver(call)
        if stream.problem is not None:
            return Trouble(stream.problem)
        if trouble.body is None:
            return trouble
        self._delivery.hear(call.channel, Frame(trouble.body.raw, trouble.body, wire="body"))
        return None

    def _cancel(self, message: Message) -> bool:
        """Cancel a call of the stateless era by closing its stream (2026-07-28 §basic/utilities/cancellation).

        In the stateful era the notification is the cancellation and goes up; a closed stream would not be one.
        """
        call = self._calls.cancelled(message)
        if call is None:
            if self._peer.is_open or self._delivery.detached:
                return False
            self._inbox.note("a cancellation came too late, or for no call: over HTTP nothing is to be done")
            return True
        if not call.stateless or self._delivery.detached:
            return False
        call.scope.cancel()
        return True

    async def _listen(self) -> None:
        """Open the server's own stream, before anything that might make the server use it."""
        self._listening.cancel()
        self._listening = anyio.CancelScope()
        opened = anyio.Event()
        self._tasks.start_soon(self._keep_listening, self._listening, opened)
        with anyio.move_on_after(_STREAM_OPENS_WITHIN):
            await opened.wait()

    async def _keep_listening(self, scope: anyio.CancelScope, opened: anyio.Event) -> None:
        with scope:
            await self._delivery.listen(opened)
        opened.set()

    def _lose(self, reason: str) -> None:
        """The server is gone and cannot come back in this session."""
        self.failed = reason
        for call in self._calls.open():
            self._delivery.give_up(call, Trouble(reason))
            self._calls.end(call)
        self._outbox.end()
        self._patience.deadline = -math.inf
        self._closing.set()

    async def _say_goodbye(self) -> None:
        if self._peer.session is None or self.failed is not None:
            return
        with anyio.move_on_after(_FAREWELL):
            try:
                async with self._exchanges.ask("DELETE", self._peer.session_headers()) as answer:
                    await self._delivery.read_refusal(answer)
            except Unanswered:
                pass
