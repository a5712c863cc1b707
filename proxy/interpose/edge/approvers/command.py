"""An approver that is a program of the user's: the question on its standard input, the verdict on its standard output.

No shell. It lives no longer than the hold that it decides about.
"""

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
from asyncio.subprocess import PIPE, Process

from interpose.core.errors import UsageError
from interpose.edge.approvers.errands import Errands, Failed, Say
from interpose.edge.approvers.verdict import MOST

_AT_ONCE = 8


def command(words: str, say: Say) -> Errands:
    """The approver for a program and its arguments, as one would write them in a shell. Raises: UsageError."""
    try:
        argv = shlex.split(words)
    except ValueError as error:
        raise UsageError(f"--approver command: {error}") from None
    program = shutil.which(argv[0]) if argv else None
    if program is None:
        raise UsageError(f"--approver command: `{argv[0] if argv else ''}` is no program that can be run")

    async def ask(question: bytes) -> bytes:
        return await _ask([program, *argv[1:]], question)

    return Errands(f"command {os.path.basename(program)}", ask, say, _AT_ONCE)


async def _ask(argv: list[str], question: bytes) -> bytes:
    try:
        process = await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, start_new_session=True)
    except OSError as error:
        raise Failed(f"it cannot be started ({error.strerror or error})") from None
    try:
        said = await _talk(process, question)
        status = await process.wait()
    finally:
        await _end(process)
    if status != 0:
        raise Failed(f"it ended with status {status}")
    return said


async def _talk(process: Process, question: bytes) -> bytes:
    """Ask, and hear all that it says until it closes its output, or says too much."""
    writing = asyncio.ensure_future(_write(process, question))
    try:
        assert process.stdout is not None
        said = bytearray()
        while len(said) <= MOST and (piece := await process.stdout.read(1 << 16)):
            said += piece
        if len(said) > MOST:
            raise Failed("it says too much")
        return bytes(said)
    finally:
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing


async def _write(process: Process, question: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not listen
        process.stdin.write(question + b"\n")
        await process.stdin.drain()
    process.stdin.close()


async def _end(process: Process) -> None:
    """Kill what is left of it, with all that it started. Never awaits while it still runs."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        await asyncio.shield(process.wait())
