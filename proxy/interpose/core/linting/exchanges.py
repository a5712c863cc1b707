"""What is wrong with HTTP exchanges, by the rules of Streamable HTTP. Not what is wrong with the messages in them."""

from collections.abc import Iterator

from interpose.core.events import End
from interpose.core.linting import rules
from interpose.core.linting.rules import Rule
from interpose.core.protocol.http import VERSION_HEADER, disagreement
from interpose.core.recording.entry import Entry
from interpose.core.session.exchanges import header
from interpose.core.session.ring import Ring
from interpose.core.wire.message import Kind, Message

_SESSION = "mcp-session-id"
_FIRST_WITH_HEADER = "2025-06-18"
_FIRST_STREAMABLE = "2025-03-26"
_BODIES = ("application/json", "text/event-stream")
_ACCEPTED = 202

Broken = tuple[End, str, Rule, str]


class _Exchange:
    """One exchange while it is open. `says` is what the client posted, once it has."""

    def __init__(self, entry: Entry) -> None:
        self.request = entry
        self.says: Message | None = None
        self.checked = False


class ExchangeRules:
    """Follows the exchanges of a session. Each broken rule is told with who broke it, its name, and details."""

    def __init__(self, transport: str) -> None:
        self._streamable = transport == "http"
        self._open: Ring[str, _Exchange] = Ring(4096)
        self._session: str | None = None  # as the server named it on its answer to initialize

    def broken(self, entry: Entry, message: Message | None, version: str | None) -> Iterator[Broken]:
        """The rules that an entry breaks; `version` is the one in force before it."""
        if not self._streamable or entry.channel == "":
            return
        if entry.kind == "http-request":
            self._open.put(entry.channel, _Exchange(entry))
            return
        exchange = self._open.get(entry.channel)
        if exchange is None:
            return
        if entry.end == "client" and message is not None:
            exchange.says = exchange.says or message
            yield from self._asked(exchange, version)
        elif entry.kind == "http-response":
            yield from self._asked(exchange, version)
            yield from self._answered(exchange, entry)
        elif entry.kind == "closed":
            self._open.pop(entry.channel, None)

    def _asked(self, exchange: _Exchange, version: str | None) -> Iterator[Broken]:
        """The client's side, once: when its message is known, or when it is answered without one."""
        if exchange.checked:
            return
        exchange.checked = True
        headers, says = exchange.request.headers, exchange.says
        opens = says is not None and says.method in ("initialize", "server/discover")
        asks = says is not None and says.kind is Kind.REQUEST
        if asks and says is not None and (fault := disagreement(headers, says)) is not None:
            yield "client", "headers", rules.HEADERS, fault
        if not _accepts(exchange):
            yield "client", "no-accept", rules.NO_ACCEPT, ""
        stateful = version is not None and _FIRST_STREAMABLE <= version <= "2025-11-25"
        if opens or not stateful or version is None or not self._is_legacy(headers):
            return
        if version >= _FIRST_WITH_HEADER and header(headers, VERSION_HEADER.lower()) is None:
            yield "client", "no-version-header", rules.NO_VERSION_HEADER, ""
        if self._session is not None and header(headers, _SESSION) is None:
            yield "client", "no-session-header", rules.NO_SESSION_HEADER, ""

    @staticmethod
    def _is_legacy(headers: tuple[tuple[str, str], ...]) -> bool:
        """Whether nothing in the headers speaks for 2026-07-28, which one endpoint may serve beside a session."""
        return (header(headers, VERSION_HEADER.lower()) or "") <= "2025-11-25"

    def _answered(self, exchange: _Exchange, entry: Entry) -> Iterator[Broken]:
        says = exchange.says
        if says is None or not 200 <= entry.status < 300:
            return
        if says.method == "initialize":
            self._session = header(entry.headers, _SESSION)
        if not _asks(says):
            if entry.status != _ACCEPTED:
                yield "server", "not-accepted", rules.NOT_ACCEPTED, f"status {entry.status}"
        elif _media_type(entry.headers) not in _BODIES:
            yield "server", "odd-type", rules.ODD_TYPE, _media_type(entry.headers) or "none"


def _asks(message: Message) -> bool:
    """Whether there is a request in it, or anything else that an answer is owed to."""
    return any(part.kind in (Kind.REQUEST, Kind.OPAQUE) for part in message.messages())


def _accepts(exchange: _Exchange) -> bool:
    """Whether the client says that it takes what the server may answer with."""
    method = exchange.request.method
    wanted = _BODIES if method == "POST" else _BODIES[1:] if method == "GET" else ()
    said = ",".join(value for name, value in exchange.request.headers if name.lower() == "accept").lower()
    taken = {each.partition(";")[0].strip() for each in said.split(",")}
    return "*/*" in taken or all(kind in taken or f"{kind.partition('/')[0]}/*" in taken for kind in wanted)


def _media_type(headers: tuple[tuple[str, str], ...]) -> str:
    return (header(headers, "content-type") or "").partition(";")[0].strip().lower()
