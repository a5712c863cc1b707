"""The terminal that controls this process, for a question at a time: lines out, lines in. Never waits for either."""

import asyncio
import os
import signal
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interpose.core.errors import UsageError
from interpose.edge.approvers.tty_turn import Turn

_DEVICE = "/dev/tty"
_MOST = 4096  # bytes of a line: what a terminal hands over at once
_BEHIND = 1 << 20  # bytes that the terminal may be behind: a person may have stopped it


class NoTerminal(Exception):
    """No terminal controls this process, and none will."""


class Tty:
    """Open while a question is. `hear` gets each line as it is typed; None when the terminal is somebody else's now."""

    def __init__(self, hear: Callable[[str | None], None]) -> None:
        """Raises: NoTerminal, OSError where it is not ours to ask on now."""
        self._hear = hear
        self._unsaid = b""
        self._loop = asyncio.get_running_loop()
        self._turn: Turn | None = None
        try:
            self._terminal = os.open(_DEVICE, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            raise NoTerminal from None
        try:
            if not _is_ours(self._terminal):
                raise OSError("the terminal is in use")
            self._turn = Turn()
            with _unstopped():
                termios.tcflush(self._terminal, termios.TCIFLUSH)  # what was typed before the question is no answer
            self._loop.add_reader(self._terminal, self._read)
        except (OSError, termios.error, UsageError) as error:
            self.close()
            raise OSError(str(error)) from None

    def say(self, text: str) -> None:
        """Show it as soon as the terminal takes it. It must be harmless."""
        self._unsaid = (self._unsaid + text.encode("utf-8", "backslashreplace"))[:_BEHIND]
        self._write()

    def close(self) -> None:
        """Ask no more; another interpose may."""
        if self._terminal >= 0:
            self._loop.remove_reader(self._terminal)
            self._loop.remove_writer(self._terminal)
            os.close(self._terminal)
            self._terminal = -1
        if self._turn is not None:
            self._turn.close()

    def _write(self) -> None:
        if not _is_ours(self._terminal):
            self._unsaid = b""
        try:
            with _unstopped():
                self._unsaid = self._unsaid[os.write(self._terminal, self._unsaid) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsaid = b""
        if self._unsaid:
            self._loop.add_writer(self._terminal, self._write)
        else:
            self._loop.remove_writer(self._terminal)

    def _read(self) -> None:
        line = b""
        if _is_ours(self._terminal):
            try:
                with _unstopped():
                    line = os.read(self._terminal, _MOST)
            except BlockingIOError:
                return
            except OSError:
                pass
        self._hear(line.decode("utf-8", "replace").strip() if line else None)


def _is_ours(terminal: int) -> bool:
    """Whether we are in the foreground, and no program draws on the terminal: it echoes, and hands over whole lines."""
    try:
        modes = termios.tcgetattr(terminal)[3]
        return os.tcgetpgrp(terminal) == os.getpgrp() and modes & termios.ICANON != 0 and modes & termios.ECHO != 0
    except (OSError, termios.error):
        return False


@contextmanager
def _unstopped() -> Iterator[None]:
    """Who was put into the background meanwhile gets an error, and is not stopped."""
    stopping = {signal.SIGTTIN, signal.SIGTTOU}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
