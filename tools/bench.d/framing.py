"""Where HTTP/1.1 messages end: just enough for the bench's own client and server, fast, and for no one else."""

_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_CHUNKED = -1
_lengths: dict[bytes, int] = {}  # by head: a connection's heads are all alike, so few are ever read


class Framer:
    """Cuts a connection's bytes into messages: by Content-Length, or chunked to the last chunk.

    The last chunk is found by its bytes at the end of what has come: nothing that the bench sends holds them elsewhere,
    and nobody sends a second message before the first is answered.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted = 0

    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """The messages that this chunk completes: head (its empty line included) and body as it came."""
        self._buffer += chunk
        found: list[tuple[bytes, bytes]] = []
        while len(self._buffer) >= max(self._wanted, 1):
            cut = self._cut()
            if cut is None:
                break
            found.append(cut)
            self._wanted = 0
        return found

    def _cut(self) -> tuple[bytes, bytes] | None:
        """The first message, once all of it is here."""
        end = self._buffer.find(_END)
        if end < 0:
            return None
        end += len(_END)
        head = bytes(self._buffer[:end])
        length = _length(head)
        if length == _CHUNKED:
            if not self._buffer.endswith(_LAST_CHUNK):
                return None
            length = len(self._buffer) - end
        self._wanted = end + length
        if len(self._buffer) < self._wanted:
            return None
        body = bytes(memoryview(self._buffer)[end : self._wanted])
        del self._buffer[: self._wanted]
        return head, body


def dechunked(body: bytes) -> bytes:
    """The content of a chunked body."""
    parts, at = [], 0
    while True:
        line = body.index(b"\r\n", at)
        size = int(body[at:line].partition(b";")[0], 16)
        if not size:
            return b"".join(parts)
        parts.append(body[line + 2 : line + 2 + size])
        at = line + 4 + size


def header(head: bytes, name: bytes) -> bytes | None:
    """A header's value; the name in small letters."""
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def _length(head: bytes) -> int:
    """How long the body is; `_CHUNKED` where its end shows only when it comes."""
    known = _lengths.get(head)
    if known is None:
        chunked = (header(head, b"transfer-encoding") or b"").lower() == b"chunked"
        known = _CHUNKED if chunked else int(header(head, b"content-length") or 0)
        if len(_lengths) > 1000:
            _lengths.clear()
        _lengths[head] = known
    return known
