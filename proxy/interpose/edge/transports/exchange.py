"""One HTTP exchange in a client's hands: what the core delivered for either side, and the reply being written."""

import asyncio
import socket
import struct
from collections import deque

from aiohttp import web

from interpose.core.events import End, Frame
from interpose.core.protocol.http import ParamHeaders
from interpose.core.wire.message import Kind, Message
from interpose.core.wire.sse import write_block
from interpose.edge.transports.bodies import is_event_stream, received
from interpose.edge.transports.memory import keep_blocks_of
from interpose.edge.transports.pace import paced
from interpose.edge.transports.raw_headers import RawHeader
from interpose.edge.transports.reply import ClientGone, Reply

_STEP = 1 << 18


class Exchange:
    """What goes through one exchange. `upstream` and `downstream` are what the core delivered and nobody took yet.

    `waiting` are the requests in it without an answer; `held` are the tasks on whose outcome it waits too.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        self.request = request
        self.upstream: deque[Frame] = deque()
        self.downstream: deque[Frame] = deque()
        self.reply: Reply | None = None
        self.sent = False  # the request is on its way: nothing can be added to it
        self.waiting: set[str] = set()
        self.params: ParamHeaders = {}  # which arguments the request's headers mirror
        self.held: dict[str, asyncio.Task[None]] = {}
        self.was_held = False
        self.streams = False  # the reply is an event stream
        self.severed = False
        self._stirred = False
        self._waiter: asyncio.Event | None = None
        self._spreading: asyncio.Lock | None = None  # held while a frame that takes its time is written

    def ask(self, message: Message) -> None:
        """What the client asks in this exchange."""
        parts = message.messages()
        self.waiting = {part.id for part in parts if part.kind is Kind.REQUEST and part.id is not None}

    def deliver(self, end: End, frame: Frame) -> None:
        """Queue a frame for one of the sides."""
        if end == "server":
            self.upstream.append(frame)
        else:
            self.downstream.append(frame)
            if frame.message is not None and self.waiting:
                parts = frame.message.messages()
                self.waiting.difference_update([part.id or "" for part in parts if part.is_response])
        self.nudge()

    @property
    def is_held(self) -> bool:
        """Whether an answer may still come though the server has nothing more to say here."""
        return bool(self.held and self.waiting)

    def hold(self, name: str, task: "asyncio.Task[None]") -> None:
        """Wait for the outcome of a task, too."""
        self.held[name] = task
        self.was_held = True

    def let_go(self, name: str) -> None:
        """A task has ended."""
        if self.held.pop(name, None) is not None:
            self.nudge()

    def abandon(self) -> None:
        """Nobody waits for the answer any longer: end what it was held for."""
        if self.waiting:
            for task in self.held.values():
                task.cancel()

    def nudge(self) -> None:
        """Let whoever waits here look again."""
        self._stirred = True
        if self._waiter is not None:
            self._waiter.set()

    async def moved(self, seconds: float | None = None) -> bool:
        """Wait until something was delivered, a task ended or somebody nudged; False when not for that long."""
        if not self._stirred:
            self._waiter = asyncio.Event()
            try:
                async with asyncio.timeout(seconds):
                    await self._waiter.wait()
            except TimeoutError:
                return False
            finally:
                self._waiter = None
        self._stirred = False
        return True

    @property
    def is_here(self) -> bool:
        """Whether the request came whole."""
        content = self.request.content
        return content.is_eof() and content.exception() is None

    async def body(self) -> bytes:
        """What the client sends."""
        body = await received(self.request)
        keep_blocks_of(len(body))
        return body

    def take(self) -> tuple[bytes, float]:
        """What was delivered for the upstream, and the seconds that sending it is to take."""
        self.sent = True
        body = b"".join([frame.raw for frame in self.upstream])
        over = sum(frame.over for frame in self.upstream)
        self.upstream.clear()
        return body, over

    def begin(self, status: int, reason: str | None, headers: list[RawHeader]) -> Reply:
        """Set the status and headers. They go out with what comes next, or with `announce`."""
        self.reply = Reply(self.request, status, reason, headers)
        self.streams = is_event_stream(self.reply.type)
        return self.reply

    async def announce(self) -> None:
        """Send the head now: what follows may take its time. Raises ClientGone."""
        if self.reply is not None and not self.reply.sent:
            await self.reply.send()

    @property
    def takes(self) -> bool:
        """Whether the client is there, and a little more can be sent without waiting for it."""
        transport, protocol = self.request.transport, self.request.protocol
        return transport is not None and not transport.is_closing() and not protocol.writing_paused

    async def flush(self, *, more: bool = False) -> None:
        """Write what was delivered to the client, once the reply has begun. Waits for a slow client: the back-pressure.

        Whoever had something delivered may call this: another exchange, or interpose itself. With `more`, the last of
        it may go out with what comes next. Raises ClientGone.
        """
        reply = self.reply
        if reply is None:
            return
        while self.downstream or self._is_spreading:
            if self._is_spreading or self._is_slow(self.downstream[0]):
                await self._spread()
            else:
                reply.put(self._written(self.downstream.popleft()))
                if reply.pending > _STEP:
                    await reply.send()
        if not more:
            await reply.send()

    async def _spread(self) -> None:
        """Write a frame that takes its time, behind those that do already."""
        if self._spreading is None:
            self._spreading = asyncio.Lock()
        async with self._spreading:
            if self.downstream:
                frame = self.downstream.popleft()
                await self.write(self._written(frame), frame.over)

    @property
    def _is_spreading(self) -> bool:
        return self._spreading is not None and self._spreading.locked()

    def _is_slow(self, frame: Frame) -> bool:
        return bool(frame.over) or len(frame.raw) > _STEP

    async def offer(self) -> None:
        """Flush what another exchange, time or an approver brought. Whether the client is there is its own affair."""
        try:
            await self.flush()
        except ClientGone:
            pass

    def _written(self, frame: Frame) -> bytes:
        """The bytes of a frame. A message that did not come as an event becomes one in an event stream."""
        message = frame.message
        return write_block(message.raw) if self.streams and frame.wire != "block" and message is not None else frame.raw

    async def write(self, data: bytes, over: float = 0.0) -> None:
        """Write a piece of the body, in so many seconds. Raises ClientGone."""
        reply = self.reply
        assert reply is not None, "the head comes first"
        for piece, pause in paced(data, over, _STEP):
            if pause:
                await reply.send()
                await asyncio.sleep(pause)
            reply.put(piece)
            await reply.send()

    async def finish(self) -> None:
        """The reply is whole. Raises ClientGone."""
        if self.reply is not None:
            self.reply.end()
            await self.reply.send()

    def finish_at_once(self) -> None:
        """Write what was delivered, and the end, to a client that `takes` it. Raises ClientGone."""
        reply = self.reply
        assert reply is not None, "the head comes first"
        while self.downstream:
            reply.put(self._written(self.downstream.popleft()))
        reply.end()
        reply.let_out()

    def cut(self) -> Reply | None:
        """End a reply that had begun so that nobody takes it for a whole one; None when nothing was sent yet."""
        reply, transport = self.reply, self.request.transport
        if reply is None or not reply.sent:
            self.reply = None
            return None
        reply.force_close()
        if transport is not None and reply.self_delimiting:
            transport.close()  # what was written still arrives; the end of the body does not
        elif transport is not None:
            reset(transport)
        return reply

    def sever(self) -> None:
        """Break the exchange off as a server would that fails: the client sees no end of a reply."""
        self.severed = True
        transport = self.request.transport
        if self.cut() is None and transport is not None:
            reset(transport)
        self.nudge()


def refusal(status: int, why: str) -> web.Response:
    """What a client gets from us instead of an answer."""
    return web.Response(status=status, text=f"interpose: {why}\n")


def reset(transport: asyncio.Transport) -> None:
    """End a connection so that the other side takes it for an error."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
