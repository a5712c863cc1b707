"""Changing a configuration file: one at a time, all of it at once, with the file as it was kept beside it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from interpose.app.clients.files import contents
from interpose.core.wiring.place import ConfigError
from interpose.edge.stores.replacing import replace

_KEPT = ".before-interpose"
_LOCK = ".interpose-lock"
_PATIENCE = 10.0


class ChangedError(Exception):
    """The file is no longer what was read."""


def kept(path: str) -> str:
    """Where the file as it was is kept."""
    return os.path.realpath(path) + _KEPT


def before(path: str) -> bytes | None:
    """The file as it was before it was wrapped; None where nothing was kept."""
    return contents(kept(path)) if os.path.exists(kept(path)) else None


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Nobody else who asks for the same changes the file within the block. Raises: ConfigError."""
    lock = os.path.realpath(path) + _LOCK
    try:
        fd = _lock(lock)
    except OSError as error:
        raise ConfigError(path, f"cannot be changed: no lock file beside it ({error.strerror})") from None
    if fd is None:
        raise ConfigError(path, f"another interpose is changing it, and holds {lock}; wait for it")
    try:
        yield
    finally:
        os.unlink(lock)
        os.close(fd)


def _lock(lock: str) -> int | None:
    """The lock file's descriptor once it is ours; None when that took too long."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_ino == os.stat(lock).st_ino:
                return fd
        except (BlockingIOError, FileNotFoundError):
            time.sleep(0.02)
        os.close(fd)
    return None


def save(path: str, read: bytes, new: bytes) -> None:
    """Put `new` in the place of `read`, with the file's own mode.

    Raises: ChangedError, ConfigError; then nothing changed.
    """
    try:
        mode = os.stat(path).st_mode & 0o777
        if contents(path) != read:
            raise ChangedError
        replace(path, new, mode)
    except OSError as error:
        raise ConfigError(path, f"cannot be written ({error.strerror})") from None


def keep(path: str, raw: bytes) -> None:
    """Keep the file as it was. Raises: ConfigError."""
    try:
        replace(kept(path), raw)
    except OSError as error:
        raise ConfigError(kept(path), f"cannot be written ({error.strerror})") from None


def forget(path: str) -> None:
    try:
        os.unlink(kept(path))
    except OSError:
        pass
