"""The addon that runs inside mitmdump: it hands MCP exchanges to interpose's listener, and leaves all others alone.

It imports nothing of interpose, which its environment does not have, and nothing of mitmproxy, whose objects it gets.
Its settings are the first line on standard input; when that input ends, so does mitmdump. What it has to tell goes to
standard output, each line behind the secret of this run: nothing that came over the network can pass for such a line.
"""

import json
import re
import sys
import threading
from collections.abc import Callable
from typing import Any

EVENTS, JSON = "text/event-stream", "json"
MOST_LOOKED_AT = 1 << 20  # a JSON body beyond this is looked at only where the headers promise MCP
MOST_PATHS = 1000
MOST_OF_A_START = 1 << 16
IDLE_SECONDS = 7 * 86400
OURS = b"interpose-"  # names of headers between this addon and the listener
OPENINGS = re.compile(r"initialize|(?:server|tools|prompts|resources)/.+")  # what a conversation may begin with
OF_OTHERS = re.compile(r"(?:message|agent)/.+")  # A2A promises the same in its headers
BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r")
FIELD = re.compile(rb"^(event|data):[ ]?([^\r\n]*)", re.MULTILINE)

Header = Callable[[str], str]


def by_head(method: str, path: str, header: Header, known: bool) -> bool | None:
    """Whether a request is MCP as far as its head tells; None when the body has to be looked at.

    `header` gives the value of a header, empty where there is none; `known` says that this path spoke MCP before.
    """
    if "/.well-known/" in path:
        return False
    events, session = EVENTS in header("accept").lower(), header("mcp-session-id")
    version = header("mcp-protocol-version")
    if method == "GET":
        return events and bool(session or version or known or _path_of_events(path))
    if method == "DELETE":
        return bool(session or known)
    if method != "POST":
        return False
    if known or session or header("mcp-method"):
        return True
    if JSON not in header("content-type").lower():
        return False
    if events and version:
        return True
    size = header("content-length")
    return None if events or (size.isdecimal() and int(size) <= MOST_LOOKED_AT) else False


def by_body(body: bytes, promised: bool) -> bool:
    """Whether a JSON body is MCP; `promised` when the headers are such as MCP wants (2025-03-26 §basic/transports).

    What cannot be read was promised to be MCP, and is not let past on that account.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return promised
    parts = message if isinstance(message, list) else [message]
    return any(_is_mcp(part, promised) for part in parts)


def _is_mcp(message: Any, promised: bool) -> bool:
    """JSON-RPC with a method of MCP's, or where the headers promise it, with none that is another protocol's."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return False
    method = str(message.get("method"))
    return not OF_OTHERS.fullmatch(method) if promised else bool(OPENINGS.fullmatch(method))


def _path_of_events(path: str) -> bool:
    """Where servers of 2024-11-05 have their stream, as all SDKs name it: it has to be known before its first event."""
    return path.partition("?")[0].rstrip("/").rpartition("/")[2] == "sse"


def endpoint(start: bytes) -> str | None:
    """The address that a stream's first event names for messages (2024-11-05 §basic/transports).

    Empty when its first event is another; None while there was none.
    """
    *blocks, _ = BLANK.split(start)
    for block in blocks:
        fields = dict(FIELD.findall(block))
        if b"data" in fields:
            return fields[b"data"].decode("utf-8", "replace") if fields.get(b"event") == b"endpoint" else ""
    return None if len(start) < MOST_OF_A_START else ""


class Watch:
    """A body on its way through mitmproxy: looked at until `look` has seen enough, and kept if it is to be saved.

    `look` says whether it may pass, None while it has not seen enough.
    """

    def __init__(self, message: Any, keep: bool, look: Callable[[bytes], bool | None] | None = None) -> None:
        self._message = message
        self._kept: list[bytes] | None = [] if keep else None
        self._look = look
        self._start = b""
        self._passes = True

    def __call__(self, piece: bytes) -> bytes | list[bytes]:
        """The pieces that go on for one that came; an empty one is the end."""
        if self._look is not None:
            self._start += piece
            verdict = self._look(self._start)
            if verdict is not None:
                self._look, self._start, self._passes = None, b"", verdict
        if self._kept is not None:
            self._kept.append(piece)
            if not piece:
                self._message.data.content = b"".join(self._kept)
        return piece if self._passes else []  # an empty piece would end a chunked body


