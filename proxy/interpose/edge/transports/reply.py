"""The reply to a client as it goes over the wire: head, body and end, in as few pieces as it was put together."""

from functools import lru_cache

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion10, HttpVersion11

from interpose.edge.transports.raw_headers import RawHeader, looked_at

_END_OF_CHUNKS = b"0\r\n\r\n"
_CHUNKED, _KEPT, _CLOSED = b"Transfer-Encoding: chunked\r\n", b"Connection: keep-alive\r\n", b"Connection: close\r\n"


class ClientGone(Exception):
    """The client left before its reply was whole."""


class Reply(web.StreamResponse):
    """A reply whose head is the upstream's own to the byte; of ours it has the framing of this connection alone.

    `put` and `end` only add to what goes out, `send` lets it go. aiohttp's own writer has no part in it: it has no way
    to say a byte that is no UTF-8 (RFC 9110 §5.5, obs-text), and adds headers. What a `StreamResponse` sets up for it
    is left out. `type` is what the body says that it is.
    """

    def __init__(self, request: web.BaseRequest, status: int, reason: str | None, headers: list[RawHeader]) -> None:
        self.sent = False
        self._code = status
        self._request = request
        self._ended = False
        looked = looked_at(headers)
        said = {header.name: header.text[1] for header in reversed(looked)}  # of several the first counts
        self.type = said.get(b"content-type")
        version: tuple[int, int] = request.version
        self._bodiless = request.method == "HEAD" or status in (204, 304) or 100 <= status < 200
        self._has_length = b"content-length" in said
        self._chunks = version >= HttpVersion11 and not (self._bodiless or self._has_length)
        self._lives = request.keep_alive and (self.self_delimiting or self._bodiless)
        head = [_status_line(version, status, reason or ""), *[header.line for header in looked]]
        if self._chunks:
            head.append(_CHUNKED)
        if self._lives and version == HttpVersion10:
            head.append(_KEPT)
        elif not self._lives and version == HttpVersion11:
            head.append(_CLOSED)
        head.append(b"\r\n")
        self._unsent: list[bytes | memoryview] = [b"".join(head)]
        self.pending = len(self._unsent[0])

    @property
    def status(self) -> int:
        return self._code

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
        self.let_out()
        if self._request.protocol.writing_paused:
            try:
                await self._request.writer.drain()
            except OSError as error:
                raise ClientGone from error

    def let_out(self) -> None:
        """Send what was added. Raises ClientGone."""
        if not self._unsent:
            return
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ClientGone
        data, self._unsent, self.pending = self._unsent, [], 0
        self.sent = True
        self._request.writer.output_size += 1  # what aiohttp asks before it answers for a handler that failed
        transport.write(data[0] if len(data) == 1 else b"".join(data))

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Part of aiohttp's interface: whoever returns a reply has sent it."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Part of aiohttp's interface: whoever returns a reply has ended it."""

    def _add(self, *pieces: bytes | memoryview) -> None:
        self._unsent += pieces
        self.pending += sum(map(len, pieces))


@lru_cache(maxsize=64)
def _status_line(version: tuple[int, int], status: int, phrase: str) -> bytes:
    return f"HTTP/{version[0]}.{version[1]} {status} {phrase}\r\n".encode("utf-8", "surrogateescape")
