"""Where HTTP/1.1 messages end: just enough for the bench's own client and server, fast, and for no one else."""

_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class Framer:
    """Cuts a connection's bytes into messages: by Content-Length, or chunked to the last chunk.

    The last chunk is found by its bytes: nothing that the bench sends holds them elsewhere.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The messages that this chunk completes, heads included."""
        self._buffer += chunk
        found: list[bytes] = []
        while len(self._buffer) >= max(self._wanted, 1):
            size = self._size()
            if size is None:
                break
            found.append(bytes(self._buffer[:size]))
            del self._buffer[:size]
            self._wanted = 0
        return found

    def _size(self) -> int | None:
        """How long the first message is, once all of it is here."""
        end = self._buffer.find(_END)
        if end < 0:
            return None
        head = bytes(self._buffer[: end + 2]).lower()
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            self._wanted = end + len(_END) + int(head[at + 17 : head.index(b"\r\n", at + 17)])
            return self._wanted if len(self._buffer) >= self._wanted else None
        if b"\r\ntransfer-encoding: chunked" not in head:
            return end + len(_END)
        last = self._buffer.find(_LAST_CHUNK, end + 2)
        return None if last < 0 else last + len(_LAST_CHUNK)
