"""Which exchanges of a capture are MCP, and which session each belongs to: one recording is one session.

A session is told as `run --listen` tells it: by the id that the server minted, by the endpoint that a legacy SSE server
named, else by connection and then by who the client says it is. An address speaks MCP where any exchange of the capture
shows it, so that what failed there counts too.
"""

import hashlib
from collections.abc import Iterable

from interpose.core.importing.exchange import Capture, Exchange, header
from interpose.core.importing.talk import Talk, speaks, talk
from interpose.core.protocol import EXTENSIONS, VERSIONS, table
from interpose.core.protocol.http import METHOD_HEADER, VERSION_HEADER
from interpose.core.wire.http import endpoint

_SESSION_HEADER = "Mcp-Session-Id"
_MCP_HEADERS = (_SESSION_HEADER, VERSION_HEADER, METHOD_HEADER)
_METHODS = frozenset(
    name for each in (*map(table, VERSIONS), *EXTENSIONS.values()) for name, method in each.methods.items()
)
Address = tuple[str, str]


class ImportedSession:
    """The exchanges of one session, in the order in which they were asked. `over` says how it ended, once it has."""

    def __init__(self, transport: str, url: str) -> None:
        self.transport = transport
        self.url = url
        self.talks: list[Talk] = []
        self.over = ""
        self.opened = False
        self.silent = True

    @property
    def began(self) -> float:
        return self.talks[0].exchange.asked

    @property
    def says(self) -> bool:
        """Whether there is a message in it."""
        return any(frame.message is not None for each in self.talks for frame in (*each.asked, *each.said))


def sort(capture: Capture) -> tuple[list[ImportedSession], int]:
    """The sessions of a capture, by when they began, and how many exchanges are none's."""
    talks = sorted(map(talk, capture.exchanges), key=lambda each: each.exchange.asked)
    addresses = {address for each in talks for address in _addresses(each)}
    sorter = _Sorter()
    for each in talks:
        if _is_mcp(each.exchange, addresses):
            sorter.add(each)
    sessions = [session for session in sorter.sessions if session.says]
    kept = sum(len(session.talks) for session in sessions)
    return sorted(sessions, key=lambda session: session.began), len(talks) - kept


def _addresses(each: Talk) -> Iterable[Address]:
    """Where this exchange shows that MCP is spoken."""
    exchange, message = each.exchange, each.opening
    if (named := _endpoint(each)) is not None:
        yield _address(exchange)
        yield _address(named)
    if exchange.method == "POST" and message is not None and speaks(message):
        marked = any(header(exchange.headers, name) is not None for name in _MCP_HEADERS)
        if marked or any(part.method in _METHODS for part in message.messages()):
            yield _address(exchange)


def _endpoint(each: Talk) -> Exchange | None:
    """What a client posts where a legacy SSE server tells it to; None where it tells nothing, or no address."""
    named = each.endpoint
    url = None if named is None else endpoint(each.exchange.url, named)
    return None if url is None else Exchange(url, "POST", (), None, 0.0)


def _address(exchange: Exchange) -> Address:
    return exchange.origin, exchange.path.rstrip("/")


def _is_mcp(exchange: Exchange, addresses: set[Address]) -> bool:
    return exchange.method != "OPTIONS" and _address(exchange) in addresses


class _Sorter:
    """Sorts exchanges into sessions, one after the other."""

    def __init__(self) -> None:
        self.sessions: list[ImportedSession] = []
        self._by_id: dict[tuple[str, str], ImportedSession] = {}
        self._by_endpoint: dict[str, ImportedSession] = {}
        self._by_connection: dict[tuple[str, str], ImportedSession] = {}
        self._by_client: dict[tuple[str, ...], ImportedSession] = {}

    def add(self, each: Talk) -> None:
        session = self._find(each)
        session.talks.append(each)
        self._learn(session, each)

    def _find(self, each: Talk) -> ImportedSession:
        exchange = each.exchange
        if (session := self._by_endpoint.get(exchange.origin + exchange.target)) is not None:
            return session
        ident = header(exchange.headers, _SESSION_HEADER)
        if ident is not None:
            key = exchange.origin, ident
            if key not in self._by_id:
                self._by_id[key] = self._open("http", exchange)
            return self._by_id[key]
        session = self._known(exchange)
        if exchange.method == "GET" and (session is None or not session.opened):
            return self._open("sse", exchange)
        return self._sessionless(each, session)

    def _known(self, exchange: Exchange) -> ImportedSession | None:
        session = self._by_connection.get((exchange.origin, exchange.connection)) if exchange.connection else None
        session = session or self._by_client.get(_client_key(exchange))
        return None if session is None or session.over else session

    def _sessionless(self, each: Talk, session: ImportedSession | None) -> ImportedSession:
        """An opening begins a session: `initialize` always, `server/discover` on a new connection."""
        exchange, message = each.exchange, each.opening
        method = None if message is None else message.method
        connection = exchange.origin, exchange.connection
        is_new = not exchange.connection or connection not in self._by_connection
        opens = method == "initialize" or (method == "server/discover" and is_new)
        if session is None or (opens and not session.silent):
            session = self._open("http", exchange)
        session.silent = session.silent and message is None
        if exchange.connection:
            self._by_connection[connection] = session
        self._by_client[_client_key(exchange)] = session
        return session

    def _learn(self, session: ImportedSession, each: Talk) -> None:
        """What the answer says about the session."""
        exchange, message = each.exchange, each.opening
        ok = exchange.status is not None and 200 <= exchange.status < 300
        if (named := _endpoint(each)) is not None:
            self._by_endpoint[named.origin + named.target] = session
            session.over = "the stream ended" if exchange.ended is not None else ""
        if message is not None and message.method == "initialize" and ok:
            ident = header(exchange.answer_headers, _SESSION_HEADER)
            session.opened = ident is None
            if ident is not None:
                self._by_id[exchange.origin, ident] = session
        elif exchange.method == "DELETE" and ok:
            session.over = "client ended the session"
        elif exchange.status == 404 and header(exchange.headers, _SESSION_HEADER) is not None:
            session.over = "the server no longer knows the session"

    def _open(self, transport: str, exchange: Exchange) -> ImportedSession:
        session = ImportedSession(transport, exchange.origin + exchange.target)
        self.sessions.append(session)
        return session


def _client_key(exchange: Exchange) -> tuple[str, ...]:
    """Who a client is as far as one can see; of its credential only a digest."""
    credential = header(exchange.headers, "Authorization") or ""
    digest = hashlib.sha256(credential.encode("utf-8", "replace")).hexdigest()
    return exchange.origin, exchange.peer, header(exchange.headers, "User-Agent") or "", digest
