"""The server of a relay: requests go to it with the very head and body they came with, and nothing is added."""

import os
import re
import ssl

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from interpose.core.wire.kept import Kept
from interpose.edge.transports.pool import Pool
from interpose.edge.transports.raw_headers import HOP_BY_HOP, LONG, MANY, RawHeader, RawHeaders, end_to_end, head_of
from interpose.edge.transports.sending import Request, Sending

UPSTREAM_ERRORS = (aiohttp.ClientError, HttpProcessingError, OSError)


_BY_HAND = b"\n"  # no line: this header, or another because of it, is not simply handed on


class Upstream:
    """One origin and the connections to it."""

    def __init__(self, origin: str) -> None:
        url = URL(origin, encoded=True)
        self._host = (url.host_port_subcomponent or "").encode()
        self._pool = Pool(url)
        self._lines = Kept(self._line, most=MANY, longest=LONG)
        self._hosts = frozenset(b"%b: %b\r\n" % (name, self._host) for name in (b"Host", b"host"))

    @property
    def closed(self) -> bool:
        return self._pool.closed

    async def aclose(self) -> None:
        await self._pool.aclose()

    def send(
        self, verb: str, target: bytes, headers: RawHeaders, body: bytes, over: float = 0.0, *, resized: bool = True
    ) -> Sending:
        """Send a request with a client's headers on, to another target and Host; its body in so many seconds.

        `resized` says that the body may not have the length that the headers give it.
        """
        start_line = b"%b %b HTTP/1.1" % (verb.encode(), target)
        lines = [] if resized else [*map(self._lines.__getitem__, headers)]
        if _BY_HAND not in lines and not self._hosts.isdisjoint(lines):
            head = b"".join((start_line, b"\r\n", *lines, b"\r\n"))
            return Sending(self._pool, Request(verb, head, body, over, chunked=False))
        headers = list(headers)
        chunked = any(name.lower() == b"transfer-encoding" and b"chunked" in value.lower() for name, value in headers)
        head = head_of(start_line, self._headers(headers, len(body), chunked=chunked))
        return Sending(self._pool, Request(verb, head, body, over, chunked))

    def _line(self, header: RawHeader) -> bytes:
        """What becomes of a header of a request whose body has the length that it says."""
        name, value = header[0].lower(), header[1]
        if name == b"transfer-encoding" or (name == b"connection" and value.lower() not in (b"keep-alive", b"close")):
            return _BY_HAND
        if name == b"content-length" and value != b"%d" % int(value):
            return _BY_HAND
        if name in HOP_BY_HOP or name == b"expect":
            return b""
        return b"%b: %b\r\n" % (header[0], self._host if name == b"host" else value)

    def _headers(self, came: RawHeaders, size: int, *, chunked: bool) -> list[tuple[bytes, bytes]]:
        """What is handed on, each in its place: `Host` becomes the server's, and the body's length what it is."""
        kept: list[tuple[bytes, bytes]] = []
        missing = {b"host", b"content-length"}
        for name, value in end_to_end(came):
            match name.lower():
                case b"host":
                    missing.discard(b"host")
                    kept.append((name, self._host))
                case b"content-length":
                    missing.discard(b"content-length")
                    kept.append((name, b"%d" % size))
                case b"expect":
                    continue
                case _:
                    kept.append((name, value))
        if chunked:
            kept.append((b"Transfer-Encoding", b"chunked"))
        elif size and b"content-length" in missing:
            kept.append((b"Content-Length", b"%d" % size))
        if b"host" in missing:
            kept.insert(0, (b"Host", self._host))
        return kept


def problem(error: BaseException) -> str:
    """What went wrong with a server, in a few words and without its address: that may hold a token."""
    match error:
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            return "it broke off in the middle of its answer"
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return f"it does not speak HTTP as it should: {error.message.strip().splitlines()[0][:200]}"
        case aiohttp.ConnectionTimeoutError() | TimeoutError():
            return "it did not take the connection in time"
        case OSError():
            return _system_error(error)
    return str(error) or type(error).__name__


def _system_error(error: OSError) -> str:
    """asyncio wraps the system's words in its own, with the address; where a name has several, all in one text."""
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection: {error.reason or error}"
    number = error.errno
    if number is None and (several := re.findall(r"\[Errno (\d+)\]", str(error))):
        number = int(several[-1])
    return os.strerror(number) if number is not None and number > 0 else error.strerror or str(error)
