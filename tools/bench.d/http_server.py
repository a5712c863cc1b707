"""An HTTP/1.1 keep-alive server that costs next to nothing. usage: http_server.py SIZE json|sse

Prints its port. Ends when its standard input does.
"""

import asyncio
import sys

import message
from framing import Framer
from hosting import serve

_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_SSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n%x\r\nevent: message\ndata: %b\n\n\r\n0\r\n\r\n"
)
_SSE_EXTRA = len(b"event: message\ndata: \n\n")


class Connection(asyncio.Protocol):
    """One client: each request is answered as it is complete."""

    def __init__(self, size: int, streams: bool) -> None:
        self._before, self._after = message.answer(size, stateless=True)
        self._template, self._extra = (_SSE, _SSE_EXTRA) if streams else (_JSON, 0)
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        for request in self._framer.feed(data):
            body = request[request.index(b"\r\n\r\n") + 4 :]
            answer = self._before + (message.id_of(body) or b"null") + self._after
            self._transport.write(self._template % (len(answer) + self._extra, answer))


if __name__ == "__main__":
    asyncio.run(serve(lambda: Connection(int(sys.argv[1]), sys.argv[2] == "sse")))
