"""The load: raw clients that send calls made beforehand and read no more of an answer than where it ends."""

import os
import select
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

import message
from framing import Framer
from process import BenchError, Running

_STEP = 1 << 18
_FIRST_ID = 100_000
_WARMING = 5


class Load(Protocol):
    """A client of one way to a server."""

    made: int
    """How many calls it has made so far, those that warm up a connection included. What is made is sent."""

    def calls(self, count: int) -> list[bytes]:
        """So many calls, made but not sent; no two of them have the same id."""

    def one_by_one(self, calls: Sequence[bytes]) -> list[int]:
        """Nanoseconds from each call to its answer, one in flight."""

    def at_once(self, calls: Sequence[bytes], depth: int) -> float:
        """Seconds for all calls, so many in flight."""


class StdioLoad:
    """A client on the standard streams of a process; several calls in flight follow each other on one pipe."""

    def __init__(self, process: Running, size: int) -> None:
        self._process = process
        self._into, self._out_of = process.stdin, process.stdout
        self._before, self._after = message.call(size, stateless=False)
        self.made = 0

    def open(self) -> None:
        """Initialize the session."""
        os.write(self._into, message.INITIALIZE)
        self._answer()
        os.write(self._into, message.INITIALIZED)

    def calls(self, count: int) -> list[bytes]:
        first, self.made = _FIRST_ID + self.made, self.made + count
        return [self._before + b"%d" % ident + self._after + b"\n" for ident in range(first, first + count)]

    def one_by_one(self, calls: Sequence[bytes]) -> list[int]:
        taken, answer, clock = [], b"", time.perf_counter_ns
        for call in calls:
            start = clock()
            self._write(call)
            answer = self._answer()
            taken.append(clock() - start)
        check(calls[-1], answer)
        return taken

    def at_once(self, calls: Sequence[bytes], depth: int) -> float:
        os.set_blocking(self._into, False)
        start = time.perf_counter()
        try:
            self._stream(calls, depth)
        finally:
            os.set_blocking(self._into, True)
        return time.perf_counter() - start

    def _stream(self, calls: Sequence[bytes], depth: int) -> None:
        """Never blocks in a write: whoever is full may wait for us to read."""
        sent, answered, out = 0, 0, memoryview(b"")
        while answered < len(calls):
            more = calls[sent : answered + depth]
            sent += len(more)
            if more:
                out = memoryview(b"".join((out, *more)))
            if out:
                out = out[self._write_some(out) :]
            if not out or self._readable(out):
                answered += self._read().count(b"\n")

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._into, data)
        except BlockingIOError:
            return 0

    def _readable(self, out: memoryview) -> bool:
        ready, _, _ = select.select([self._out_of], [self._into] if out else [], [])
        return bool(ready)

    def _write(self, data: bytes) -> None:
        sent = os.write(self._into, data)
        while sent < len(data):
            sent += os.write(self._into, data[sent:])

    def _read(self) -> bytes:
        chunk = os.read(self._out_of, _STEP)
        if not chunk:
            raise BenchError(f"the server side ended: {self._process.last_words()}")
        return chunk

    def _answer(self) -> bytes:
        answer = self._read()
        while not answer.endswith(b"\n"):
            answer += self._read()
        return answer


class HttpLoad:
    """A client over HTTP: stateless calls, each connection kept and carrying one call at a time."""

    def __init__(self, port: int, size: int) -> None:
        self._port = port
        self.made = 0
        self._before, self._after = message.call(size, stateless=True)
        self._head = (
            b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: bench\r\n"
            b"Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
            b"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n"
            b"Content-Length: %%d\r\n\r\n%%b"
        ) % port

    def calls(self, count: int) -> list[bytes]:
        first, self.made = _FIRST_ID + self.made, self.made + count
        bodies = (self._before + b"%d" % ident + self._after for ident in range(first, first + count))
        return [self._head % (len(body), body) for body in bodies]

    def one_by_one(self, calls: Sequence[bytes]) -> list[int]:
        taken, answer, clock = [], b"", time.perf_counter_ns
        with self._connect() as connection:
            for call in self.calls(_WARMING):
                connection.sendall(call)
                _answer(connection)
            for call in calls:
                start = clock()
                connection.sendall(call)
                answer = _answer(connection)
                taken.append(clock() - start)
        check(calls[-1].partition(b"\r\n\r\n")[2], answer)
        return taken

    def at_once(self, calls: Sequence[bytes], depth: int) -> float:
        with selectors.DefaultSelector() as selector:
            for _ in range(min(depth, len(calls))):
                selector.register(self._connect(), selectors.EVENT_READ, Framer())
            try:
                _spread(selector, self.calls(depth))
                start = time.perf_counter()
                _spread(selector, calls)
                return time.perf_counter() - start
            finally:
                for key in selector.get_map().values():
                    if isinstance(key.fileobj, socket.socket):
                        key.fileobj.close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), 30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(True)
        return connection


def check(call: bytes, answer: bytes) -> None:
    """The answer must be the one to this call: a fast proxy that mixes them up is none."""
    ident = message.id_of(call)
    if ident is None or b'"id":' + ident + b',"result"' not in answer:
        raise BenchError(f"not the answer to call {ident!r}: {answer[:200]!r}")


def _spread(selector: selectors.BaseSelector, calls: Sequence[bytes]) -> None:
    """One call a connection; each answer frees its connection for the next call. A peer that gets a call reads it."""
    waiting, answered = iter(calls), 0
    for key in selector.get_map().values():
        _send(key, waiting)
    while answered < len(calls):
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            for _whole in key.data.feed(_received(key.fileobj)):
                answered += 1
                _send(key, waiting)


def _send(key: selectors.SelectorKey, waiting: Iterator[bytes]) -> None:
    call = next(waiting, None)
    if call is not None and isinstance(key.fileobj, socket.socket):
        key.fileobj.sendall(call)


def _answer(connection: socket.socket) -> bytes:
    framer = Framer()
    while not (found := framer.feed(_received(connection))):
        pass
    return found[0]


def _received(connection: socket.socket) -> bytes:
    chunk = connection.recv(_STEP)
    if not chunk:
        raise BenchError("a connection was closed before the answer came")
    return chunk
