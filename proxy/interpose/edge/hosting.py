"""The door to a server that speaks stdio: Streamable HTTP at `/mcp` for every era, HTTP+SSE at `/sse` for the first.

Every stateful session gets a child of its own; all stateless requests share one. Decides who is let in and where; what
is said on a stream is the client link's business.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from interpose.core.bridge.lanes import Lanes
from interpose.core.bridge.reply import SERVER_GONE
from interpose.core.bridge.stateless import http_status, is_stateless
from interpose.core.events import Frame
from interpose.core.protocol.http import VERSION_HEADER
from interpose.core.wire.message import Kind, Message
from interpose.core.wire.sse import read_block
from interpose.edge.conversations import Conversations
from interpose.edge.hosting_child import ChildSession
from interpose.edge.hosting_register import Begin, Register
from interpose.edge.hosting_session import HostedSession
from interpose.edge.runner import Conversation
from interpose.edge.stderr import Echo
from interpose.edge.transports.exchange import reset
from interpose.edge.transports.http_client_request import (
    EVENTS,
    JSON,
    SESSION_HEADER,
    Refusal,
    accepts,
    bad_version,
    cors,
    preflight,
    principal,
    read_message,
    sole_id,
    unfit_body,
    unfit_stateful,
    unfit_stateless,
)
from interpose.edge.transports.http_client_stream import PATIENCE, Patience, Stream

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
MESSAGES = "/messages"


class Begun(msgspec.Struct, frozen=True):
    """An exchange that was let in; without a stream it is answered with 202. `opens` a session with its answer."""

    session: HostedSession
    channel: str
    stream: Stream | None = None
    opens: bool = False


class Host:
    """Serves HTTP clients, each session with a server that `begin` makes."""

    def __init__(self, begin: Begin, conversations: Conversations) -> None:
        self._register = Register(begin, conversations)
        self._closed = False
        self._routes: dict[str, dict[str, Handler]] = {
            "/mcp": {"POST": self._post, "GET": self._get, "DELETE": self._delete},
            "/sse": {"GET": self._legacy_get},
            MESSAGES: {"POST": self._legacy_post},
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one exchange. Cancelled when the client disconnects."""
        handlers = self._routes.get(request.path.rstrip("/"))
        if handlers is None:
            return Refusal(404, "nothing is served here; the endpoints are /mcp and /sse").response(request)
        methods = ", ".join((*handlers, "OPTIONS"))
        if request.method == "OPTIONS":
            return preflight(request, methods)
        if request.method not in handlers:
            return Refusal(405, f"{request.method} is not served here", allow=methods).response(request)
        if self._closed:
            return Refusal(503, "interpose is stopping").response(request)
        return await handlers[request.method](request)

    async def aclose(self) -> None:
        """End all sessions and their children."""
        self._closed = True
        await self._register.close("interpose stopped")

    # --- Streamable HTTP ---------------------------------------------------------------------------------------------

    async def _post(self, request: web.BaseRequest) -> web.StreamResponse:
        begun = unfit_body(request) or await self._let_in(request)
        return begun.response(request) if isinstance(begun, Refusal) else await self._reply(request, begun)

    async def _let_in(self, request: web.BaseRequest) -> Begun | Refusal:
        """Read the body, hand it on if it may pass. What is left when this returns holds no body: it may be large."""
        message = await read_message(request)
        if isinstance(message, Refusal):
            return message
        refusal = bad_version(request)
        if refusal is not None:
            return msgspec.structs.replace(refusal, ident=sole_id(message))
        if is_stateless(request.headers.get(VERSION_HEADER), message):
            return unfit_stateless(request, message) or await self._enter_shared(request, message)
        return await self._enter_session(request, message)

    async def _enter_shared(self, request: web.BaseRequest, message: Message) -> Begun | Refusal:
        session = self._register.shared()
        if (refusal := await _started(session, message)) is not None:
            return refusal
        channel, stream = session.begin(request), None
        if message.kind is Kind.REQUEST:
            status = partial(http_status, message.method) if accepts(request, JSON) else None
            stream = session.client.open(channel, message, status, principal(request))
        session.posted(channel, message)
        return Begun(session, channel, stream)

    async def _enter_session(self, request: web.BaseRequest, message: Message) -> Begun | Refusal:
        ident = request.headers.get(SESSION_HEADER)
        opens = ident is None and message.method == "initialize" and message.kind is Kind.REQUEST
        if ident is None and not opens:
            return Refusal(400, f"`{SESSION_HEADER}` is missing: begin with `initialize`", ident=sole_id(message))
        session = None if ident is None else self._register.find(ident, principal(request))
        if not opens and session is None:
            return Refusal(404, "no such session: begin again with `initialize`", ident=sole_id(message))
        if (refusal := unfit_stateful(request, message)) is not None:
            return refusal if session is None else _recorded(session, request, refusal)
        if session is None:
            ident, session = self._register.open(principal(request))
            if (refusal := await _started(session, message)) is not None:
                return refusal
        channel, stream = session.begin(request), None
        if any(part.kind is Kind.REQUEST for part in message.messages()):
            stream = session.client.open(channel, message, lambda _: 200)
            stream.extra[SESSION_HEADER] = ident or ""
            stream.opens = opens
        session.posted(channel, message)
        return Begun(session, channel, stream, opens)

    async def _reply(self, request: web.BaseRequest, begun: Begun) -> web.StreamResponse:
        session, channel, stream = begun.session, begun.channel, begun.stream
        delivered = False
        try:
            await session.room()
            if stream is None and session.client.was_cut(channel):
                return _broken_off(request)
            if stream is None:
                session.responded(channel, 202, ())
                delivered = True
                return web.Response(status=202, headers=cors(request))
            return await stream.write(request, partial(session.responded, channel))
        except ConnectionError:
            return web.Response()  # for nobody: the client is gone
        finally:
            delivered = delivered or (stream is not None and stream.delivered)
            session.ended(channel, delivered)
            if begun.opens and (not delivered or (stream is not None and stream.refused)):
                session.leave("the handshake failed" if delivered else "client disconnected")

    async def _get(self, request: web.BaseRequest) -> web.StreamResponse:
        session = self._named(request)
        if isinstance(session, Refusal):
            return session.response(request)
        refusal = bad_version(request)
        if not accepts(request, EVENTS):
            refusal = Refusal(406, f"a GET must accept {EVENTS}")
        elif session.client.standing is not None:
            refusal = Refusal(409, "this session has a GET stream already")
        if refusal is not None:
            return _recorded(session, request, refusal).response(request)
        channel = session.begin(request)
        stream = session.client.stand(channel)
        stream.extra[SESSION_HEADER] = request.headers[SESSION_HEADER]
        return await self._reply(request, Begun(session, channel, stream))

    async def _delete(self, request: web.BaseRequest) -> web.StreamResponse:
        session = self._named(request)
        if isinstance(session, Refusal):
            return session.response(request)
        session.answered(session.begin(request), 200, ())
        session.leave("client ended the session")
        return web.Response(status=200, headers=cors(request))

    def _named(self, request: web.BaseRequest) -> HostedSession | Refusal:
        """The session that a bodiless request names."""
        ident = request.headers.get(SESSION_HEADER)
        if ident is None:  # 2026-07-28 §basic/transports: POST alone
            return Refusal(405, f"{request.method} needs a session", allow="POST")
        return self._register.find(ident, principal(request)) or Refusal(404, "no such session")

    # --- HTTP+SSE, 2024-11-05 ----------------------------------------------------------------------------------------

    async def _legacy_get(self, request: web.BaseRequest) -> web.StreamResponse:
        if not accepts(request, EVENTS):
            return Refusal(406, f"a GET must accept {EVENTS}").response(request)
        ident, session = self._register.open_legacy(principal(request))
        if (refusal := await _started(session)) is not None:
            return refusal.response(request)
        channel = session.begin(request)
        stream = session.client.stand(channel)
        block = b"event: endpoint\ndata: %b?session_id=%b\n\n" % (MESSAGES.encode(), ident.encode())
        session.said("server", channel, Frame(block, None, read_block(block), wire="block"))
        try:
            return await self._reply(request, Begun(session, channel, stream))
        finally:
            session.leave("client disconnected")

    async def _legacy_post(self, request: web.BaseRequest) -> web.StreamResponse:
        begun = unfit_body(request) or await self._let_in_legacy(request)
        if isinstance(begun, Refusal):
            return begun.response(request)
        await begun.session.room()
        if begun.session.client.was_cut(begun.channel):
            begun.session.ended(begun.channel, delivered=False)
            return _broken_off(request)
        begun.session.answered(begun.channel, 202, ())
        return web.Response(status=202, text="Accepted", headers=cors(request))

    async def _let_in_legacy(self, request: web.BaseRequest) -> Begun | Refusal:
        named = parse_qs(request.query_string).get("session_id", [])
        if len(named) != 1:
            return Refusal(400, "`session_id` is missing")
        message = await read_message(request)
        session = self._register.find(named[0], principal(request))
        standing = None if session is None else session.client.standing
        if session is None or standing is None:
            return Refusal(404, "no such session")
        if isinstance(message, Refusal):
            return _recorded(session, request, message)
        channel = session.begin(request)
        session.client.expect(standing, message)
        session.posted(channel, message)
        return Begun(session, channel)


async def _started(session: HostedSession, message: Message | None = None) -> Refusal | None:
    """Wait for the child. Why there is none; None when it runs."""
    try:
        await session.ready.wait()
    except asyncio.CancelledError:
        if message is None or message.method == "initialize":  # its own session, which nobody knows yet
            session.leave("client disconnected")
        raise
    if not session.over:
        return None
    problem = session.problem or "the server exited"
    return Refusal(502, problem, SERVER_GONE, None if message is None else sole_id(message))


def _broken_off(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        reset(request.transport)
    return web.Response()  # for nobody


def _recorded(session: HostedSession, request: web.BaseRequest, refusal: Refusal) -> Refusal:
    session.answered(session.begin(request), refusal.status, ())
    return refusal


class ChildHost(Host):
    """Serves HTTP clients with child processes. `echo` takes what the children write on standard error."""

    def __init__(
        self, command: Sequence[str], conversations: Conversations, echo: Echo, patience: Patience = PATIENCE
    ) -> None:
        def begin(conversation: Conversation, lanes: Lanes, owner: bytes) -> HostedSession:
            return ChildSession(command, echo, conversation, lanes, owner, patience)

        super().__init__(begin, conversations)
