"""A relay in plain asyncio that reads each line as JSON, for the guard. usage: stdio_relay.py COMMAND"""

import asyncio
import hashlib
import json
import os
import sys

_STEP = 1 << 18


async def main(command: list[str]) -> None:
    """Carry lines both ways until one side ends."""
    loop = asyncio.get_running_loop()
    server = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_STEP
    )
    reader = asyncio.StreamReader(_STEP)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb"))
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(1, "wb"))
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    assert server.stdin is not None
    assert server.stdout is not None
    ways = [asyncio.create_task(_carry(*way)) for way in ((reader, server.stdin), (server.stdout, writer))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    server.stdin.close()
    await server.wait()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    rest, chain = b"", b""
    while chunk := await source.read(_STEP):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            chain = hashlib.sha256(chain + json.dumps(json.loads(line)).encode()).digest()
        sink.write(b"".join(line + b"\n" for line in lines))
        await sink.drain()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
