"""Byte streams of this process as asyncio streams: standard input, output and error, whatever they are tied to."""

import asyncio
import os
import stat
from typing import Protocol

import anyio.to_thread

READ_SIZE = 1 << 18


class Reader(Protocol):
    """Where bytes come from; empty bytes are the end."""

    async def read(self, n: int) -> bytes: ...


class Writer(Protocol):
    """Where bytes go. `drain` raises OSError once the reader is gone."""

    def write(self, data: bytes | memoryview) -> None: ...
    async def drain(self) -> None: ...
    def close(self) -> None: ...


class _FileReader:
    """A regular file as input: no event loop can wait for one, a thread can."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def read(self, n: int) -> bytes:
        return await anyio.to_thread.run_sync(os.read, self._fd, n)


class _FileWriter:
    """A regular file as output: writing never waits for a reader."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    async def drain(self) -> None:
        return

    def close(self) -> None:
        return


async def reader(fd: int) -> Reader:
    """A reader of a file descriptor, which stays open."""
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return _FileReader(fd)
    stream = asyncio.StreamReader(limit=READ_SIZE)
    pipe = os.fdopen(os.dup(fd), "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
    return stream


async def writer(fd: int) -> Writer:
    """A writer to a file descriptor; closing it closes the descriptor's only copy we hold."""
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return _FileWriter(fd)
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(os.dup(fd), "wb", buffering=0)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
    return asyncio.StreamWriter(transport, protocol, None, loop)


def restore_blocking() -> None:
    """Give shared descriptors back as they were: a shell does not expect its terminal to be non-blocking."""
    for fd in (0, 1, 2):
        try:
            os.set_blocking(fd, True)
        except OSError:
            pass
