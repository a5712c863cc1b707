"""Where recordings go: known, and found fit to be written to, before anything is started."""

import os
import re
from typing import TYPE_CHECKING

from interpose.core.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


def check(target: str) -> None:
    """Make the folder that recordings go to, where there is none. `target` is a file, or that folder.

    Raises: RecordingError when nothing can be written there.
    """
    folder = target if _is_folder(target) else os.path.dirname(target) or os.curdir
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
    except OSError as error:
        raise RecordingError(folder, None, f"cannot be made a folder ({error.strerror}); name another") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RecordingError(target, None, f"the folder {folder} is not writable; name another with --record")


def place(target: str, server: str, started: str) -> "Path":
    """Where a session's recording goes: the file named, or a name by time and server inside a folder.

    `started` is an RFC 3339 time. Raises: RecordingError when nothing can be written there.
    """
    from pathlib import Path

    check(target)
    if not _is_folder(target):
        return Path(target)
    moment = re.sub(r"[-:]|\.\d+", "", started)
    return Path(target, f"{moment}-{_UNFIT.sub('-', server).strip('-.') or 'server'}.jsonl")


def _is_folder(target: str) -> bool:
    return os.path.isdir(target) or target.endswith(os.sep)
