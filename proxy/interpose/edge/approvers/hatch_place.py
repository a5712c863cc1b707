"""Where the sockets of running interposes are: a folder of the user's own, found without the environment's help.

MCP clients start servers with hardly any environment, so every folder that could be meant is looked into.
"""

import os
import pwd
import secrets
import socket
import stat
from collections.abc import Container, Iterator
from contextlib import suppress
from pathlib import Path

from interpose.core.errors import UsageError

_SUFFIX = ".sock"
_LONGEST = 100  # bytes of a socket's path (unix(7))


def folders() -> list[Path]:
    """The folders that may hold sockets, the best first."""
    user = os.getuid()
    found = [Path("/run/user") / str(user), Path(f"/var/run/user/{user}")]
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(given):
        found.insert(0, Path(given))
    state = Path(os.environ.get("XDG_STATE_HOME") or Path(_home(user)) / ".local" / "state")
    places = [folder / "interpose" for folder in found if folder.is_dir()]
    return list(dict.fromkeys((*places, state / "interpose")))


def new() -> Path:
    """The path of a socket of this process's. Raises: UsageError."""
    return place(f"{os.getpid()}-{secrets.token_hex(3)}{_SUFFIX}")


def place(name: str) -> Path:
    """A path in a folder that nobody else can enter. Raises: UsageError."""
    problem = "no folder for it"
    for folder in folders():
        path = folder / name
        if len(os.fsencode(path)) > _LONGEST:
            problem = f"{folder} is too long a name for a socket's"
            continue
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_ours(folder):
                return path
            problem = f"{folder} must belong to you alone (chmod 700)"
        except OSError as error:
            problem = f"{folder} cannot be used ({error.strerror})"
    raise UsageError(f"approvals have no socket: {problem}")


def reachable(but: Container[Path] = ()) -> Iterator[tuple[Path, socket.socket]]:
    """A connection to every interpose of this user's that listens. Sockets that nobody listens at are removed."""
    for folder in folders():
        if not _is_ours(folder):
            continue
        for path in sorted(path for path in folder.glob(f"*{_SUFFIX}") if path not in but):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(path))
            except ConnectionRefusedError:
                connection.close()
                with suppress(OSError):
                    path.unlink()
            except OSError:
                connection.close()
            else:
                yield path, connection


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder, no link to one, that only this user can enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _home(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_dir
    except KeyError:
        return os.path.expanduser("~")
