"""Connections whose first request head has not come whole: read without waiting, and not for ever."""

import socket
from contextlib import suppress

from interpose.edge.transports.listener import KEEPALIVE_SECONDS
from interpose.edge.workers.whose import HEAD_LIMIT, head_end


class Arrival:
    """A connection, and what was read of it."""

    def __init__(self, sock: socket.socket, host: str, until: float) -> None:
        self.sock = sock
        self.host = host
        self.until = until
        self.data = b""

    def read(self) -> bool:
        """Read what has come; whether the head is whole. Raises EOFError when the client has left."""
        try:
            data = self.sock.recv(HEAD_LIMIT)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            raise EOFError from None
        if not data:
            raise EOFError
        self.data += data
        return head_end(self.data) > 0


def again(sock: socket.socket, read: bytes) -> Arrival:
    """A connection that a worker had, and read so much of."""
    sock.setblocking(False)
    try:
        host = str(sock.getpeername()[0])
    except OSError:  # its client has left
        host = ""
    arrival = Arrival(sock, host, 0.0)
    arrival.data = read
    return arrival


class Arrivals:
    """Those that are waited for, the oldest first."""

    def __init__(self) -> None:
        self._all: dict[socket.socket, Arrival] = {}

    def add(self, sock: socket.socket, host: str, now: float) -> Arrival:
        self._all[sock] = arrival = Arrival(sock, host, now + KEEPALIVE_SECONDS)
        return arrival

    def remove(self, arrival: Arrival) -> None:
        self._all.pop(arrival.sock, None)

    @property
    def until(self) -> float | None:
        """When the oldest has waited long enough."""
        return next((arrival.until for arrival in self._all.values()), None)

    def overdue(self, now: float) -> list[Arrival]:
        return [arrival for arrival in self._all.values() if arrival.until <= now]

    def all(self) -> list[Arrival]:
        return list(self._all.values())


def bound(host: str, port: int) -> list[socket.socket]:
    """Listen at all addresses of a host, at one port; 0 is any that is free. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listening: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            if listening:
                address = (address[0], listening[0].getsockname()[1], *address[2:])
            listening.append(socket.create_server(address[:2], family=family, backlog=128))
            listening[-1].setblocking(False)
    except OSError:
        for sock in listening:
            with suppress(OSError):
                sock.close()
        raise
    return listening
