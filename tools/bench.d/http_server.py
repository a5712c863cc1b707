"""An HTTP/1.1 keep-alive MCP server at any path that costs next to nothing. usage: http_server.py json|sse

Prints its port. Ends when its standard input does.
"""

import asyncio
import itertools
import sys
from collections.abc import Iterator

import echo
from framing import Framer
from hosting import serve

_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b"
_SSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"%bTransfer-Encoding: chunked\r\n\r\n"
)
_EVENT = b"event: message\ndata: %b\n\n"
_LAST = b"0\r\n\r\n"
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
_REFUSED = b"HTTP/1.1 405 Method Not Allowed\r\nAllow: POST, DELETE\r\nContent-Length: 0\r\n\r\n"
_ENDED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_SESSION = b"Mcp-Session-Id: bench-%d\r\n"


class Connection(asyncio.Protocol):
    """One client: each request is answered as it is complete."""

    def __init__(self, streams: bool, sessions: Iterator[int]) -> None:
        self._streams, self._sessions = streams, sessions
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for head, body in self._framer.feed(data):
            if head.startswith(b"POST "):
                self._answer(body)
            else:
                self._write(_ENDED if head.startswith(b"DELETE ") else _REFUSED)

    def _answer(self, body: bytes) -> None:
        messages = echo.answers(body)
        session = _SESSION % next(self._sessions) if b'"initialize"' in body[:2000] else b""
        if not messages:
            self._write(_ACCEPTED)
        elif self._streams or len(messages) > 1:
            self._stream(session, messages)
        else:
            self._write(_JSON % (session, len(messages[0]), messages[0]))

    def _stream(self, session: bytes, messages: list[bytes]) -> None:
        """One write an event, the answer's with both ends of the response: as by a server in a hurry."""
        *notifications, answer = map(_chunk, messages)
        begin = _SSE % session
        for chunk in notifications:
            self._write(begin + chunk)
            begin = b""
        self._write(b"".join((begin, answer, _LAST)))

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


def _chunk(message: bytes) -> bytes:
    event = _EVENT % message
    return b"%x\r\n%b\r\n" % (len(event), event)


if __name__ == "__main__":
    numbers = itertools.count(1)
    asyncio.run(serve(lambda: Connection(sys.argv[1] == "sse", numbers)))
