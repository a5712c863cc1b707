"""One HTTP exchange in a client's hands: what the core delivered for either side, and the reply being written."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aiohttp import web
from aiohttp.http import HttpVersion11

from interpose.core.events import End, Frame, Headers
from interpose.core.protocol.http import ParamHeaders
from interpose.core.wire.message import Kind, Message
from interpose.core.wire.sse import write_block
from interpose.edge.transports.bodies import is_event_stream, whole
from interpose.edge.transports.pace import paced

RawHeaders = Iterable[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
_STEP = 1 << 18


class ClientGone(Exception):
    """The client left before its reply was whole."""


class Reply(web.StreamResponse):
    """A response whose head is the upstream's own to the byte; of ours it has the framing of this connection alone."""

    def __init__(self, status: int, reason: str | None, headers: list[tuple[bytes, bytes]]) -> None:
        lengths = [value.decode("latin-1") for name, value in headers if name.lower() == b"content-length"]
        super().__init__(status=status, headers={"Content-Length": lengths[0]} if lengths else None)
        self._phrase = reason or ""
        self._lines = headers

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        framing = ("Transfer-Encoding", "Connection")
        added = [(name, self.headers[name]) for name in framing if name in self.headers]
        self._lines = [*self._lines, *((name.encode(), value.encode()) for name, value in added)]

    async def _write_headers(self) -> None:
        """Not through aiohttp's writer: it has no way to say a byte that is no UTF-8 (RFC 9110 §5.5, obs-text)."""
        request, writer = self._req, self._payload_writer
        if request is None or writer is None or request.transport is None or request.transport.is_closing():
            raise ConnectionResetError("the client left")
        major, minor = request.version
        status_line = f"HTTP/{major}.{minor} {self.status} {self._phrase}".encode("utf-8", "surrogateescape")
        head = head_of(status_line, self._lines)
        writer.output_size += len(head)
        request.transport.write(head)

    @property
    def self_delimiting(self) -> bool:
        """Whether a client can tell a whole body from one that was cut off."""
        return "Content-Length" in self.headers or "Transfer-Encoding" in self.headers


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
        self._moved = asyncio.Event()
        self._flushing = asyncio.Lock()

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
            parts = frame.message.messages() if frame.message is not None and self.waiting else ()
            self.waiting.difference_update(part.id or "" for part in parts if part.is_response)
        self._moved.set()

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
            self._moved.set()

    def abandon(self) -> None:
        """Nobody waits for the answer any longer: end what it was held for."""
        if self.waiting:
            for task in self.held.values():
                task.cancel()

    def nudge(self) -> None:
        """Let whoever waits here look again."""
        self._moved.set()

    async def moved(self, seconds: float | None = None) -> bool:
        """Wait until something was delivered, a task ended or somebody nudged; False when not for that long."""
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return False
        self._moved.clear()
        return True

    async def body(self) -> bytes:
        """Read what the client sends. A client that waits to be asked for it is asked (RFC 9110 §10.1.1)."""
        request = self.request
        if request.headers.get("Expect", "").lower() == "100-continue" and request.version == HttpVersion11:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        return await whole(request.content)

    def take(self) -> tuple[bytes, float]:
        """What was delivered for the upstream, and the seconds that sending it is to take."""
        self.sent = True
        body = b"".join([frame.raw for frame in self.upstream])
        over = sum(frame.over for frame in self.upstream)
        self.upstream.clear()
        return body, over

    async def begin(self, status: int, reason: str | None, headers: list[tuple[bytes, bytes]]) -> Reply:
        """Send the status and headers. Raises ClientGone."""
        self.reply = Reply(status, reason, headers)
        types = [value.decode("latin-1") for name, value in headers if name.lower() == b"content-type"]
        self.streams = is_event_stream(types[0] if types else None)
        with _to_client():
            await self.reply.prepare(self.request)
        return self.reply

    async def flush(self) -> None:
        """Write what was delivered to the client, once the reply has begun. Waits for a slow client: the back-pressure.

        Whoever had something delivered may call this: another exchange, or interpose itself.
        """
        async with self._flushing:
            while self.downstream and self.reply is not None:
                frame = self.downstream.popleft()
                await self.write(self._written(frame), frame.over)

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
        assert self.reply is not None, "the head comes first"
        with _to_client():
            for piece, pause in paced(data, over, _STEP):
                if pause:
                    await asyncio.sleep(pause)
                await self.reply.write(piece)

    async def finish(self) -> None:
        """The reply is whole. Raises ClientGone."""
        if self.reply is not None:
            with _to_client():
                await self.reply.write_eof()

    def cut(self) -> Reply | None:
        """End a reply that had begun so that nobody takes it for a whole one; None when nothing was sent yet."""
        reply, transport = self.reply, self.request.transport
        if reply is None:
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
        self._moved.set()


def refusal(status: int, why: str) -> web.Response:
    """What a client gets from us instead of an answer."""
    return web.Response(status=status, text=f"interpose: {why}\n")


@contextmanager
def _to_client() -> Iterator[None]:
    """Writing to a client fails in one way."""
    try:
        yield
    except OSError as error:
        raise ClientGone from error


def reset(transport: asyncio.Transport) -> None:
    """End a connection so that the other side takes it for an error."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def text(raw_headers: RawHeaders) -> Headers:
    """Raw headers as text, in their order and spelling. What is no UTF-8 is read as Latin-1."""
    return tuple((_text(name), _text(value)) for name, value in raw_headers)


def end_to_end(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """The headers that a proxy hands on: without those of the connection (RFC 9110 §7.6.1)."""
    headers = list(headers)
    named = {
        token.strip().lower() for name, value in headers if name.lower() == b"connection" for token in value.split(b",")
    }
    dropped = _HOP_BY_HOP | (named - {b"close", b"keep-alive"})
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def head_of(start_line: bytes, headers: RawHeaders) -> bytes:
    """A message's head as it goes over the wire."""
    return b"\r\n".join([start_line, *(name + b": " + value for name, value in headers), b"", b""])


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
