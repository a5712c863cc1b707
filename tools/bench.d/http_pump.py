"""The least that can stand between a client and an HTTP server: a TCP relay. usage: http_pump.py PORT

Prints its port. Ends when its standard input does.
"""

import asyncio
import sys

from hosting import serve


class Half(asyncio.Protocol):
    """One connection of a pair: what it hears goes out by the other, and is kept until that one is there."""

    def __init__(self) -> None:
        self._heard: list[bytes] = []
        self._other: asyncio.Transport | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._heard.append(data)
        else:
            self._other.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._other is not None:
            self._other.close()

    def join(self, other: asyncio.Transport | None) -> None:
        """From now on, hand everything on to the other one."""
        assert other is not None
        self._other = other
        other.write(b"".join(self._heard))


class Front(Half):
    """The client's connection: opens the server's."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._opening = asyncio.ensure_future(self._open())

    async def _open(self) -> None:
        _, back = await asyncio.get_running_loop().create_connection(Half, "127.0.0.1", self._port)
        back.join(self.transport)
        self.join(back.transport)


if __name__ == "__main__":
    asyncio.run(serve(lambda: Front(int(sys.argv[1]))))
