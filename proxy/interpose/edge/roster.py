"""Which session an HTTP exchange belongs to, so that one recording is one session.

Stateful sessions are known by the id that the server minted, legacy SSE ones by the endpoint that it named. Stateless
exchanges carry no session: they are kept together by connection, then by who the client says it is. That is a guess for
the recording alone; where a message goes never depends on it.
"""

import hashlib
import weakref
from collections.abc import Mapping

from aiohttp import web

from interpose.core.events import End, Frame
from interpose.core.wire.message import Message
from interpose.edge.conversations import Conversations
from interpose.edge.runner import Conversation
from interpose.edge.sign_in import SignIn
from interpose.edge.transports.exchange import Exchange
from interpose.edge.transports.raw_headers import RawHeaders
from interpose.edge.transports.turnstile import Turnstile

SESSION_HEADER = "Mcp-Session-Id"
_OPENING = ("initialize", "server/discover")
_IDLE_SESSIONS = 100  # clients may leave without a word: beyond this the longest idle session is closed


class _Side:
    """One end of a relayed session: hands what the core delivers to the exchange of that channel.

    What has no exchange that could take it is `unplaced`: interpose says it to the server of its own accord.
    """

    def __init__(self, end: End, exchanges: dict[str, Exchange]) -> None:
        self.end = end
        self.unplaced: list[tuple[str, Frame]] = []
        self._exchanges = exchanges

    def send(self, channel: str, frame: Frame) -> None:
        exchange = self._exchanges.get(channel)
        if self.end == "server" and (exchange is None or exchange.sent):
            self.unplaced.append((channel, frame))
        elif exchange is not None:
            exchange.deliver(self.end, frame)

    def flush(self) -> None:
        """Each exchange is looked after by its own task."""

    def cut(self, channel: str) -> bool:
        """Break one exchange off; the session goes on."""
        if (exchange := self._exchanges.get(channel)) is not None:
            exchange.sever()
        return False


class RelayedSession:
    """One session: its conversation and its open exchanges. `turnstile` keeps the order in which requests go up.

    `stream` is the exchange that the session ends with and `endpoint` where it posts to, where it has them (legacy
    SSE). `opened` says that its `initialize` was answered without an id. `errands` are the channels on which interpose
    itself is talking to the server.
    """

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.turnstile = Turnstile()
        self.exchanges: dict[str, Exchange] = {}
        self.errands: set[str] = set()
        self.over = ""
        self.stream = ""
        self.endpoint = ""
        self.ident = ""
        self.opened = False
        self.silent = True
        self._latest: Exchange | None = None
        self._count = 0
        self._answers = 0
        self._server = _Side("server", self.exchanges)
        conversation.deliver_to(_Side("client", self.exchanges), self._server)

    @property
    def enforces(self) -> bool:
        """Whether messages may be edited or withheld now: policies can change while a session runs."""
        return self.conversation.core.enforces

    @property
    def is_idle(self) -> bool:
        return not self.exchanges and not self.errands

    def enter(self, exchange: Exchange) -> str:
        """Name a new exchange."""
        self._count += 1
        channel = f"x{self._count}"
        self.exchanges[channel] = exchange
        self._latest = exchange
        return channel

    def name_answer(self) -> str:
        """Name the exchange of an answer of interpose's own. The core names its requests `i1`, `i2` by itself."""
        self._answers += 1
        return f"ia{self._answers}"

    @property
    def has_unplaced(self) -> bool:
        return bool(self._server.unplaced)

    def unplaced(self) -> list[tuple[str, Frame]]:
        """What the core wants the server to hear that no exchange of the client carries."""
        if not self._server.unplaced:
            return []
        found, self._server.unplaced = self._server.unplaced, []
        return found

    @property
    def spokesman(self) -> Exchange | None:
        """The exchange that stands for all: the latest, where an id or an endpoint makes them one client's."""
        return self._latest if self.ident or self.endpoint else None

    def credentials(self, exchange: Exchange) -> RawHeaders:
        """The client's headers to speak with in its place.

        Where no id binds the exchanges of a session together, they may be different clients': then each its own.
        """
        headers = (self.spokesman or exchange).request.raw_headers
        named = any(name.lower() == SESSION_HEADER.lower().encode() for name, _ in headers)
        return headers if named or not self.ident else (*headers, (SESSION_HEADER.encode(), self.ident.encode()))


