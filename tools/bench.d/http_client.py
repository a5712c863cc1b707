"""A client over HTTP: one session, one connection at a time, one call in flight. Sends what was made beforehand."""

import json
import socket
import struct
import time
from collections.abc import Sequence

import message
from framing import Framer, dechunked, header
from process import BenchError, paced
from verify import check

_STEP = 1 << 20
_SHOWN = 300
ANSWERS_WITHIN = 60.0
_TIMEOUT = struct.pack("ll", int(ANSWERS_WITHIN), 0)  # the kernel's own: Python's costs a system call a read
_STATELESS_HEADERS = b"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n"
_STATEFUL_HEADERS = b"MCP-Protocol-Version: 2025-11-25\r\n"


class HttpClient:
    """A session of its own in the stateful era; in the stateless era only calls."""

    def __init__(self, port: int, path: str, stateless: bool = False) -> None:
        self._port, self._path, self._stateless = port, path.encode(), stateless
        self._headers = _STATELESS_HEADERS if stateless else b""
        self.made = 0
        self.socket: socket.socket | None = None
        self.framer = Framer()

    def open(self) -> None:
        """Initialize the session."""
        self.connect()
        if self._stateless:
            return
        head, _ = self._exchange(self.posted(message.INITIALIZE))
        ident = header(head, b"mcp-session-id")
        self._headers = _STATEFUL_HEADERS + (b"Mcp-Session-Id: " + ident + b"\r\n" if ident else b"")
        self._exchange(self.posted(message.INITIALIZED))

    def connect(self) -> None:
        """A new connection, in place of the one before: servers close those that have been idle."""
        self.close()
        self.framer = Framer()
        self.socket = socket.create_connection(("127.0.0.1", self._port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(True)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)

    def close(self) -> None:
        """Close the connection; the session stays."""
        if self.socket is not None:
            self.socket.close()

    def calls(self, count: int, size: int) -> list[bytes]:
        """So many calls, made but not sent; no two of a session have the same id."""
        first, self.made = self.made, self.made + count
        return [message.call(number, size, self._stateless) for number in range(first, first + count)]

    def posted(self, body: bytes) -> bytes:
        """The request that carries a message."""
        return (
            b"POST %b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: bench\r\n"
            b"Accept: application/json, text/event-stream\r\n"
            b"Content-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b"
        ) % (self._path, self._port, self._headers, len(body), body)

    def one_by_one(self, calls: Sequence[bytes], apart: float = 0.0) -> list[int]:
        """Nanoseconds from each call to its answer, over one connection; each begins so many seconds after the last."""
        taken, answers, clock = [], [], time.perf_counter_ns
        for request in paced([self.posted(call) for call in calls], apart):
            start = clock()
            answer = self._exchange(request)
            taken.append(clock() - start)
            answers.append(answer)
        for call, (head, body) in zip(calls, answers, strict=True):
            check(call, answer_in(head, body))
        return taken

    def notified(self, count: int) -> tuple[float, int]:
        """Seconds for a call whose answer comes after so many notifications, and how many of them came."""
        call = message.notifying_call(self.made, count)
        self.made += 1
        start = time.perf_counter()
        _, body = self._exchange(self.posted(call))
        taken = time.perf_counter() - start
        if b'"%d"' % count not in body:
            raise BenchError(f"not the answer: {body[-_SHOWN:]!r}")
        return taken, body.count(b"notifications/progress")

    def received(self) -> bytes:
        """Some bytes.

        Raises: BenchError when none come.
        """
        assert self.socket is not None
        try:
            chunk = self.socket.recv(_STEP)
        except OSError as error:
            raise BenchError(f"no answer came: {error}") from None
        if not chunk:
            raise BenchError("a connection was closed before the answer came")
        return chunk

    def _exchange(self, request: bytes) -> tuple[bytes, bytes]:
        assert self.socket is not None
        try:
            self.socket.sendall(request)
        except OSError as error:
            raise BenchError(f"the request was not taken: {error}") from None
        while not (found := self.framer.feed(self.received())):
            pass
        head, body = found[0]
        if not head.startswith(b"HTTP/1.1 2"):
            raise BenchError(f"refused: {head.splitlines()[0].decode()}")
        return head, body


def answer_in(head: bytes, body: bytes) -> bytes:
    """The JSON-RPC answer in a response; of an event stream the last message that is one."""
    if header(head, b"transfer-encoding"):
        body = dechunked(body)
    if not (header(head, b"content-type") or b"").startswith(b"text/event-stream"):
        return body
    messages = [line[5:].strip() for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip()]
    for said in reversed(messages):
        if said.startswith(message.START) or "id" in json.loads(said):
            return said
    raise BenchError(f"a stream without an answer: {body[:_SHOWN]!r}")
