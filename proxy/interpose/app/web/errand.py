"""Commands of interpose that the page runs for people: in a process of their own, so that traffic waits for none."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import NamedTuple

from interpose.core.formats.excerpt import said

_SECONDS = 120.0
_MOST = 8 << 20
_PIECE = 1 << 16
_AT_ONCE = 2
_gate = asyncio.Semaphore(_AT_ONCE)


class Done(NamedTuple):
    """What a command said, and how it ended. `cut`: there was more than is kept."""

    status: int
    output: bytes
    complaint: str
    cut: bool


async def run(*arguments: str) -> Done:
    """`interpose ARGUMENTS...` to its end."""
    async with _gate:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "interpose", *arguments), stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with asyncio.timeout(_SECONDS):
                complaint = asyncio.create_task(process.stderr.read(_PIECE))
                pieces = [piece async for piece in _pieces(process.stdout)]
                more = len(await process.stdout.read(1)) > 0
                if more:
                    process.kill()
                status = await process.wait()
                said_there = (await complaint).decode("utf-8", "replace")
        except TimeoutError:
            return Done(3, b"", f"it took longer than {_SECONDS:.0f} s", False)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Done(status, b"".join(pieces), said(said_there, 1000), more)


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    size = 0
    while size < _MOST and (piece := await reader.read(_PIECE)):
        size += len(piece)
        yield piece