class Seam:
    """The hooks that mitmproxy calls by name."""

    def __init__(self) -> None:
        self._master: Any = None
        self._secret = ""
        self._listener = ("127.0.0.1", 0)
        self._hosts: list[re.Pattern[str]] = []
        self._saves = self._strict = False
        self._known: dict[tuple[str, str], None] = {}
        self._handed: dict[str, tuple[Any, ...]] = {}

    def load(self, loader: Any) -> None:
        """Hear the settings, and that they end."""
        self._master = loader.master
        settings = json.loads(sys.stdin.readline())
        self._secret = settings["secret"]
        self._listener = ("127.0.0.1", settings["port"])
        self._hosts = [re.compile(host, re.IGNORECASE) for host in settings["hosts"]]
        self._saves, self._strict = settings["saves"], settings["strict"]
        self._lengthen()

    def running(self) -> None:
        """Tell where clients are served."""
        version = sys.modules["mitmproxy.version"].VERSION
        addresses = self._master.addons.get("proxyserver").listen_addrs()
        self._tell(ready=[list(address[:2]) for address in addresses], version=version)
        threading.Thread(target=self._await_end, daemon=True).start()

    def requestheaders(self, flow: Any) -> None:
        """Decide by the head where that is possible: then nothing of a body waits."""
        request = flow.request
        verdict = self._by_head(request)
        if verdict:
            self._hand_over(flow)
        if verdict is not None and self._has_length(request):
            request.stream = Watch(request, True) if self._saves else True

    def request(self, flow: Any) -> None:
        """Decide by the body what the head left open."""
        request = flow.request
        if request.stream:
            return
        body = request.raw_content or b""
        if flow.id not in self._handed and self._by_head(request) is None:
            accept = request.headers.get("accept", "").lower()
            if by_body(body, EVENTS in accept and JSON in accept):
                self._hand_over(flow)
        if flow.id in self._handed and body and not self._has_length(request):
            request.headers["Content-Length"] = str(len(body))

    def responseheaders(self, flow: Any) -> None:
        """Everything streams, so that no client waits because of us."""
        response = flow.response
        if response.status_code == 101:
            return
        events = response.headers.get("content-type", "").lower().startswith(EVENTS)
        look = None
        if events and flow.request.method == "GET":
            handed = flow.id in self._handed
            origin, path = self._address(flow)
            look = self._look_for_endpoint(origin, path, handed)
        response.stream = Watch(response, self._saves, look) if look or self._saves else True

    def response(self, flow: Any) -> None:
        """What is saved is what the client asked."""
        self._restore(flow)

    def error(self, flow: Any) -> None:
        """An exchange that broke off."""
        self._restore(flow)

    def tls_failed_client(self, data: Any) -> None:
        """A client did not want to speak through us: it pins, or does not trust mitmproxy's authority."""
        server = data.context.server.address or ("", 0)
        if data.conn.error != "connection closed early":
            self._tell(refused=data.conn.sni or server[0], port=server[1], error=data.conn.error or "")

    # --- one exchange ------------------------------------------------------------------------------------------------

    def _by_head(self, request: Any) -> bool | None:
        if (request.host, request.port) == self._listener:
            return False  # nobody reaches it through us
        if self._hosts and not any(host.fullmatch(request.host) for host in self._hosts):
            return False
        known = (_origin(request), _plain(request.path)) in self._known
        return by_head(request.method, request.path, lambda name: str(request.headers.get(name, "")), known)

    def _hand_over(self, flow: Any) -> None:
        """Send it to the listener with what it must know. A client's own headers of such names go no further."""
        request = flow.request
        data = request.data
        origin, host = _origin(request), request.host_header or ""
        self._learn(origin, _plain(request.path))
        self._handed[flow.id] = (data.scheme, data.host, data.port, data.authority, request.headers.fields)
        fields = [field for field in request.headers.fields if not field[0].lower().startswith(OURS)]
        fields = [(b"Interpose-" + name if name.lower() == b"origin" else name, value) for name, value in fields]
        ours = {"Interpose-Secret": self._secret, "Interpose-Target": origin, "Interpose-Host": host}
        fields += [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in ours.items()]
        request.headers.fields = tuple(fields)
        request.scheme = "http"
        request.host, request.port = self._listener

    def _restore(self, flow: Any) -> None:
        if (kept := self._handed.pop(flow.id, None)) is not None:
            data = flow.request.data
            data.scheme, data.host, data.port, data.authority, flow.request.headers.fields = kept

    def _address(self, flow: Any) -> tuple[str, str]:
        """Origin and path that the client asked for."""
        kept = self._handed.get(flow.id)
        if kept is None:
            return _origin(flow.request), flow.request.path
        scheme, host = (value.decode() if isinstance(value, bytes) else value for value in kept[:2])
        return _written(scheme, host, kept[2]), flow.request.path

    def _look_for_endpoint(self, origin: str, path: str, handed: bool) -> Callable[[bytes], bool | None]:
        """Learn the place that a legacy stream names.

        A stream that nobody took for MCP is known from now on: this time it passes, or where a policy is in force it
        does not, and the client has to connect again.
        """

        def look(start: bytes) -> bool | None:
            named = endpoint(start)
            if not named:
                return None if named is None else True
            folder = path.partition("?")[0].rpartition("/")[0] + "/"
            place = re.sub(r"^[A-Za-z]+://[^/]*", "", named)
            self._learn(origin, _plain(place if place.startswith("/") else folder + place))
            if not handed:
                self._learn(origin, _plain(path))
                self._tell(missed=origin + _plain(path))
            return handed or not self._strict

        return look

    def _learn(self, origin: str, path: str) -> None:
        self._known.pop((origin, path), None)
        self._known[origin, path] = None
        if len(self._known) > MOST_PATHS:
            del self._known[next(iter(self._known))]

    @staticmethod
    def _has_length(request: Any) -> bool:
        """HTTP/2 may say neither; towards HTTP/1.1 such a body has to be whole before it goes on."""
        headers = request.headers
        return "content-length" in headers or "chunked" in headers.get("transfer-encoding", "").lower()

    def _lengthen(self) -> None:
        """Have no stream cut because it was silent for 10 minutes: an option since 12.0, a constant before."""
        server = sys.modules.get("mitmproxy.proxy.server")
        if "tcp_timeout" in self._master.options:
            self._master.options.update(tcp_timeout=IDLE_SECONDS)
        elif server is not None and hasattr(server, "TCP_TIMEOUT"):
            vars(server)["TCP_TIMEOUT"] = IDLE_SECONDS

    # --- interpose ---------------------------------------------------------------------------------------------------

    def _tell(self, **what: Any) -> None:
        sys.stdout.write(f"{self._secret} {json.dumps(what)}\n")
        sys.stdout.flush()

    def _await_end(self) -> None:
        """Whoever started us has gone when our input ends."""
        while sys.stdin.readline():
            pass
        self._master.shutdown()


def _origin(request: Any) -> str:
    return _written(request.scheme, request.host, request.port)


def _written(scheme: str, host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host.lower()
    return f"{scheme}://{name}" if port == {"http": 80, "https": 443}.get(scheme) else f"{scheme}://{name}:{port}"


def _plain(path: str) -> str:
    """A path without its query; a slash at the end makes no difference."""
    return path.partition("?")[0].removesuffix("/")


addons = [Seam()]
