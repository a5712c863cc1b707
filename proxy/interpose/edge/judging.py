"""A server's reply to one exchange where policy has a say: what the core lets through, in the form it still has."""

from collections.abc import Awaitable, Callable
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

    `hear` hears a frame of it; `room` waits while too much of interpose's own is under way.
    """

    def __init__(self, exchange: Exchange, hear: Callable[[Frame], None], room: Callable[[], Awaitable[None]]) -> None:
        self._exchange = exchange
        self._hear = hear
        self._room = room

    async def carry(self, response: aiohttp.ClientResponse, head: Head) -> None:
        """Read the reply to its end, and see the client answered. Raises Unreadable, ClientGone and UPSTREAM_ERRORS."""
        exchange, last, source = self._exchange, None, plain_frames(response)
        if is_event_stream(response.headers.get("Content-Type")):
            await self._begin(as_events(uncoded(head)))
        try:
            async with aclosing(source) as parts:
                async for frame in parts:
                    last = frame
                    self._hear(frame)
                    await exchange.flush()
                    await self._room()
        except UPSTREAM_ERRORS:
            if not exchange.was_held:  # else the answer comes another way
                raise
        if exchange.reply is None:
            await self._reply(head, last)
        await self._hold()

    async def _reply(self, head: Head, came: Frame | None) -> None:
        """Begin a reply that is no stream, now that its body was judged, and whatever interpose asked because of it."""
        exchange = self._exchange
        while exchange.is_held:
            if exchange.downstream and accepts(exchange.request, EVENTS):
                await self._begin(as_events(uncoded(head)))
                return
            exchange.downstream.clear()  # what comes before the answer has no place in a body
            await exchange.moved()
        said = list(exchange.downstream)
        if len(said) == 1 and said[0] is came:
            await self._begin(head)
            return
        exchange.downstream.clear()
        if not said:
            await self._begin(head if came is None else as_unread(head))
            return
        body = joined(said)
        await self._begin(as_json(head, len(body), said))
        await exchange.write(body)

    async def _begin(self, head: Head) -> None:
        await self._exchange.begin(head.status, head.reason, head.headers)
        await self._exchange.flush()

    async def _hold(self) -> None:
        """Keep an event stream open while the answer to the call in it may still come."""
        exchange = self._exchange
        while exchange.is_held and exchange.streams:
            if not await exchange.moved(_SILENT):
                exchange.deliver("client", KEEP_ALIVE)
            await exchange.flush()
