"""A server's reply to one exchange where policy has a say: what the core lets through, in the form it still has."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from interpose.core.events import Frame
from interpose.edge.heads import KEEP_ALIVE, Head, as_events, as_json, as_unread, joined, uncoded
from interpose.edge.transports.bodies import is_event_stream
from interpose.edge.transports.exchange import Exchange
from interpose.edge.transports.frames import Frames
from interpose.edge.transports.http_client_request import EVENTS, accepts
from interpose.edge.transports.plain import plain_frames
from interpose.edge.transports.sending import Answer
from interpose.edge.transports.upstream import UPSTREAM_ERRORS

_TOGETHER = 32  # frames: as many may have interpose talk to the server before it waits for room
_SILENT = 15.0  # seconds after which a held stream says that it is still there


class Hear(Protocol):
    def __call__(self, frames: Sequence[Frame], *, ended: bool) -> bool: ...


class Judging:
    """Hands a reply on: a stream as it comes, any other reply once its body was judged.

    `hear` hears frames of it, and whether they are the last; it tells whether with them the reply is over, as it came.
    `room` waits while too much of interpose's own is under way. `holds` tells whether something in it is held.
    """

    def __init__(
        self,
        exchange: Exchange,
        hear: Hear,
        room: Callable[[], Awaitable[None]],
        holds: Callable[[], bool],
    ) -> None:
        self._exchange = exchange
        self._hear = hear
        self._room = room
        self._holds = holds
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._offering: asyncio.Task[None] | None = None

    async def carry(self, answer: Answer, head: Head) -> None:
        """Read the reply to its end, and see the client answered. Raises Unreadable, ClientGone and UPSTREAM_ERRORS."""
        frames = plain_frames(answer)
        try:
            if is_event_stream(answer.headers.get("Content-Type")):
                await self._begin(as_events(uncoded(head)))
                if not answer.is_whole:
                    await self._exchange.announce()
            await self._end(head, await self._read(frames))
        finally:
            self._stop()

    async def go_on(self, head: Head, last: Frame | None) -> None:
        """See the client answered where the body was heard, and more may be said because of it. Raises ClientGone."""
        try:
            await self._room()
            await self._end(head, last)
        finally:
            self._stop()

    async def _end(self, head: Head, last: Frame | None) -> None:
        if self._exchange.reply is None:
            await (self._begin(head) if self._over else self._reply(head, last))
        if not self._over:
            await self._hold()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._offering is not None:
            self._offering.cancel()

    async def _read(self, frames: Frames) -> Frame | None:
        """Hear the reply to its end. Returns the last frame of it."""
        exchange, last = self._exchange, None
        try:
            while not frames.ended and (batch := await frames.more()):
                last = batch[-1]
                while batch:
                    some, batch = batch[:_TOGETHER], batch[_TOGETHER:]
                    self._over = self._hear(some, ended=frames.ended and not batch)
                    if not self._over:  # else nothing of interpose's own can be under way because of it
                        await self._room()
                if exchange.reply is not None:
                    await exchange.flush(more=frames.ended)
            if last is None:
                self._over = self._hear((), ended=True)
        except UPSTREAM_ERRORS:
            answer_came = last is not None and last.message is not None and last.message.is_response
            if not exchange.was_held and not (answer_came and self._holds()):  # else the answer comes another way
                raise
        return last

    @property
    def _is_held(self) -> bool:
        return self._exchange.is_held or self._holds()

    async def _reply(self, head: Head, came: Frame | None) -> None:
        """Begin a reply that is no stream, now that its body was judged, and whatever interpose asked because of it."""
        exchange = self._exchange
        while self._is_held:
            streamable = accepts(exchange.request, EVENTS)
            if exchange.downstream and streamable:
                await self._begin(as_events(uncoded(head)))
                return
            exchange.downstream.clear()  # what comes before the answer has no place in a body
            if not await exchange.moved(_SILENT) and streamable and head.status == 200:
                await self._begin(as_events(uncoded(head)))  # a client that hears nothing gives up
                return
        said = list(exchange.downstream)
        if came is not None and len(said) == 1 and said[0].raw is came.raw:
            await self._begin(head)
            return
        exchange.downstream.clear()
        if not said:
            await self._begin(head if came is None else as_unread(head))
            return
        body = joined(said)
        await self._begin(as_json(head, len(body), said))
        await exchange.write(body, sum(frame.over for frame in said))

    async def _begin(self, head: Head) -> None:
        self._exchange.begin(head.status, head.reason, head.headers)
        await self._exchange.flush(more=True)
        if self._exchange.streams:
            self._timer = asyncio.get_running_loop().call_later(_SILENT, self._keep_alive)

    async def _hold(self) -> None:
        """Keep an event stream open while the answer to the call in it, or something held, may still come."""
        exchange = self._exchange
        while self._is_held and exchange.streams:
            await exchange.flush()
            await exchange.moved()
            await exchange.flush()

    def _keep_alive(self) -> None:
        """Say on an event stream that it is still there, while something that belongs on it is held."""
        self._timer = asyncio.get_running_loop().call_later(_SILENT, self._keep_alive)
        if self._is_held:
            self._exchange.deliver("client", KEEP_ALIVE)
            self._offering = asyncio.ensure_future(self._exchange.offer())
