"""Recordings that a test has made: kept when it passed, each as a whole, whoever else keeps some at the same time."""

import os
import secrets
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from interpose.app.pytest.place import numbered, series
from interpose.core.errors import RecordingError
from interpose.edge.stores.jsonl import RecordingReader
from interpose.edge.stores.replacing import replace


def ended(path: Path) -> bool:
    """Whether a recording is whole. Raises: RecordingError for what is none, or is damaged."""
    with RecordingReader(path) as reader:
        for _ in reader:
            pass
        return reader.ended


def ended_within(seconds: float, path: Path) -> bool:
    """Whether a recording gets its last line in time."""
    deadline = time.monotonic() + seconds
    while not ended(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def said_anything(path: Path) -> bool:
    """Whether there is any message in it."""
    with RecordingReader(path) as reader:
        return any(entry.kind == "message" for entry in reader)


def put_anew(made: Sequence[Path], first: Path) -> list[Path]:
    """Put these in the place of a test's recordings. Raises: RecordingError."""
    targets = list(islice(numbered(first), len(made)))
    for source, target in zip(made, targets, strict=True):
        _folder(target)
        try:
            replace(str(target), source.read_bytes())
        except OSError as error:
            raise RecordingError(str(target), None, f"cannot be written ({error.strerror})") from None
    for path in series(first):
        if path not in targets:
            path.unlink(missing_ok=True)
    return targets


def put_first(made: Sequence[Path], first: Path) -> list[Path]:
    """Put these where no recordings were: nothing, when somebody else has put some there meanwhile."""
    if not made or not _put(made[0], first):
        return []
    targets = list(islice(numbered(first), len(made)))
    return [first, *(target for source, target in zip(made[1:], targets[1:], strict=True) if _put(source, target))]


def put_beside(made: Sequence[Path], first: Path) -> list[Path]:
    """Put these behind those that a test has."""
    return [next(target for target in numbered(first) if _put(source, target)) for source in made]


def _put(source: Path, target: Path) -> bool:
    """Put a file where none is: the whole of it or nothing. False when one is there. Raises: RecordingError."""
    _folder(target)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        replace(str(beside), source.read_bytes())
        os.link(beside, target)
    except FileExistsError:
        return False
    except OSError as error:
        raise RecordingError(str(target), None, f"cannot be written ({error.strerror})") from None
    finally:
        beside.unlink(missing_ok=True)
    return True


def _folder(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(str(target.parent), None, f"cannot be made a folder ({error.strerror})") from None
