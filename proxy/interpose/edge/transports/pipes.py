"""Byte streams of this process as asyncio streams: standard input, output and error, whatever they are tied to."""

import asyncio
import fcntl
import os
import stat
from collections.abc import Callable
from typing import Protocol

from interpose.edge.transports.memory import keep_blocks_to_read_into

READ_SIZE = 1 << 18


class Reader(Protocol):
    """Where bytes come from; empty bytes are the end."""

    async def read(self, n: int) -> bytes: ...


class Source(asyncio.Protocol):
    """Where bytes come from by themselves, as a protocol of an asyncio pipe.

    Until somebody listens, what came is kept and nothing more is read.
    """

    def __init__(self, kept: bytes = b"") -> None:
        self._transport: asyncio.ReadTransport | None = None
        self._kept = [kept] if kept else []
        self._over: str | None = None
        self._heard: Callable[[bytes], None] | None = None
        self._ended: Callable[[str], None] = lambda _: None

    def listen(self, heard: Callable[[bytes], None], ended: Callable[[str], None]) -> None:
        """From now on `heard` hears bytes and `ended`, once, why there are no more."""
        self._heard, self._ended = heard, ended
        if self._kept:
            heard(b"".join(self._kept))
            self._kept.clear()
        if self._over is not None:
            ended(self._over)
        self.resume()

    def leave(self) -> None:
        """Nobody listens any more."""
        self._heard = None
        self.pause()

    def pause(self) -> None:
        """Read nothing for now; whoever writes there will have to wait."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and self._over is None:
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.ReadTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._heard is not None:
            self._heard(data)
        else:
            self._kept.append(data)
            self.pause()

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = "end" if exc is None else getattr(exc, "strerror", None) or "disconnect"
        if self._heard is not None:
            self._ended(self._over)


class Writer(Protocol):
    """Where bytes go. `drain` raises OSError once the reader is gone; `wait_closed` waits until all is written."""

    def write(self, data: bytes | memoryview) -> None: ...
    async def drain(self) -> None: ...
    def close(self) -> None: ...
    async def wait_closed(self) -> None: ...


def is_idle(writer: Writer) -> bool:
    """Whether what is written now goes out now."""
    transport: asyncio.WriteTransport | None = getattr(writer, "transport", None)
    return transport is None or (not transport.is_closing() and transport.get_write_buffer_size() == 0)


class _FileReader:
    """A regular file as input: no event loop can wait for one, a thread can."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def read(self, n: int) -> bytes:
        return await asyncio.to_thread(os.read, self._fd, n)


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

    async def wait_closed(self) -> None:
        return


async def reader(fd: int, kept: bytes = b"") -> Reader | Source:
    """What reads a file descriptor, which stays open. `kept` are bytes of a pipe that were read from it before."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not os.isatty(fd)):  # no event loop waits for /dev/null either
        return _FileReader(fd)
    return await source(fd, kept)


async def source(fd: int, kept: bytes = b"") -> Source:
    """What hands on as it comes what can be read from a pipe, a socket or a terminal, which stays open."""
    pipe = os.fdopen(os.dup(fd), "rb", buffering=0)
    _widen(fd)
    keep_blocks_to_read_into(READ_SIZE)
    _, found = await asyncio.get_running_loop().connect_read_pipe(lambda: Source(kept), pipe)
    return found


class _Protocol(asyncio.streams.FlowControlMixin):
    """Tells when nobody reads any more, also while nothing is being written."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        super().__init__()
        self._on_lost = on_lost
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self._lost.done():
            self._lost.set_result(None)
        self._on_lost()

    def _get_close_waiter(self, stream: asyncio.StreamWriter) -> asyncio.Future[None]:
        return self._lost


async def writer(fd: int, on_lost: Callable[[], None]) -> Writer:
    """A writer to a file descriptor, which stays open. `on_lost` is called once it is closed from either side."""
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return _FileWriter(fd)
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(os.dup(fd), "wb", buffering=0)
    _widen(fd)
    transport, protocol = await loop.connect_write_pipe(lambda: _Protocol(on_lost), pipe)
    return asyncio.StreamWriter(transport, protocol, None, loop)


def _widen(fd: int) -> None:
    """Let a pipe hold what is read at once: each time it is full or empty, two processes take turns.

    What is no pipe, and a system that has no more room for pipes, stays as it is.
    """
    if not hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux alone has it
        return
    try:
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, READ_SIZE)
    except OSError:
        pass


def restore_blocking() -> None:
    """Give shared descriptors back as they were: a shell does not expect its terminal to be non-blocking."""
    for fd in (0, 1, 2):
        try:
            os.set_blocking(fd, True)
        except OSError:
            pass
