"""A server that is a child process: spoken to on its standard streams, ended in the order EOF, TERM, KILL.

SDK clients give a server 2 s from closing its input to a TERM; the grace times here add up to less.
"""

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Sequence

from interpose.edge.transports.pipes import READ_SIZE, Reader, Source, Writer, source, writer
from interpose.edge.transports.spawning import spawn

EOF_GRACE = 1.1
TERM_GRACE = 0.4


class Child:
    """A running server process, in a process group of its own so that all it started can be ended with it."""

    def __init__(self, process: "subprocess.Popen[bytes]", stdin: Writer, stdout: Source, stderr: Reader) -> None:
        self._process = process
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self._exited = asyncio.Event()
        told = (process, asyncio.get_running_loop(), self._exited)
        threading.Thread(target=_tell_exit, args=told, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal to the whole group; nothing happens when it is gone."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    async def ended(self) -> int:
        """Wait for the exit; its status as a shell would give it (128 + signal)."""
        await self._exited.wait()
        status = self._process.returncode or 0
        return 128 - status if status < 0 else status

    async def stop(self, grace: float = EOF_GRACE) -> int:
        """Wait, then TERM, wait, then KILL. Returns the exit status. Input is closed already."""
        try:
            for wait, number in ((grace, signal.SIGTERM), (TERM_GRACE, signal.SIGKILL)):
                try:
                    async with asyncio.timeout(wait):
                        return await self.ended()
                except TimeoutError:
                    self.signal(number)
            return await self.ended()
        finally:
            self.signal(signal.SIGKILL)  # what it started and left behind


async def start(command: Sequence[str]) -> Child:
    """Start a server. Raises: EndError when it cannot be started."""
    return await adopt(spawn(command))


async def adopt(process: "subprocess.Popen[bytes]") -> Child:
    """Speak to a server that `spawn` started, in this event loop."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin as stdin, process.stdout as stdout:
        ends = await writer(stdin.fileno(), lambda: None), await source(stdout.fileno())
    stderr = asyncio.StreamReader(limit=READ_SIZE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stderr), process.stderr)
    return Child(process, *ends, stderr)


def _tell_exit(process: "subprocess.Popen[bytes]", loop: asyncio.AbstractEventLoop, exited: asyncio.Event) -> None:
    """Wait in a thread: `Process.wait` of newer Pythons waits for its pipes too, which others hold."""
    process.wait()
    try:
        loop.call_soon_threadsafe(exited.set)
    except RuntimeError:
        pass  # the loop is closed: nobody waits for it any more
