"""What a reply names on its way out: a session's id, the endpoint of a legacy stream, the place that it moved to.

Known before the client can read it, so that whatever the client sends next finds its worker.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any

from interpose.edge.roster import SESSION_HEADER
from interpose.edge.workers.whose import place_key, resolved, session_key, value_of

_SESSION = SESSION_HEADER.lower().encode()
_ENDPOINT = re.compile(
    rb"event: ?endpoint[\r\n]+data: ?([^\r\n]+)[\r\n]|data: ?([^\r\n]+)[\r\n]+event: ?endpoint[\r\n]"
)
_MOST = 1 << 13
_MOVED = (b"307", b"308")
Own = Callable[[bytes], None]


class Naming:
    """Hears the reply to one request for `target`, and calls `own` with what it names."""

    __slots__ = ("_own", "_said", "_target")

    def __init__(self, target: bytes, own: Own) -> None:
        self._target = target
        self._own = own
        self._said = b""

    def hear(self, data: bytes | bytearray | memoryview) -> bool:
        """A piece of what goes out. Whether more is of interest."""
        self._said += bytes(data[:_MOST])
        head, end, body = self._said.partition(b"\r\n\r\n")
        if not end:
            return len(self._said) < _MOST
        status = head[9:12]
        if status.startswith(b"1"):
            self._said = body
            return self.hear(b"") if body else True
        head += b"\r\n"
        if ident := value_of(head, _SESSION):
            self._own(session_key(ident))
            return False
        if status in _MOVED and (location := value_of(head, b"location")):
            self._own(place_key(resolved(self._target, location)))
            return False
        return self._hear_events(head, body)

    def _hear_events(self, head: bytes, body: bytes) -> bool:
        if not (value_of(head, b"content-type") or b"").lower().startswith(b"text/event-stream"):
            return False
        if found := _ENDPOINT.search(body):
            self._own(place_key(resolved(self._target, found[1] or found[2])))
            return False
        return len(self._said) < _MOST


class Overheard:
    """A connection's transport, with somebody who hears the beginning of replies."""

    __slots__ = ("__weakref__", "_transport", "naming")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.naming: Naming | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.naming is not None and not self.naming.hear(data):
            self.naming = None
        self._transport.write(data)

    def writelines(self, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        if self.naming is None:
            self._transport.writelines(pieces)
        else:
            self.write(b"".join(pieces))
