"""One HTTP reply while it is being said: a JSON body when the answer comes first, else an event stream.

Knows nothing of sessions. Frames are put without waiting; `write` runs in the exchange's own task.
"""

from collections.abc import Callable
from typing import Literal

import anyio
import msgspec
from aiohttp import hdrs, web

from interpose.core.events import Headers
from interpose.core.wire.message import Kind, Message
from interpose.core.wire.sse import write_block
from interpose.edge.link import Outbox
from interpose.edge.transports.http_client_request import EVENTS, JSON, cors
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
        self._stalled = False
        self._request: web.BaseRequest | None = None
        self.extra: dict[str, str] = {}  # headers of the reply, until it begins
        self.opens = False  # the reply opens a session: an error has none of the extra headers
        self.refused = False
        self.delivered = False
        self.unsent = 0

    def put(self, message: Message, *, last: bool) -> None:
        """Say a message; `last` when nothing follows it."""
        if last and self._form == "undecided" and self._status is not None:
            self._form = "json"
            self.refused = message.kind is Kind.ERROR
            self._body = self._status(message), len(message.raw)
            self._put(message.raw)
        else:
            self.begin()
            self._put_event(message.raw)
        if last:
            self._outbox.end()

    def put_block(self, block: bytes) -> None:
        """Say an event that is no message."""
        self.begin()
        self._put(block)

    def begin(self) -> None:
        """Nothing but an event stream from here on."""
        if self._form == "undecided":
            self._form = "events"

    def end(self) -> None:
        """Nothing more will be said."""
        self.begin()
        self._outbox.end()

    async def room(self) -> None:
        """Wait until the client has taken enough. One that takes nothing for long is cut off: others wait behind it."""
        while self._outbox.full:
            moved = self._moved
            with anyio.move_on_after(self._patience.stalled):
                await self._outbox.room()
                return
            if moved == self._moved:
                self._cut()
                return

    async def write(self, request: web.BaseRequest, head: Head) -> web.StreamResponse:
        """Write the reply. `head` hears its status and headers. Raises OSError when the client is gone."""
        self._request = request
        reply: web.StreamResponse | None = None
        while True:
            data = b"" if self._form == "events" and reply is None else await self._next()
            reply = reply or await self._begin(request, head)
            if data is None:
                break
            await self._write(reply, data)
        self.delivered = not self._stalled
        await reply.write_eof()
        return reply

    async def _next(self) -> bytes | None:
        """What to write next: a comment after a long silence, None at the end."""
        with anyio.move_on_after(self._patience.silent):
            return await self._outbox.take()
        self.begin()
        return _KEEP_ALIVE if self._form == "events" else await self._outbox.take()

    async def _begin(self, request: web.BaseRequest, head: Head) -> web.StreamResponse:
        if self._form == "json":
            status, length = self._body
            headers: dict[str, str] = {hdrs.CONTENT_TYPE: JSON, hdrs.CONTENT_LENGTH: str(length)}
        else:
            status, headers = 200, dict(_EVENT_HEADERS)
        if not (self.opens and self.refused):
            headers |= self.extra
        head(status, tuple(headers.items()))
        reply = web.StreamResponse(status=status, headers=headers | cors(request))
        await reply.prepare(request)
        return reply

    async def _write(self, reply: web.StreamResponse, data: bytes) -> None:
        for start in range(0, len(data), READ_SIZE):
            piece = data[start : start + READ_SIZE]
            await reply.write(piece)
            if data is _KEEP_ALIVE:
                return
            self._outbox.taken(piece)
            self.unsent -= len(piece)
            self._moved += 1

    def _put_event(self, raw: bytes) -> None:
        if b"\r" in raw or b"\n" in raw:
            self._put(write_block(raw))
            return
        for piece in (_EVENT, raw, _END) if len(raw) > READ_SIZE else (_EVENT + raw + _END,):
            self._put(piece)

    def _put(self, data: bytes) -> None:
        if not self._outbox.ended:
            self._outbox.put(data)
            self.unsent += len(data)

    def _cut(self) -> None:
        self._stalled = True
        self._outbox.abandon()
        if self._request is not None and self._request.transport is not None:
            self._request.transport.abort()
