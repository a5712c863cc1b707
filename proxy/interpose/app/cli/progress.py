"""How far long reading is: one line on standard error, on a terminal alone, gone when it is over."""

import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from interpose.core.formats.words import size
from interpose.core.recording.entry import Entry
from interpose.edge.stores.jsonl import RecordingReader

_QUIET = 0.5  # seconds in which nobody wonders
_PACE = 0.1
_BAR = 30


class Progress:
    """Counts the bytes of recordings that are read; a file that is read twice stands twice in `paths`."""

    def __init__(self, doing: str, paths: Iterable[Path | str]) -> None:
        self._doing = doing
        self._whole = sum(map(_size, paths))
        self._read = 0  # bytes of recordings before this one
        self._next = time.monotonic() + _QUIET if self._whole and _is_watched() else float("inf")
        self._is_shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def reader(self, path: Path | str) -> RecordingReader:
        """A recording whose reading counts. Raises: RecordingError."""
        return _Counted(path, self)

    def reached(self, offset: int) -> None:
        """So far in the recording that is read now."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _PACE
        share = min(1.0, (self._read + offset) / max(1, self._whole))
        bar = ("#" * int(share * _BAR)).ljust(_BAR, "-")
        sys.stdout.buffer.flush()  # which may be the same terminal
        _write(f"\r\x1b[K{self._doing} [{bar}] {share:4.0%} of {size(self._whole)}")
        self._is_shown = True

    def read(self, count: int) -> None:
        """One recording was read to its end."""
        self._read += count

    def clear(self) -> None:
        """Take the line away, before anything else is written."""
        if self._is_shown:
            self._is_shown = False
            _write("\r\x1b[K")


class _Counted(RecordingReader):
    def __init__(self, path: Path | str, progress: Progress) -> None:
        super().__init__(path)
        self._progress = progress

    def located(self) -> Iterator[tuple[int, Entry]]:
        for offset, entry in super().located():
            self._progress.reached(offset)
            yield offset, entry
        self._progress.read(_size(self.path))


def _is_watched() -> bool:
    """Whether a person sees standard error, and no pager or other program draws beside it what we print."""
    try:
        piped = stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
        return sys.stderr.isatty() and not piped and os.environ.get("TERM") != "dumb"
    except (OSError, ValueError):
        return False


def _size(path: Path | str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _write(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
