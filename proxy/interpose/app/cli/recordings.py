"""Which files a command means that takes recordings, or folders of them."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from interpose.core.errors import UsageError
from interpose.core.recording.codec import decode_header

_FIRST_LINE = 1 << 20


def recordings(paths: Iterable[str]) -> Iterator[Path]:
    """The files named, and of folders every `.jsonl` file in and below them that begins as a recording, in order.

    Raises: UsageError for a path where there is nothing.
    """
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from (found for found in files(path) if began(found) is not None)
        elif path.exists():
            yield path
        else:
            raise UsageError(f"{name}: no such file or folder")


def files(folder: Path) -> Iterator[Path]:
    """What may be a recording in and below a folder, in the order of names; links are nobody's recordings.

    `session.jsonl` comes before `session.2.jsonl`, and that before `session.10.jsonl`.
    """
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names, key=_naturally):
            path = Path(root, name)
            if path.suffix == ".jsonl" and path.is_file() and not path.is_symlink():
                yield path


def _naturally(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.removesuffix(".jsonl"))
    return [(int(part), "") if part.isdigit() else (-1, part.rstrip(".")) for part in parts]


def began(path: Path) -> str | None:
    """When a recording says that it began; None for what is no recording."""
    try:
        with open(path, "rb") as file:
            return decode_header(file.readline(_FIRST_LINE)).started
    except (OSError, ValueError):
        return None
