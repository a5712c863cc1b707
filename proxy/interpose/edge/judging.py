"""A server's reply to one exchange where policy has a say: what the core lets through, in the form it still has."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import aiohttp

from interpose.core.events import Frame
from interpose.edge.heads import KEEP_ALIVE, Head, as_events, as_json, as_unread, joined, uncoded
from interpose.edge.transports.bodies import is_event_stream
from interpose.edge.transports.exchange import Exchange
from interpose.edge.transports.http_client_request import EVENTS, accepts
from interpose.edge.transports.plain import plain_frames
from interpose.edge.transports.upstream import UPSTREAM_ERRORS

_SILENT = 15.0  # seconds after which a held stream says that it is still there


class Judging:
    """Hands a reply on: a stream as it comes, any other reply once its body was judged.

    `hear` hears a frame of it; `room` waits while too much of interpose's own is under way. `holds` tells whether
    something in it is held.
    """

    def __init__(
        self,
        exchange: Exchange,
        hear: Callable[[Frame], None],
        room: Callable[[], Awaitable[None]],
        holds: Callable[[], bool],
    ) -> None:
        self._exchange = exchange
        self._hear = hear
        self._room = room
        self._holds = holds

    async def carry(self, response: aiohttp.ClientResponse, head: Head) -> None:
        """Read the reply to its end, and see the client answered. Raises Unreadable, ClientGone and UPSTREAM_ERRORS."""
        source = plain_frames(response)
        if is_event_stream(response.headers.get("Content-Type")):
            await self._begin(as_events(uncoded(head)))
        keeping = asyncio.create_task(self._keep_alive())
        try:
            last = await self._read(source)
            if self._exchange.reply is None:
                await self._reply(head, last)
            await self._hold()
        finally:
            keeping.cancel()

    async def _read(self, source: AsyncGenerator[Frame, None]) -> Frame | None:
        """Hear the reply to its end. Returns the last frame of it."""
        exchange, last = self._exchange, None
        try:
            async with aclosing(source) as parts:
                async for frame in parts:
                    last = frame
                    self._hear(frame)
                    await exchange.flush()
                    await self._room()
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
        exchange, streamable = self._exchange, accepts(self._exchange.request, EVENTS)
        while self._is_held:
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
        await self._exchange.begin(head.status, head.reason, head.headers)
        await self._exchange.flush()

    async def _hold(self) -> None:
        """Keep an event stream open while the answer to the call in it, or something held, may still come."""
        exchange = self._exchange
        while self._is_held and exchange.streams:
            await exchange.moved()
            await exchange.flush()

    async def _keep_alive(self) -> None:
        """Say on an event stream that it is still there, while something that belongs on it is held."""
        while True:
            await asyncio.sleep(_SILENT)
            if self._is_held and self._exchange.streams:
                self._exchange.deliver("client", KEEP_ALIVE)
                await self._exchange.offer()
