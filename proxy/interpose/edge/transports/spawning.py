"""Starting a server as a process of its own. It runs at once, while we load the rest: nothing here needs an event loop.

How it is spoken to and ended: see process.py.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from interpose.core.errors import EndError

_PR_SET_PDEATHSIG = 1


def spawn(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start a server with this process's own environment, its standard streams as pipes. What is written waits in them.

    It gets a process group of its own. Raises: EndError when it cannot be started.
    """
    try:
        return subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            preexec_fn=_die_with_parent() if sys.platform == "linux" else None,
        )
    except FileNotFoundError:
        raise EndError(
            f"cannot start `{command[0]}`: no such command; give its full path, or install it first"
        ) from None
    except OSError as error:
        raise EndError(f"cannot start `{command[0]}`: {error.strerror}; check the command after `--`") from None


@contextmanager
def spawned(command: Sequence[str]) -> "Iterator[subprocess.Popen[bytes]]":
    """The same for a block, which ends it; where the block fails it is killed with all that it started."""
    process = spawn(command)
    try:
        yield process
    except BaseException:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        process.wait()
        raise


def _die_with_parent() -> Callable[[], None]:
    """Linux: the kernel ends the child when interpose is killed and can pass nothing on."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask
