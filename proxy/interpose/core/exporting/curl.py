"""One message of a recording as a command to send it again: curl for HTTP, a pipe into the command for stdio.

Credentials are not in a recording: where one was, the command has a place for it.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from interpose.core.exporting.shell import is_text, printed, quoted
from interpose.core.recording.entry import Entry, Header
from interpose.core.recording.scrub import SCRUBBED
from interpose.core.session.exchanges import header
from interpose.core.session.pending import STDIO
from interpose.core.wire.message import Kind, read

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
# What belongs to the connection, what curl says itself, and codings that a terminal cannot show.
_NOT_SENT = frozenset(
    ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "expect", "keep-alive", "te")
)
_SESSION = "mcp-session-id"
_SECONDS = 3
_HIDDEN = re.compile(re.escape(SCRUBBED) + "|" + re.escape("%5Bscrubbed%5D"), re.IGNORECASE)
_PSEUDONYM = re.compile(r"(?<==)session-\d+(?=&|$)")


class Unsendable(ValueError):
    """Why a message cannot be sent again."""


class Sending:
    """Looks for one message, remembering what it takes to send it: its exchange, or the session's opening."""

    def __init__(self, header: Header, wanted: int) -> None:
        self._header, self._wanted = header, wanted
        self._requests: dict[str, Entry] = {}
        self._opening: list[bytes] = []

    def take(self, entry: Entry) -> str | None:
        """The command, once the message has come. Raises Unsendable."""
        if entry.seq == self._wanted:
            return self._command(entry)
        if entry.kind == "http-request":
            self._requests[entry.channel] = entry
        elif entry.kind == "closed":
            self._requests.pop(entry.channel, None)
        elif entry.channel == STDIO and entry.end == "client" and entry.kind == "message":
            self._open(entry.payload() or b"")
        return None

    def _open(self, raw: bytes) -> None:
        method = read(raw).method
        if method == "initialize":
            self._opening = [raw]
        elif method == "notifications/initialized" and len(self._opening) == 1:
            self._opening.append(raw)

    def _command(self, entry: Entry) -> str:
        if entry.kind == "http-request":
            return _curl(self._header, entry, None)
        if entry.kind != "message":
            raise Unsendable(f"entry {entry.seq} is no message but `{entry.kind}`")
        if entry.end == "server":
            raise Unsendable(f"entry {entry.seq} is from the server: only what a client said can be sent again")
        if entry.channel == STDIO:
            return self._piped(entry)
        asked = self._requests.get(entry.channel)
        if asked is None:
            raise Unsendable(f"entry {entry.seq} has no HTTP request in the recording")
        return _curl(self._header, asked, entry.payload() or b"")

    def _piped(self, entry: Entry) -> str:
        command = self._header.server.get("command") or ()
        if not isinstance(command, list) or not command:
            raise Unsendable("the recording does not say which command the server is")
        raw = entry.payload() or b""
        message = read(raw)
        stateful = b"io.modelcontextprotocol/protocolVersion" not in message.params
        before = self._opening if stateful and message.kind is not Kind.OPAQUE else []
        before = [] if message.method in ("initialize", "server/discover") else before
        lines = [*before, raw]
        if all(map(is_text, lines)):
            written = " ".join(["printf", quoted("%s\\n"), *(quoted(line.decode()) for line in lines)])
        else:
            written = printed(b"".join(line + b"\n" for line in lines))
        words = [_argument(str(word)) for word in command]
        hidden = any(_HIDDEN.search(str(word)) for word in command)
        note = "# fill in what is in angle brackets: it is not in the recording\n" if hidden else ""
        # Servers stop at the end of their input, many without an answer to what they work on.
        return f"{note}{{ {written}; sleep {_SECONDS}; }} | {' '.join(words)}\n"


def _curl(recording: Header, asked: Entry, body: bytes | None) -> str:
    places: list[str] = []
    words = ["curl", "--no-buffer", "--globoff"]
    if asked.method != ("GET" if body is None else "POST"):
        words += ["--request", quoted(asked.method)]
    words += ["--url", quoted(_filled(_url(recording, asked), "url", places))]
    for name, value in _headers(asked):
        words += ["--header", quoted(_header(name, value, places))]
    line = " ".join(words)
    if body is not None and is_text(body):
        line += f" --data-raw {quoted(body.decode())}"
    elif body is not None:
        line = f"{printed(body)} | {line} --data-binary @-"
    note = f"# fill in: {', '.join(dict.fromkeys(places))}\n" if places else ""
    return f"{note}{line}\n"


def _headers(asked: Entry) -> Iterator[tuple[str, str]]:
    for name, value in asked.headers:
        if _TOKEN.fullmatch(name) and name.lower() not in _NOT_SENT:
            yield name, _BAD_VALUE.sub(" ", value)


def _header(name: str, value: str, places: list[str]) -> str:
    """A header for curl, which takes `Name;` for one without a value."""
    if name.lower() == _SESSION:
        value = SCRUBBED  # a recording has names for sessions, not their ids
    value = _filled(value, name, places)
    return f"{name}: {value}" if value else f"{name};"


def _filled(value: str, name: str, places: list[str]) -> str:
    """The value with a place where a credential was."""
    if _HIDDEN.search(value) is None:
        return value
    places.append(f"<{name}>")
    return _HIDDEN.sub(lambda _: f"<{name}>", value)


def _argument(word: str) -> str:
    return quoted(_HIDDEN.sub("<credential>", word.replace("\0", "")))


def _url(recording: Header, asked: Entry) -> str:
    """Where the server is, by the path that the client asked for."""
    url = str(recording.server.get("url") or "")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    base = f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else ""
    if not base:
        base = f"http://{header(asked.headers, 'host') or 'localhost'}"
        url = ""
    if url and asked.target.partition("?")[0] in ("/mcp", "/sse"):
        return url if "?" not in asked.target or "?" in url else f"{url}?{asked.target.partition('?')[2]}"
    target = asked.target if asked.target.startswith("/") else "/"
    return _PSEUDONYM.sub(SCRUBBED, _BAD_VALUE.sub("", base + target))
