"""What a reply names on its way out: a session's id, the endpoint of a legacy stream, where a client is sent on to.

Known before the client can read it, so that whatever the client sends next finds its worker.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from interpose.edge.roster import SESSION_HEADER
from interpose.edge.workers.whose import host_of, place_key, resolved, session_key, target_of, value_in, value_of

_SESSION = SESSION_HEADER.lower().encode()
_ENDPOINT = re.compile(
    rb"event: ?endpoint[\r\n]+data: ?([^\r\n]+)[\r\n]|data: ?([^\r\n]+)[\r\n]+event: ?endpoint[\r\n]"
)
_MOST = 1 << 13
_MOVED = (b"307", b"308")
Data = bytes | bytearray | memoryview
Hear = Callable[[Data], bool]


class Named(Protocol):
    """Who wants to know what a reply names."""

    def named(self, key: bytes) -> None:
        """A key."""

    def sent_on(self, target: bytes, onward: bytes) -> None:
        """Who asks for this target is to ask here for another one (307, 308)."""


class Naming:
    """Hears the reply to the request with this head, and tells `whom` what it names."""

    __slots__ = ("_request", "_said", "_whom")

    def __init__(self, request: bytes, whom: Named) -> None:
        self._request = request
        self._whom = whom
        self._said = b""

    def hear(self, data: Data) -> bool:
        """A piece of what goes out. Whether more is of interest."""
        said = self._said = self._said + bytes(data[:_MOST])
        end = said.find(b"\r\n\r\n")
        if end < 0:
            return len(said) < _MOST
        status = said[9:12]
        if status.startswith(b"1"):
            self._said = said[end + 4 :]
            return self.hear(b"") if self._said else True
        head = said[: end + 2]
        lowered = head.lower()
        if ident := value_in(head, lowered, _SESSION):
            self._whom.named(session_key(ident))
            return False
        if status in _MOVED and (location := value_in(head, lowered, b"location")):
            self._hear_location(location)
            return False
        if not self._request.startswith(b"GET ") or not _is_stream(head, lowered):
            return False
        if found := _ENDPOINT.search(said, end):
            self._whom.named(place_key(self._resolved(found[1] or found[2])))
            return False
        return len(said) < _MOST

    def _hear_location(self, location: bytes) -> None:
        host = value_of(self._request, b"host") or b""
        if host_of(location) in (b"", host):
            self._whom.sent_on(target_of(self._request), self._resolved(location))

    def _resolved(self, reference: bytes) -> bytes:
        return resolved(target_of(self._request), reference)


def _is_stream(head: bytes, lowered: bytes) -> bool:
    return (value_in(head, lowered, b"content-type") or b"").lower().startswith(b"text/event-stream")


class Overheard:
    """A connection's transport, with somebody who hears the beginning of replies."""

    __slots__ = ("__weakref__", "_hear", "_transport", "is_closing", "resume_reading", "write")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._hear: Hear | None = None
        self.is_closing = transport.is_closing  # asked at each exchange, so found at once
        self.resume_reading = transport.resume_reading
        self.write: Callable[[Data], None] = transport.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def listen(self, hear: Hear) -> None:
        """Let `hear` have what is written before it goes out, until it returns False."""
        self._hear = hear
        self.write = self._write

    def writelines(self, pieces: Iterable[Data]) -> None:
        if self._hear is None:
            self._transport.writelines(pieces)
        else:
            self.write(b"".join(pieces))

    def _write(self, data: Data) -> None:
        if self._hear is not None and not self._hear(data):
            self._hear = None
            self.write = self._transport.write
        self._transport.write(data)
