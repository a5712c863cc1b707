"""HTTP clients in front of an HTTP server: every exchange is opened again upstream, one for one, frame by frame.

A reverse proxy: what it rewrites is `Host`, an absolute `endpoint` event and an absolute `Location` of the upstream's
own origin. Everything else passes as it came, statuses, unknown headers, event ids and comments included.
"""

import asyncio
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from interpose.core.events import Closed, Frame, Headers, Received, Requested, Responded
from interpose.edge.conversations import Conversations
from interpose.edge.roster import RelayedSession, Roster
from interpose.edge.transports.bodies import Body, frames, readable, whole
from interpose.edge.transports.exchange import Exchange, Reply, end_to_end, text

FRONT_PATHS = ("/mcp", "/sse")
_STREAM_OPENS_WITHIN = 1.0  # how long a later message waits for an earlier stream to be open, so that order holds
_NEVER_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class _Verbatim(aiohttp.ClientRequest):
    """A request that gets no header of its own: aiohttp would add `Content-Length: 0` to a bare DELETE."""

    def update_body_from_data(self, body: Any, _stacklevel: int = 3) -> None:
        sized = "Content-Length" in self.headers
        super().update_body_from_data(body, _stacklevel + 1)
        if body is None and not sized:
            self.headers.popall("Content-Length", None)


class Relay:
    """The door to one upstream URL. `/mcp` and `/sse` stand for the upstream's own path; others pass as they are."""

    def __init__(self, upstream: str, conversations: Conversations) -> None:
        self._upstream = URL(upstream, encoded=True)
        self._origin = str(self._upstream.origin())
        self._roster = Roster(conversations)
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Verbatim,
            auto_decompress=False,
            requote_redirect_url=False,
            max_line_size=1 << 16,
            max_field_size=1 << 16,
        )

    async def aclose(self) -> None:
        self._roster.close("interpose stopped")
        await self._client.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        target = request.raw_path
        if not target.startswith("/"):
            return web.Response(status=400, text="interpose: the request target must be a path\n")
        exchange = Exchange(request)
        body = await whole(request.content)
        if not self._is_mcp(target):
            return await self._pass(exchange, target, body)
        frame = _body_frame(request, body)
        session = self._roster.find(request, target, frame.message)
        relayed = _Relayed(self, exchange, session, target)
        try:
            return await relayed.run(frame)
        finally:
            self._roster.leave(session, relayed.channel)

    def request(self, request: web.BaseRequest, target: str, body: Body) -> "aiohttp.client._RequestContextManager":
        """Open an exchange upstream."""
        headers = CIMultiDict(end_to_end(text(request.raw_headers)))
        if body.data and "Content-Length" not in headers:
            headers["Content-Length"] = str(len(body.data))
        return self._client.request(
            request.method,
            self._url(target),
            headers=headers,
            data=body.chunks() if body.data else None,
            allow_redirects=False,
            skip_auto_headers=_NEVER_ADDED,
        )

    def for_client(self, request: web.BaseRequest, headers: Headers) -> list[tuple[str, str]]:
        """The upstream's headers for a client, an absolute `Location` in the upstream's origin made ours."""
        ours = f"{request.scheme}://{request.headers.get('Host', '')}"
        return [
            (name, value.replace(self._origin, ours, 1))
            if name.lower() == "location" and (value + "/").startswith(self._origin + "/")
            else (name, value)
            for name, value in end_to_end(headers)
        ]

    def local_endpoint(self, frame: Frame) -> Frame:
        """An `endpoint` event whose address clients can post to: an absolute one loses the upstream's origin."""
        raw = frame.raw.replace(self._origin.encode() + b"/", b"/", 1)
        return msgspec.structs.replace(frame, raw=raw)

    def learn_id(self, session: RelayedSession, response: aiohttp.ClientResponse) -> None:
        self._roster.learn_id(session, response.headers)

    def learn_endpoint(self, session: RelayedSession, address: bytes) -> None:
        url = URL(self._upstream.join(URL(address.decode("utf-8", "replace"), encoded=True)))
        self._roster.learn_endpoint(session, url.raw_path_qs)

    def unreachable(self, error: Exception) -> web.Response:
        """What a client gets when the upstream cannot be reached or breaks before it answers."""
        return web.Response(status=502, text=f"interpose: no answer from {self._origin}: {problem(error)}\n")

    def _is_mcp(self, target: str) -> bool:
        path = target.partition("?")[0]
        return path in FRONT_PATHS or path == self._upstream.raw_path or self._roster.is_endpoint(target)

    def _url(self, target: str) -> URL:
        """Where a client's target lies upstream. The query of the configured URL is kept."""
        path, _, query = target.partition("?")
        if path in FRONT_PATHS:
            path = self._upstream.raw_path
            query = "&".join(part for part in (self._upstream.raw_query_string, query) if part)
        return URL(self._origin + path + (f"?{query}" if query else ""), encoded=True)

    async def _pass(self, exchange: Exchange, target: str, body: bytes) -> web.StreamResponse:
        """An exchange that is no MCP (discovery, sign-in): passed on, nothing of it recorded."""
        try:
            async with self.request(exchange.request, target, Body(body)) as response:
                headers = self.for_client(exchange.request, text(response.raw_headers))
                reply = await exchange.begin(response.status, response.reason, headers)
                async for chunk in response.content.iter_any():
                    await reply.write(chunk)
                await reply.write_eof()
                return reply
        except aiohttp.ClientError as error:
            return _broken(exchange) or self.unreachable(error)


