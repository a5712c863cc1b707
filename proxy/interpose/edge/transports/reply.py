"""The reply to a client as it goes over the wire: head, body and end, in as few pieces as it was put together."""

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion10, HttpVersion11

from interpose.edge.transports.raw_headers import head_of

_END_OF_CHUNKS = b"0\r\n\r\n"


class ClientGone(Exception):
    """The client left before its reply was whole."""


class Reply(web.StreamResponse):
    """A reply whose head is the upstream's own to the byte; of ours it has the framing of this connection alone.

    `put` and `end` only add to what goes out, `send` lets it go. aiohttp's own writer has no part in it: it has no way
    to say a byte that is no UTF-8 (RFC 9110 §5.5, obs-text), and adds headers.
    """

    def __init__(
        self, request: web.BaseRequest, status: int, reason: str | None, headers: list[tuple[bytes, bytes]]
    ) -> None:
        super().__init__(status=status)
        self.sent = False
        self.pending = 0
        self._request = request
        self._unsent: list[bytes | memoryview] = []
        self._ended = False
        self._bodiless = request.method == "HEAD" or status in (204, 304) or 100 <= status < 200
        self._has_length = any(name.lower() == b"content-length" for name, _ in headers)
        self._chunks = request.version >= HttpVersion11 and not (self._bodiless or self._has_length)
        self._lives = request.keep_alive and (self.self_delimiting or self._bodiless)
        self._add(self._head(reason or "", headers))

    def _head(self, phrase: str, headers: list[tuple[bytes, bytes]]) -> bytes:
        major, minor = version = self._request.version
        status_line = f"HTTP/{major}.{minor} {self.status} {phrase}".encode("utf-8", "surrogateescape")
        framing = [(b"Transfer-Encoding", b"chunked")] if self._chunks else []
        if self._lives and version == HttpVersion10:
            framing.append((b"Connection", b"keep-alive"))
        elif not self._lives and version == HttpVersion11:
            framing.append((b"Connection", b"close"))
        return head_of(status_line, [*headers, *framing])

    @property
    def keep_alive(self) -> bool:
        """Whether the connection is good for another request."""
        return self._lives

    def force_close(self) -> None:
        self._lives = False

    @property
    def self_delimiting(self) -> bool:
        """Whether a client can tell a whole body from one that was cut off."""
        return self._has_length or self._chunks

    def put(self, data: bytes | memoryview) -> None:
        """Add a piece of the body."""
        if not data or self._bodiless:
            return
        if self._chunks:
            self._add(b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._add(data)

    def end(self) -> None:
        """Nothing more follows."""
        if not self._ended:
            self._ended = True
            if self._chunks:
                self._add(_END_OF_CHUNKS)

    async def send(self) -> None:
        """Let out what was added, and wait for a slow client. Raises ClientGone."""
        if self._unsent:
            transport = self._request.transport
            if transport is None or transport.is_closing():
                raise ClientGone
            data, self._unsent, self.pending = self._unsent, [], 0
            self.sent = True
            self._request.writer.output_size += 1  # what aiohttp asks before it answers for a handler that failed
            transport.write(data[0] if len(data) == 1 else b"".join(data))
        if self._request.protocol.writing_paused:
            try:
                await self._request.writer.drain()
            except OSError as error:
                raise ClientGone from error

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Part of aiohttp's interface: whoever returns a reply has sent it."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Part of aiohttp's interface: whoever returns a reply has ended it."""

    def _add(self, *pieces: bytes | memoryview) -> None:
        self._unsent += pieces
        self.pending += sum(map(len, pieces))
