"""A server that is a child process: started, spoken to on its standard streams, ended in the order EOF, TERM, KILL.

SDK clients give a server 2 s from closing its input to a TERM; the grace times here add up to less.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence

import anyio

from interpose.core.errors import EndError
from interpose.edge.transports.pipes import READ_SIZE

EOF_GRACE = 1.1
TERM_GRACE = 0.4
_PR_SET_PDEATHSIG = 1


class _Protocol(asyncio.subprocess.SubprocessStreamProtocol):
    """Tells when the process has exited. `Process.wait` of newer Pythons waits for its pipes too, which others hold."""

    def __init__(self) -> None:
        super().__init__(READ_SIZE, asyncio.get_running_loop())
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


class Child:
    """A running server process, in a process group of its own so that all it started can be ended with it."""

    def __init__(self, process: asyncio.subprocess.Process, exited: asyncio.Event) -> None:
        self._process = process
        self._exited = exited
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.stdin, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr

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
                with anyio.move_on_after(wait):
                    return await self.ended()
                self.signal(number)
            return await self.ended()
        finally:
            self.signal(signal.SIGKILL)  # what it started and left behind


async def start(command: Sequence[str]) -> Child:
    """Start a server with this process's own environment. Raises EndError when it cannot be started."""
    loop = asyncio.get_running_loop()
    pipe = asyncio.subprocess.PIPE
    try:
        transport, protocol = await loop.subprocess_exec(
            _Protocol,
            *command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            process_group=0,
            preexec_fn=_die_with_parent() if sys.platform == "linux" else None,
        )
    except FileNotFoundError:
        raise EndError(
            f"cannot start `{command[0]}`: no such command; give its full path, or install it first"
        ) from None
    except OSError as error:
        raise EndError(f"cannot start `{command[0]}`: {error.strerror}; check the command after `--`") from None
    return Child(asyncio.subprocess.Process(transport, protocol, loop), protocol.exited)


def _die_with_parent() -> Callable[[], None]:
    """Linux: the kernel ends the child when interpose is killed and can pass nothing on."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask
