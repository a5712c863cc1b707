"""A host in a process of its own, so that its memory can be measured: prints its port, runs until its input ends."""

import asyncio
import sys

from interpose.edge.conversations import Conversations
from interpose.edge.hosting import ChildHost
from interpose.edge.transports.listener import Listener


async def main(folder: str, command: list[str]) -> None:
    server = {"transport": "stdio", "name": "puppet", "command": command}
    listener = Listener(ChildHost(command, Conversations(folder, server, print), lambda _: None), "127.0.0.1", 0)
    await listener.start()
    print(listener.port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await listener.stop()


asyncio.run(main(sys.argv[1], sys.argv[2:]))
