"""Files that are replaced as a whole: a reader finds the old contents or the new, never a part."""

import os
import secrets


def replace(path: str, content: bytes) -> None:
    """Put this in the place of a file's contents, readable by its owner alone. Raises OSError; then nothing changed.

    A link stays; what it leads to is replaced.
    """
    target = os.path.realpath(path)
    beside = f"{target}.{secrets.token_hex(4)}"
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(fd)
        os.rename(beside, target)
    except OSError:
        os.unlink(beside)
        raise
