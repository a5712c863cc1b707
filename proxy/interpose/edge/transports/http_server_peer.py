"""What an HTTP server has told us that we must say back to it: session id, version, headers for tools' arguments."""

import re

from interpose.core.events import Headers
from interpose.core.protocol import era
from interpose.core.protocol.http import METHOD_HEADER, VERSION_HEADER, ParamHeaders, mirrored_headers, param_headers
from interpose.core.session.reading import Handshake, Params
from interpose.core.session.reading import read as read_members
from interpose.core.wire.message import Message, parse

SESSION_HEADER = "Mcp-Session-Id"
_RESUME_HEADER = "Last-Event-ID"
_BOTH = ("Accept", "application/json, text/event-stream")
_STREAM = ("Accept", "text/event-stream")
_JSON = ("Content-Type", "application/json")
_VERSION_SINCE = "2025-06-18"  # older servers know no version header
_SESSION_ID = re.compile(r"[\x21-\x7e]+")


class Peer:
    """The server as far as it made itself known. Which headers a message needs is decided here."""

    def __init__(self) -> None:
        self.session: str | None = None
        self._version: str | None = None
        self._stateless: str | None = None  # the version that the latest stateless request stated
        self._tools: dict[str, ParamHeaders] = {}

    @property
    def is_open(self) -> bool:
        """Whether a stateful session is agreed."""
        return self._version is not None

    def opening(self) -> None:
        """A handshake begins: what an earlier one or a probe of the other era left behind counts no more."""
        self.session = self._version = self._stateless = None

    def opened(self, result: bytes, session: str | None) -> None:
        """The handshake succeeded: only now is the session id that came with it worth anything."""
        self._version = read_members(result, Handshake).version or ""
        self.session = session if session and _SESSION_ID.fullmatch(session) else None

    def listed(self, result: bytes) -> None:
        """A list of tools passed by: learn which arguments are mirrored in headers (2026-07-28 §basic/transports)."""
        if b"x-mcp-header" not in result and not self._tools:
            return
        listed = parse(result)
        tools = listed.get("tools") if isinstance(listed, dict) else None
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                self._tools[tool["name"]] = param_headers(tool.get("inputSchema"))

    def headers(self, message: Message) -> Headers:
        """The headers of a message's POST."""
        params = read_members(message.params, Params)
        stated = stated_version(message)
        if stated is not None:
            self._stateless = stated
            return (_BOTH, _JSON, *mirrored_headers(message, self._tools.get(params.name or "", {})))
        if not self.is_open and self._stateless is not None and message.method is not None:
            return (_BOTH, _JSON, (VERSION_HEADER, self._stateless), (METHOD_HEADER, message.method))
        return (_BOTH, _JSON, *self.session_headers())

    def stream_headers(self, last_event: str | None) -> Headers:
        """The headers of a GET that opens or resumes a stream."""
        resumed = () if last_event is None else ((_RESUME_HEADER, last_event),)
        return (_STREAM, *self.session_headers(), *resumed)

    def session_headers(self) -> Headers:
        """What says which session a request belongs to."""
        session = () if self.session is None else ((SESSION_HEADER, self.session),)
        if self._version is None or self._version < _VERSION_SINCE:
            return session
        return (*session, (VERSION_HEADER, self._version))


def stated_version(message: Message) -> str | None:
    """The version that a request of the stateless era carries in itself; None in the stateful era."""
    meta = read_members(message.params, Params).meta
    version = meta.version if meta else None
    return version if version is not None and era(version) == "stateless" else None
