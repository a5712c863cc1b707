"""What parent and worker say to each other, over a pair of sockets; a connection may go with a word.

Every connection that is received is acknowledged, and closed by its sender only then: macOS loses one that its sender
closes while it is on the way.
"""

import select
import socket
import struct
from collections import deque
from contextlib import suppress

import msgspec

_LENGTH = struct.Struct("!I")
_READ = 1 << 18
_MOST_AT_ONCE = 16  # it is one: what comes after a connection is read for itself


class Ready(msgspec.Struct, frozen=True, tag=True):
    """A worker takes connections."""


class Handed(msgspec.Struct, frozen=True, tag=True):
    """A connection, what was read from it, and the key that is the worker's from now on, where it has one.

    It comes without the connection where no more files can be opened.
    """

    read: bytes
    key: bytes = b""


class Owns(msgspec.Struct, frozen=True, tag=True):
    """Exchanges with this key are this worker's."""

    key: bytes


class Moved(msgspec.Struct, frozen=True, tag=True):
    """The server sent a client from where sessions are to this path, so they are there too."""

    path: bytes


class Left(msgspec.Struct, frozen=True, tag=True):
    """A connection of this worker's has ended."""


class Stop(msgspec.Struct, frozen=True, tag=True):
    """End what is open, and then yourself."""


class _Taken(msgspec.Struct, frozen=True, tag=True):
    """The oldest connection on its way has arrived."""


Word = Ready | Handed | Owns | Moved | Left | Stop
Heard = tuple[Word, socket.socket | None]
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Word | _Taken)


class Lane:
    """One end. Nothing here waits, except `settle`."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._unsent: deque[tuple[memoryview, socket.socket | None]] = deque()
        self._underway: deque[socket.socket] = deque()
        self._buffer = bytearray()
        self._arrived: deque[socket.socket | None] = deque()  # in the order of their words

    def fileno(self) -> int:
        return self._sock.fileno()

    def say(self, word: Word, connection: socket.socket | None = None) -> None:
        """Say a word, as soon as the other side takes it. The connection is this lane's from now on."""
        self._queue(word, connection)
        self.push()

    def push(self) -> bool:
        """Send what can be sent. Whether that was all."""
        try:
            while self._unsent:
                data, connection = self._unsent[0]
                sent = self._send(data, connection)
                if sent == len(data):
                    self._unsent.popleft()
                else:
                    self._unsent[0] = (data[sent:], None)
        except BlockingIOError:
            return False
        except OSError:  # nobody is there: `hear` says so
            self._unsent.clear()
        return True

    def settle(self) -> None:
        """Wait until all is sent."""
        while not self.push():
            select.select([], [self._sock], [])

    def hear(self) -> list[Heard]:
        """What was said since; a `Handed` comes with its connection. Raises EOFError when the other side has ended."""
        heard: list[Heard] = []
        try:
            while self._receive():
                heard += self._words()
        except EOFError:
            if not heard:
                raise
        return heard

    def close(self) -> None:
        """Connections that are still here are closed with it."""
        for connection in (*self._underway, *self._arrived, *(each for _, each in self._unsent)):
            if connection is not None:
                connection.close()
        self._sock.close()

    def _queue(self, word: "Word | _Taken", connection: socket.socket | None) -> None:
        data = _encoder.encode(word)
        self._unsent.append((memoryview(_LENGTH.pack(len(data)) + data), connection))

    def _send(self, data: memoryview, connection: socket.socket | None) -> int:
        if connection is None:
            return self._sock.send(data)
        sent = socket.send_fds(self._sock, [data], [connection.fileno()])
        self._underway.append(connection)
        return sent

    def _receive(self) -> bool:
        """Read once; whether anything came. Raises EOFError."""
        try:
            data, arrived, flags, _ = socket.recv_fds(self._sock, _READ, _MOST_AT_ONCE)
        except BlockingIOError:
            return False
        except OSError:
            raise EOFError from None
        if not data:
            raise EOFError
        for fd in arrived:
            connection = socket.socket(fileno=fd)
            connection.set_inheritable(False)
            self._arrived.append(connection)
        if not arrived and flags & socket.MSG_CTRUNC:
            self._arrived.append(None)
        self._buffer += data
        return True

    def _words(self) -> list[Heard]:
        heard: list[Heard] = []
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                break
            word = _decoder.decode(bytes(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]
            if isinstance(word, _Taken):
                self._underway.popleft().close()
            elif isinstance(word, Handed):
                heard.append((word, self._arrived.popleft()))
                self._queue(_Taken(), None)
                self.push()
            else:
                heard.append((word, None))
        return heard


def pair() -> tuple[Lane, Lane]:
    """Two ends of a lane."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for sock in (ours, theirs):
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _READ)
    return Lane(ours), Lane(theirs)
