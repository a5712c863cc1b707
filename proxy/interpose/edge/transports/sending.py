"""A request on its way to a server, and the way back of its answer."""

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec
from aiohttp.http import RawResponseMessage
from multidict import CIMultiDictProxy

from interpose.edge.transports.connection import Connection
from interpose.edge.transports.pace import paced
from interpose.edge.transports.pool import Pool

STREAM_OPENS_WITHIN = 1.0  # how long later messages wait for the answer to an earlier one, so that order holds
BODY_MOVES_WITHIN = 2.0  # how long they wait for a body of which nothing is taken
_GLANCE = 0.25
_STEP = 1 << 18
_IN_FLIGHT = 1 << 16  # a body beyond this may be on its way for a while after its last byte was written
_END_OF_CHUNKS = b"0\r\n\r\n"
_SAFE_TWICE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))  # RFC 9110 §9.2.2


class Request(msgspec.Struct, frozen=True):
    """A request as it goes out: its head, then its body in `over` seconds."""

    verb: str
    head: bytes
    body: bytes
    over: float
    chunked: bool

    @property
    def is_brief(self) -> bool:
        return len(self.body) <= _IN_FLIGHT and not self.over

    def whole(self) -> bytes:
        """Head and body in one piece."""
        if not self.chunked:
            return self.head + self.body
        return self.head + (chunk(self.body) if self.body else b"") + _END_OF_CHUNKS


def chunk(piece: bytes | memoryview) -> bytes:
    """A piece of a chunked body as it goes over the wire."""
    return b"".join((b"%x\r\n" % len(piece), piece, b"\r\n"))


class Answer(msgspec.Struct, frozen=True):
    """The head of an answer, and its body to be read."""

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    raw_headers: tuple[tuple[bytes, bytes], ...]
    content: aiohttp.StreamReader

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def is_whole(self) -> bool:
        """Whether all of the body is here: reading it waits for nothing."""
        return self.content.is_eof()


class Sending:
    """A request that goes out at once where a connection waits for one, else as soon as there is a new one.

    Whoever sends calls `release` in the end, however it ends.
    """

    def __init__(self, pool: Pool, request: Request) -> None:
        self._pool = pool
        self._request = request
        self._connection = pool.take()
        self._upload: asyncio.Task[None] | None = None
        self._answer: Answer | None = None
        self._task: asyncio.Task[Answer] | None = None
        self._sent: asyncio.Future[None] | None = None
        self._moved = 0
        if self._connection is not None and request.body and request.verb not in _SAFE_TWICE and request.is_brief:
            self._begin(self._connection)
            if self._upload is None:
                return
        self._sent = asyncio.get_running_loop().create_future()
        self._task = asyncio.ensure_future(self._travel(begun=self._upload is not None))

    @property
    def is_under_way(self) -> bool:
        """Whether a later request cannot overtake this one, as is plain: it was written, and is small."""
        return self._task is None

    async def under_way(self) -> str:
        """Wait until a later request cannot overtake this one. Not for ever: else the text says what it waits for.

        A message is under way when it was written; one without a body may open a stream, and is when its answer
        began. So is one whose last bytes may still fill the buffers between the two machines.
        """
        if self._task is None or self._sent is None:
            return ""
        try:
            return await self._body_taken(self._task, self._sent) or await self._answer_began(self._task)
        except asyncio.CancelledError:
            self.release()
            raise

    def then(self, here: Callable[[], None]) -> None:
        """Call this once, when the answer to what is under way has begun or will never come."""
        assert self._connection is not None, "it went out on one"
        self._connection.then(here)

    def here(self) -> Answer | None:
        """The answer, where it is here whole and is small."""
        found = None if self._connection is None else self._connection.here()
        if found is not None:
            self._answer = _answer(*found)
        return self._answer

    async def answer(self) -> Answer:
        """The answer, once its head is there. Raises UPSTREAM_ERRORS."""
        if self._answer is not None:
            return self._answer
        if self._task is not None:
            return await self._task
        assert self._connection is not None, "it went out on one"
        return await self._receive(self._connection)

    def release(self) -> None:
        """Nobody waits for more of the answer: its connection is kept if that came to its end, else closed."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
        elif self._task is not None and not self._task.cancelled():
            self._task.exception()
        self._let_go()

    async def _travel(self, *, begun: bool) -> Answer:
        """Send it and receive the answer.

        Once more on a new connection, where the one that was kept has failed and sending twice does no harm.
        """
        again = self._connection is not None and self._request.verb in _SAFE_TWICE
        while True:
            if self._connection is None:
                self._connection = await self._pool.connect()
            connection = self._connection
            try:
                if not begun:
                    self._begin(connection)
                return await self._receive(connection)
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, aiohttp.ClientConnectionResetError):
                if not again:
                    raise
            again = begun = False
            self._let_go()

    def _begin(self, connection: Connection) -> None:
        """Send what can be sent at once; the rest is uploaded while the answer may already come."""
        request, is_brief = self._request, self._request.is_brief
        connection.expect(request.verb)
        if is_brief:
            connection.write(request.whole())
        if not (is_brief and connection.is_drained):
            self._upload = asyncio.ensure_future(self._carry_up(connection))
        elif self._sent is not None and not self._sent.done():
            self._sent.set_result(None)

    async def _carry_up(self, connection: Connection) -> None:
        """Where the connection fails, whoever waits for the answer hears of it."""
        try:
            if not self._request.is_brief:
                await self._write_pieces(connection)
            await connection.drained()
        except OSError:
            return
        if self._sent is not None and not self._sent.done():
            self._sent.set_result(None)

    async def _write_pieces(self, connection: Connection) -> None:
        request = self._request
        connection.write(request.head)
        for piece, pause in paced(request.body, request.over, _STEP):
            if pause:
                await asyncio.sleep(pause)
            connection.write(chunk(piece) if request.chunked else piece)
            await connection.drained()
            self._moved += len(piece)
        if request.chunked:
            connection.write(_END_OF_CHUNKS)

    async def _receive(self, connection: Connection) -> Answer:
        self._answer = answer = _answer(*await connection.answer())
        return answer

    async def _body_taken(self, task: "asyncio.Task[Answer]", sent: "asyncio.Future[None]") -> str:
        now = asyncio.get_running_loop().time
        moved, since = self._moved, now()
        while not sent.done() and not task.done():
            if moved != self._moved:
                moved, since = self._moved, now()
            elif now() - since >= BODY_MOVES_WITHIN:
                return f"nothing of this was taken for {BODY_MOVES_WITHIN:.0f} s"
            await asyncio.wait((sent, task), timeout=_GLANCE, return_when=asyncio.FIRST_COMPLETED)
        return ""

    async def _answer_began(self, task: "asyncio.Task[Answer]") -> str:
        size = len(self._request.body)
        if 0 < size <= _IN_FLIGHT:
            return ""
        await asyncio.wait((task,), timeout=STREAM_OPENS_WITHIN)
        return "" if size or task.done() else f"no answer to this began within {STREAM_OPENS_WITHIN:.0f} s"

    def _let_go(self) -> None:
        """Part with the connection; one on which anything is still to come is of no more use."""
        connection, self._connection = self._connection, None
        upload, self._upload = self._upload, None
        if connection is None:
            return
        if upload is not None and not upload.done():
            upload.cancel()
            connection.force_close()
        if self._answer is None or not self._answer.is_whole:
            connection.force_close()
        self._pool.give_back(connection)


def _answer(message: RawResponseMessage, content: aiohttp.StreamReader) -> Answer:
    return Answer(message.code, message.reason, message.headers, message.raw_headers, content)
