"""HTTP clients in front of an HTTP server: every exchange is opened again upstream, one for one, frame by frame.

A reverse proxy: what it rewrites is `Host`, an `endpoint` event and a `Location` that would lead past it. Everything
else passes as it came, statuses, unknown headers, event ids and comments included.
"""

from collections.abc import Awaitable
from functools import partial

from aiohttp import web

from interpose.core.events import Frame
from interpose.core.interposer import LARGE
from interpose.core.session.glancing import glimpse
from interpose.core.wire.message import Message, read
from interpose.edge.conversations import Conversations
from interpose.edge.errand import Errands
from interpose.edge.front import Front
from interpose.edge.heads import for_client, raw
from interpose.edge.relayed import Relayed
from interpose.edge.roster import Roster
from interpose.edge.sign_in import SignIn
from interpose.edge.transports.bodies import Reader, readable
from interpose.edge.transports.exchange import Exchange, refusal
from interpose.edge.transports.reply import ClientGone
from interpose.edge.transports.upstream import UPSTREAM_ERRORS, Upstream, problem


class Relay:
    """The door to one upstream URL. `front` is given where clients know the server by its own address."""

    def __init__(self, upstream: str, conversations: Conversations, front: Front | None = None) -> None:
        self._front = front or Front(upstream)
        self._upstream = Upstream(self._front.origin)
        self._conversations = conversations
        sign_in = SignIn(self._front.origin, conversations.alarm) if front is None else None
        self._roster = Roster(conversations, sign_in)
        self._errands = Errands(self._front, self._upstream, self._roster)

    async def aclose(self) -> None:
        self._roster.close("interpose stopped")
        await self._errands.aclose()
        await self._upstream.aclose()

    def moved(self, target: str, location: str) -> None:
        """The server sent a client of another process from this target on to that location (307, 308)."""
        self._front.moved(target, location)

    def handle(self, request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        """What is here is heard, and sent on, before anything waits."""
        exchange = Exchange(request)
        return self._begin(exchange, request.content.read_nowait()) if exchange.is_here else self._receive(exchange)

    async def _receive(self, exchange: Exchange) -> web.StreamResponse:
        try:
            begun = self._begin(exchange, await exchange.body())  # no name: a stream may stay open for hours after it
        except web.RequestPayloadError:
            return refusal(400, "the body is broken")
        return await begun

    def _begin(self, exchange: Exchange, body: bytes) -> Awaitable[web.StreamResponse]:
        target = exchange.request.raw_path
        if not target.startswith("/"):
            return _refused(400, "the request target must be a path")
        if self._upstream.closed:
            return _refused(503, "stopping")
        if not self._front.is_mcp(target) and not self._roster.is_endpoint(target):
            return self._pass(exchange, target, body)
        request, seen = exchange.request, None
        if len(body) > LARGE and self._conversations.observes:
            seen = _read(request, body, partial(glimpse, "client"))
        message = seen or _read(request, body)
        session = self._roster.find(request, target, message)
        if seen is not None:
            message = session.conversation.core.enough("", seen)
        frame = Frame(body, message, wire="body")
        session.conversation.later = partial(self._errands.look_after, session)
        relayed = Relayed(self._front, self._upstream, self._roster, self._errands, session, exchange)
        relayed.begin(frame)
        return relayed

    async def _pass(self, exchange: Exchange, target: str, body: bytes) -> web.StreamResponse:
        """An exchange that is no MCP (discovery, sign-in): passed on, nothing of it recorded."""
        sending = self._upstream.send(
            exchange.request.method, raw(target), exchange.request.raw_headers, body, resized=False
        )
        try:
            answer = await sending.answer()
            headers = for_client(self._front, exchange.request, answer.raw_headers)
            reply = exchange.begin(answer.status, answer.reason, headers)
            await exchange.announce()
            while chunk := await answer.content.readany():
                await exchange.write(chunk)
            await exchange.finish()
            return reply
        except ClientGone:
            return exchange.cut() or refusal(499, "the client left")
        except UPSTREAM_ERRORS as error:
            return exchange.cut() or refusal(502, f"no answer from {self._front.origin}: {problem(error)}")
        finally:
            sending.release()


async def _refused(status: int, why: str) -> web.StreamResponse:
    return refusal(status, why)


def _read(request: web.BaseRequest, body: bytes, plain: Reader = read) -> Message | None:
    headers = request.headers
    return readable(body, headers.get("Content-Type"), headers.get("Content-Encoding"), plain) if body else None
