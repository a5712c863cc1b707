"""Files that are replaced as a whole: a reader finds the old contents or the new, never a part."""

import os


def replace(path: str, content: bytes, mode: int = 0o600) -> None:
    """Put this in the place of a file's contents, by default readable by its owner alone.

    Raises OSError; then nothing changed.

    A link stays; what it leads to is replaced.
    """
    target = os.path.realpath(path)
    beside = f"{target}.{os.urandom(4).hex()}"
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            os.fchmod(fd, mode)
            file.write(content)
            file.flush()
            os.fsync(fd)
        os.rename(beside, target)
    except OSError:
        os.unlink(beside)
        raise
