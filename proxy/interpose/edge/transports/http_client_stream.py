"""One HTTP reply while it is being said: a JSON body when the answer comes first, else an event stream.

Knows nothing of sessions. Frames are put without waiting; `write` runs in the exchange's own task.
"""

import asyncio
from collections.abc import Callable
from typing import Literal

import anyio
import msgspec
from aiohttp import hdrs, web

from interpose.core.events import Headers
from interpose.core.wire.message import Kind, Message
from interpose.core.wire.sse import write_block
from interpose.edge.link import Outbox
from interpose.edge.transports.exchange import reset
from interpose.edge.transports.http_client_request import EVENTS, JSON, cors, names_no_request
from interpose.edge.transports.pace import paced
from interpose.edge.transports.pipes import READ_SIZE

_KEEP_ALIVE = b": keep-alive\n\n"
_EVENT, _END = b"event: message\ndata: ", b"\n\n"
_EVENT_HEADERS: dict[str, str] = {
    hdrs.CONTENT_TYPE: EVENTS,
    hdrs.CACHE_CONTROL: "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}

Form = Literal["undecided", "json", "events"]
Status = Callable[[Message], int]
Head = Callable[[int, Headers], None]


class Patience(msgspec.Struct, frozen=True):
    """How many seconds things may last: silence on a stream, a client that takes nothing, a session nobody uses."""

    silent: float = 15.0
    stalled: float = 30.0
    idle: float = 1800.0


PATIENCE = Patience()


class Stream:
    """The reply of one exchange.

    `status` gives the HTTP status of a JSON reply; without it only events are said.
    """

    def __init__(self, status: Status | None, patience: Patience = PATIENCE) -> None:
        self._form: Form = "undecided" if status else "events"
        self._status = status
        self._patience = patience
        self._outbox = Outbox()
        self._body = (200, 0)  # of a JSON reply: its status and length
        self._moved = 0
        self._begun = False
        self._broken = False
        self._request: web.BaseRequest | None = None
        self.extra: dict[str, str] = {}  # headers of the reply, until it begins
        self.opens = False  # the reply opens a session: an error has none of the extra headers
        self.refused = False
        self.delivered = False
        self.unsent = 0

    def put(self, message: Message, *, last: bool, over: float = 0.0) -> None:
        """Say a message, in so many seconds; `last` when nothing follows it."""
        if last and self._form == "undecided" and self._status is not None:
            self._form = "json"
            self.refused = message.kind is Kind.ERROR
            self._body = 400 if names_no_request(message) else self._status(message), len(message.raw)
            self._put(message.raw, over)
        else:
            self.begin()
            self._put_event(message.raw, over)
        if last:
            self._outbox.end()

    def put_block(self, block: bytes) -> None:
        """Say an event that is no message."""
        self.begin()
        self._put(block, 0.0)

    def begin(self) -> None:
        """Nothing but an event stream from here on."""
        if self._form == "undecided":
            self._form = "events"

    def end(self) -> None:
        """Nothing more will be said."""
        self.begin()
        self._outbox.end()

    @property
    def full(self) -> bool:
        return self._outbox.full

    async def room(self) -> None:
        """Wait until the client has taken enough. One that takes nothing for long is cut off: others wait behind it."""
        while self._outbox.full:
            moved = self._moved
            with anyio.move_on_after(self._patience.stalled):
                await self._outbox.room()
                return
            if moved == self._moved:
                self.cut()
                return

    async def write(self, request: web.BaseRequest, head: Head) -> web.StreamResponse:
        """Write the reply. `head` hears its status and headers. Raises OSError when the client is gone, or cut off."""
        self._request = request
        if self._broken:
            self.cut()
            raise ConnectionError("cut off")
        reply: web.StreamResponse | None = None
        while True:
            taken = (b"", 0.0) if self._form == "events" and reply is None else await self._next()
            if self._broken:
                raise ConnectionError("cut off")
            reply = reply or await self._begin(request, head)
            if taken is None:
                break
            await self._write(reply, *taken)
        self.delivered = not self._broken
        await reply.write_eof()
        return reply

    async def _next(self) -> tuple[bytes, float] | None:
        """What to write next: a comment after a long silence, None at the end."""
        with anyio.move_on_after(self._patience.silent):
            return await self._outbox.take()
        self.begin()
        return (_KEEP_ALIVE, 0.0) if self._form == "events" else await self._outbox.take()

    async def _begin(self, request: web.BaseRequest, head: Head) -> web.StreamResponse:
        if self._form == "json":
            status, length = self._body
            headers: dict[str, str] = {hdrs.CONTENT_TYPE: JSON, hdrs.CONTENT_LENGTH: str(length)}
        else:
            status, headers = 200, dict(_EVENT_HEADERS)
        if not (self.opens and self.refused):
            headers |= self.extra
        head(status, tuple(headers.items()))
        self._begun = True
        reply = web.StreamResponse(status=status, headers=headers | cors(request))
        await reply.prepare(request)
        return reply

    async def _write(self, reply: web.StreamResponse, data: bytes, over: float) -> None:
        for piece, pause in paced(data, over, READ_SIZE):
            if pause:
                await asyncio.sleep(pause)
            await reply.write(piece)
            if data is _KEEP_ALIVE:
                return
            self._outbox.taken(len(piece))
            self.unsent -= len(piece)
            self._moved += 1

    def _put_event(self, raw: bytes, over: float) -> None:
        if b"\r" in raw or b"\n" in raw:
            self._put(write_block(raw), over)
            return
        for piece in (_EVENT, raw, _END) if len(raw) > READ_SIZE else (_EVENT + raw + _END,):
            self._put(piece, over if len(piece) >= len(raw) else 0.0)

    def _put(self, data: bytes, over: float) -> None:
        if not self._outbox.ended:
            self._outbox.put(data, over)
            self.unsent += len(data)

    def cut(self) -> None:
        """Break the reply off, so that nobody takes it for a whole one. What was not written is not delivered."""
        self._broken = True
        self._outbox.abandon()
        transport = None if self._request is None else self._request.transport
        if transport is not None and self._begun:
            transport.abort()
        elif transport is not None:
            reset(transport)
