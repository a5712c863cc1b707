"""The demo's server, on stdio: `python -m interpose.app.demo.server`.

Only the door: it decides by each message which era answers it, so that one process serves both.
"""

from __future__ import annotations

import asyncio
import sys

from interpose.app.demo.stateful import StatefulServer
from interpose.app.demo.stateless import VERSION_KEY, StatelessServer
from interpose.app.demo.wire import LINE_LIMIT, Json, Peer, Request
from interpose.app.demo.world import World


class Server:
    """Both eras over one connection and one world."""

    def __init__(self, peer: Peer) -> None:
        world = World()
        self._stateful = StatefulServer(peer, world)
        self._stateless = StatelessServer(peer, world)

    async def answer(self, request: Request) -> Json:
        enveloped = VERSION_KEY in (request.params.get("_meta") or {})
        if enveloped or request.method == "server/discover":
            return await self._stateless.answer(request)
        return await self._stateful.answer(request)

    def hear(self, method: str, params: Json) -> None:
        self._stateful.hear(method, params)  # 2026-07-28 has no client notification but `cancelled`


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


async def serve() -> None:
    """Serves stdin and stdout until stdin ends."""
    lines = asyncio.StreamReader(limit=LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    peer = Peer(lines, _write)
    await peer.run(Server(peer))


def main() -> int:
    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
