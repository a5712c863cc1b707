"""Whose turn it is to ask on a terminal: one interpose at a time, of those that it controls."""

import fcntl
import os
from contextlib import suppress

from interpose.edge.approvers import hatch_place


class Turn:
    """A lock on a file, named after the session of processes that the terminal controls."""

    def __init__(self) -> None:
        """Raises: OSError where another has the turn, UsageError where there is no place for the file."""
        self._path = hatch_place.place(f"tty-{os.getsid(0)}.lock")
        while True:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(self._file)
                raise
            if self._is_there():
                return
            os.close(self._file)  # whoever had it before has just removed it

    def close(self) -> None:
        """Let others ask."""
        with suppress(OSError):
            self._path.unlink()
        os.close(self._file)

    def _is_there(self) -> bool:
        with suppress(OSError):
            return os.path.samestat(self._path.stat(), os.fstat(self._file))
        return False
