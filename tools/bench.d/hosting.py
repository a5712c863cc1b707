"""How the bench's own HTTP processes live: bind a free port of this machine, print it, end with their input."""

import asyncio
import sys
from collections.abc import Callable


async def serve(connection: Callable[[], asyncio.Protocol]) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()