class Roster:
    """All sessions of one upstream. `sign_in` sees answers that want one, where that cannot work."""

    def __init__(self, conversations: Conversations, sign_in: SignIn | None = None) -> None:
        self.sign_in = sign_in
        self._conversations = conversations
        self._sessions: dict[RelayedSession, None] = {}  # the longest idle first
        self._by_id: dict[str, RelayedSession] = {}
        self._by_endpoint: dict[str, RelayedSession] = {}
        self._by_client: dict[str, RelayedSession] = {}
        self._by_connection: weakref.WeakKeyDictionary[object, RelayedSession] = weakref.WeakKeyDictionary()

    def is_endpoint(self, target: str) -> bool:
        """Whether a legacy SSE server named this target as the place to post to."""
        return target in self._by_endpoint

    def find(self, request: web.BaseRequest, target: str, message: Message | None) -> RelayedSession:
        """The session of an exchange, a new one when it opens one."""
        if (session := self._by_endpoint.get(target)) is not None:
            return session
        ident = request.headers.get(SESSION_HEADER)
        if ident is not None:
            if ident not in self._by_id:
                self._by_id[ident] = self._open("http")
                self._by_id[ident].ident = ident
            return self._by_id[ident]
        session = self._known(request)
        if request.method == "GET" and (session is None or not session.opened):
            session = self._open("sse")
            session.stream = "x1"
            return session
        return self._sessionless(request, session, message)

    def learn_id(self, session: RelayedSession, headers: Mapping[str, str]) -> None:
        """The server answered an `initialize` with success: its header names the session."""
        ident = headers.get(SESSION_HEADER)
        if ident is not None:
            self._by_id[ident] = session
            session.ident = ident
        session.opened = ident is None

    def learn_endpoint(self, session: RelayedSession, target: str) -> None:
        self._by_endpoint[target] = session
        session.endpoint = target

    def leave(self, session: RelayedSession, channel: str) -> None:
        """An exchange has ended; the last one of a session that is over closes it."""
        session.exchanges.pop(channel, None)
        session.errands.discard(channel)
        if channel == session.stream:
            session.over = session.over or "the stream ended"
        if session.over and session.is_idle:
            self._end(session, session.over)
        elif session in self._sessions:
            self._sessions[session] = self._sessions.pop(session)

    def close(self, reason: str) -> None:
        self._conversations.close_all(reason)

    def _open(self, transport: str) -> RelayedSession:
        idle = [session for session in self._sessions if session.is_idle]
        for session in idle[: max(0, len(idle) - _IDLE_SESSIONS + 1)]:
            self._end(session, "nothing came for long, and others did")
        session = RelayedSession(self._conversations.open({"transport": transport}))
        self._sessions[session] = None
        return session

    def _known(self, request: web.BaseRequest) -> RelayedSession | None:
        """The session that a connection has, else the latest of the same client."""
        connection = request.transport
        session = None if connection is None else self._by_connection.get(connection)
        if session is None:
            session = self._by_client.get(_client_key(request))
        return None if session is None or session.over else session

    def _sessionless(
        self, request: web.BaseRequest, session: RelayedSession | None, message: Message | None
    ) -> RelayedSession:
        """An opening begins a session: `initialize` always, `server/discover` on a new connection."""
        connection = request.transport
        method = None if message is None else message.method
        before = None if connection is None else self._by_connection.get(connection)
        opens = method == "initialize" or (method in _OPENING and before is None)
        if session is None or (opens and not session.silent):
            session = self._open("http")
        session.silent = session.silent and message is None
        if session is not before:
            if connection is not None:
                self._by_connection[connection] = session
            self._by_client[_client_key(request)] = session
        return session

    def _end(self, session: RelayedSession, reason: str) -> None:
        session.over = reason
        self._sessions.pop(session, None)
        for table in (self._by_id, self._by_endpoint, self._by_client):
            for key in [key for key, value in table.items() if value is session]:
                del table[key]
        self._conversations.close(session.conversation, reason)


def _client_key(request: web.BaseRequest) -> str:
    """Who a client is as far as one can see: address, program, credential (its digest only)."""
    headers = request.headers
    credential = headers.get("Authorization", "")
    if credential:
        credential = hashlib.sha256(credential.encode("utf-8", "replace")).hexdigest()
    return "\n".join((request.remote or "", headers.get("User-Agent", ""), credential))
