"""The connections to one origin: those that wait for a request, and how a new one is made."""

import asyncio
import ssl
import time
from collections import deque
from ipaddress import ip_address

import aiohttp
from yarl import URL

from interpose.edge.transports.connection import Connection

_IDLE = 2.0  # seconds: a server may close an idle connection at any moment, and what is on its way then is lost
_CONNECTS_WITHIN = 30.0
_NEXT_ADDRESS_AFTER = 0.25  # RFC 8305 §8


class Pool:
    """Connections are taken and given back; what is given back in the middle of something is closed."""

    def __init__(self, origin: URL) -> None:
        self._host = origin.raw_host or ""
        self._port = origin.port or 0
        self._is_address = _is_address(self._host)
        self._is_secure = origin.scheme == "https"
        self._tls: ssl.SSLContext | None = None
        self._idle: deque[tuple[float, Connection]] = deque()  # the longest idle first, with the time to let it go
        self._taken: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False

    def take(self) -> Connection | None:
        """A connection that waits for a request, the latest; None when there is none."""
        while self._idle:
            until, connection = self._idle.pop()
            if connection.is_usable and until > time.monotonic():
                self._taken.add(connection)
                return connection
            connection.close()
        return None

    async def connect(self) -> Connection:
        """A new connection. Raises ConnectionTimeoutError or OSError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECTS_WITHIN):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop),
                    self._host.rstrip("."),
                    self._port,
                    ssl=self._secured(),
                    happy_eyeballs_delay=None if self._is_address else _NEXT_ADDRESS_AFTER,
                )
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        if self.closed:
            connection.abort()
            raise aiohttp.ClientConnectionError("stopping")
        self._taken.add(connection)
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, or close it where it is good for none."""
        self._taken.discard(connection)
        if self.closed or not connection.is_usable:
            connection.close()
            return
        connection.rest()
        self._idle.append((time.monotonic() + _IDLE, connection))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_IDLE, self._let_go)

    async def aclose(self) -> None:
        """Close them all, also those in use."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        for connection in (*self._taken, *(idle for _, idle in self._idle)):
            connection.close()
        self._idle.clear()
        await asyncio.sleep(0)

    def _let_go(self) -> None:
        now = time.monotonic()
        while self._idle and self._idle[0][0] <= now:
            self._idle.popleft()[1].close()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._idle[0][0] - now, self._let_go) if self._idle else None

    def _secured(self) -> ssl.SSLContext | None:
        if self._is_secure and self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
