"""The server of a relay: requests go to it with the very head and body they came with, and nothing is added."""

import asyncio
import os
import ssl
from typing import Any

import aiohttp
from aiohttp import payload
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpProcessingError
from yarl import URL

from interpose.edge.transports.exchange import RawHeaders, end_to_end, head_of
from interpose.edge.transports.pace import paced

STREAM_OPENS_WITHIN = 1.0  # how long later messages wait for the answer to an earlier one, so that order holds
BODY_MOVES_WITHIN = 2.0  # how long they wait for a body of which nothing is taken
_GLANCE = 0.25
_HEADER_LIMIT = 1 << 16
_STEP = 1 << 18
_IN_FLIGHT = 1 << 16  # a body beyond this may be on its way for a while after its last byte was written
UPSTREAM_ERRORS = (aiohttp.ClientError, HttpProcessingError, OSError)


class Parcel(payload.Payload):
    """A request as it goes out: its head, then its body in `over` seconds. `sent` is set once the system has it all."""

    def __init__(self, head: bytes, body: bytes, over: float, *, chunked: bool) -> None:
        super().__init__(body)
        self._over = over
        self._size = len(body)
        self._head = head
        self._chunked = chunked
        self.moved = 0
        self.sent = asyncio.Event()

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Part of aiohttp's interface for logging; bodies are not logged."""
        return ""

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write head and body, the head in the place of the one that aiohttp made."""
        stream: Any = writer
        stream._headers_buf = self._head
        if self._chunked:
            writer.enable_chunking()
        for piece, pause in paced(self._value, self._over, _STEP):
            if pause:
                await asyncio.sleep(pause)
            await writer.write(piece)
            self.moved += len(piece)
        stream.send_headers()
        if stream.transport is not None:
            stream.transport.set_write_buffer_limits(high=0)
        await writer.drain()
        self.sent.set()


class Sending:
    """A request on its way to the server."""

    def __init__(self, request: "aiohttp.client._RequestContextManager", parcel: Parcel) -> None:
        self._parcel = parcel
        self._task = asyncio.ensure_future(_answer(request))

    async def under_way(self) -> str:
        """Wait until a later request cannot overtake this one. Not for ever: else the text says what it waits for.

        A message is under way when it was written; one without a body may open a stream, and is when its answer
        began. So is one whose last bytes may still fill the buffers between the two machines.
        """
        try:
            return await self._body_taken() or await self._answer_began()
        except asyncio.CancelledError:
            self._drop()
            raise

    async def answer(self) -> aiohttp.ClientResponse:
        """The answer, once its head is there. Raises UPSTREAM_ERRORS."""
        try:
            return await self._task
        except asyncio.CancelledError:
            self._drop()
            raise

    async def _body_taken(self) -> str:
        sent = asyncio.ensure_future(self._parcel.sent.wait())
        now = asyncio.get_running_loop().time
        moved, since = self._parcel.moved, now()
        try:
            while not sent.done() and not self._task.done():
                if moved != self._parcel.moved:
                    moved, since = self._parcel.moved, now()
                elif now() - since >= BODY_MOVES_WITHIN:
                    return f"nothing of this was taken for {BODY_MOVES_WITHIN:.0f} s"
                await asyncio.wait((sent, self._task), timeout=_GLANCE, return_when=asyncio.FIRST_COMPLETED)
            return ""
        finally:
            sent.cancel()

    async def _answer_began(self) -> str:
        size = self._parcel.size or 0
        if 0 < size <= _IN_FLIGHT:
            return ""
        await asyncio.wait((self._task,), timeout=STREAM_OPENS_WITHIN)
        return "" if size or self._task.done() else f"no answer to this began within {STREAM_OPENS_WITHIN:.0f} s"

    def _drop(self) -> None:
        """Nobody waits for the answer any longer: close its connection."""
        self._task.cancel()
        self._task.add_done_callback(_let_go)


class Upstream:
    """One origin and the connections to it."""

    def __init__(self, origin: str) -> None:
        self._url = URL(origin, encoded=True)
        self._host = (self._url.host_port_subcomponent or "").encode()
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        )

    @property
    def closed(self) -> bool:
        return self._client.closed

    async def aclose(self) -> None:
        await self._client.close()

    def send(self, verb: str, target: bytes, headers: RawHeaders, body: bytes, over: float = 0.0) -> Sending:
        """Send a request with a client's headers on, to another target and Host; its body in so many seconds."""
        headers = list(headers)
        chunked = any(name.lower() == b"transfer-encoding" and b"chunked" in value.lower() for name, value in headers)
        head = head_of(b"%b %b HTTP/1.1" % (verb.encode(), target), self._headers(headers, len(body), chunked=chunked))
        parcel = Parcel(head, body, over, chunked=chunked)
        return Sending(self._client.request(verb, self._url, data=parcel, allow_redirects=False), parcel)

    def _headers(self, came: RawHeaders, size: int, *, chunked: bool) -> list[tuple[bytes, bytes]]:
        """What is handed on, each in its place: `Host` becomes the server's, and the body's length what it is."""
        replaced = {b"host": self._host, b"content-length": b"%d" % size, b"expect": None}
        headers = end_to_end(came)
        kept = [(name, replaced.get(name.lower(), value)) for name, value in headers]
        if chunked:
            kept.append((b"Transfer-Encoding", b"chunked"))
        elif size and not any(name.lower() == b"content-length" for name, _ in headers):
            kept.append((b"Content-Length", b"%d" % size))
        if not any(name.lower() == b"host" for name, _ in headers):
            kept.insert(0, (b"Host", self._host))
        return [(name, value) for name, value in kept if value is not None]


def problem(error: BaseException) -> str:
    """What went wrong with a server, in a few words and without its address: that may hold a token."""
    match error:
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            return "it broke off in the middle of its answer"
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return f"it does not speak HTTP as it should: {error.message.strip().splitlines()[0][:200]}"
        case aiohttp.ClientConnectorError():
            return _system_error(error.os_error)
        case aiohttp.ConnectionTimeoutError() | TimeoutError():
            return "it did not take the connection in time"
        case OSError():
            return _system_error(error)
    return str(error) or type(error).__name__


def _system_error(error: OSError) -> str:
    """aiohttp and asyncio wrap the system's words in their own, with the address."""
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection: {error.reason or error}"
    number = error.errno
    return os.strerror(number) if number is not None and number > 0 else error.strerror or str(error)


async def _answer(request: "aiohttp.client._RequestContextManager") -> aiohttp.ClientResponse:
    return await request


def _let_go(task: "asyncio.Task[aiohttp.ClientResponse]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