class _Relayed:
    """One MCP exchange on its way: heard event by event, carried out as the core decides."""

    def __init__(self, relay: Relay, exchange: Exchange, session: RelayedSession, target: str) -> None:
        self._relay = relay
        self._exchange = exchange
        self._session = session
        self._target = target
        self._hear = session.conversation.hear
        self._clock = session.conversation.clock
        self.channel = session.enter(exchange)

    async def run(self, frame: Frame) -> web.StreamResponse:
        request, channel = self._exchange.request, self.channel
        headers = text(request.raw_headers)
        self._hear(Requested(self._clock(), channel, request.method, self._target, headers))
        if frame.raw:
            self._hear(Received(self._clock(), "client", channel, frame))
        opens = frame.message is not None and frame.message.method == "initialize"
        try:
            return await self._carry(opens)
        except asyncio.CancelledError:
            self._close("client", "disconnect")
            raise
        except aiohttp.ClientError as error:
            self._close("server", problem(error))
            return _broken(self._exchange) or self._relay.unreachable(error)
        except ConnectionError:
            self._close("client", "disconnect")
            raise

    async def _carry(self, opens: bool) -> web.StreamResponse:
        body = Body(b"".join(frame.raw for frame in self._exchange.upstream))
        response = await self._dispatch(body)
        async with response:
            self._notice(response, opens)
            headers = text(response.raw_headers)
            self._hear(Responded(self._clock(), self.channel, response.status, headers))
            headers_down = self._relay.for_client(self._exchange.request, headers)
            reply = await self._exchange.begin(response.status, response.reason, headers_down)
            async for frame in frames(response):
                self._hear_frame(frame)
                await self._exchange.flush(reply)
            self._close("server", "end")
            await reply.write_eof()
            return reply

    async def _dispatch(self, body: Body) -> aiohttp.ClientResponse:
        """Send the request up, after all that came before it in this session is on its way.

        A message is on its way when its body is written; a stream when its head came back (DESIGN: order holds across
        the connections of one session).
        """
        async with self._session.turnstile:
            sending = asyncio.ensure_future(self._send(body))
            sent = asyncio.ensure_future(body.sent.wait())
            try:
                limit = None if body.data else _STREAM_OPENS_WITHIN
                await asyncio.wait((sending, sent), timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                sending.cancel()
                raise
            finally:
                sent.cancel()
        try:
            return await sending
        except asyncio.CancelledError:
            sending.cancel()
            raise

    async def _send(self, body: Body) -> aiohttp.ClientResponse:
        return await self._relay.request(self._exchange.request, self._target, body)

    def _hear_frame(self, frame: Frame) -> None:
        self._hear(Received(self._clock(), "server", self.channel, frame))
        if frame.block is not None and frame.block.event == "endpoint" and frame.block.data:
            self._relay.learn_endpoint(self._session, frame.block.data)
            self._exchange.downstream[-1] = self._relay.local_endpoint(self._exchange.downstream[-1])

    def _notice(self, response: aiohttp.ClientResponse, opens: bool) -> None:
        """Learn a session's id from a successful opening alone; see when a session is over."""
        request = self._exchange.request
        if opens and response.ok:
            self._relay.learn_id(self._session, response)
        elif request.method == "DELETE" and response.ok:
            self._session.over = "client ended the session"
        elif response.status == 404 and "Mcp-Session-Id" in request.headers:
            self._session.over = "the server no longer knows the session"

    def _close(self, end: str, reason: str) -> None:
        self._hear(Closed(self._clock(), "client" if end == "client" else "server", self.channel, reason))


def problem(error: Exception) -> str:
    """An I/O error in a few words."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    return str(error) or type(error).__name__


def _broken(exchange: Exchange) -> Reply | None:
    """The reply that had begun, cut off; None when nothing was sent yet."""
    if exchange.reply is not None:
        exchange.abort()
    return exchange.reply


def _body_frame(request: web.BaseRequest, body: bytes) -> Frame:
    headers = request.headers
    message = readable(body, headers.get("Content-Type"), headers.get("Content-Encoding")) if body else None
    return Frame(body, message, wire="body")
