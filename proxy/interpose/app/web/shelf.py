"""Where the page's server finds lines again: in a recording's file, in a temporary file, or in bounded memory."""

import os
import tempfile
from array import array
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol

from interpose.core.errors import RecordingError

_CHUNK = 1 << 18
_TAIL = 1 << 20


class Shelf(Protocol):
    """The lines of one session, the header first: line 0. `news` are those that nobody has taken yet."""

    def news(self) -> list[tuple[int, bytes]]:
        """The next whole lines, each with its offset; none when there is no more for now. Raises RecordingError."""

    def line(self, number: int) -> bytes | None:
        """A line that was news; None when it is kept no more."""

    def close(self) -> None:
        """Keep nothing."""


class Kept(Protocol):
    """Pieces of bytes by number, from 0."""

    def __len__(self) -> int:
        """How many there were, those that are gone included."""

    def add(self, piece: bytes) -> None:
        """Keep one more."""

    def get(self, number: int) -> bytes | None:
        """A piece; None when it is gone."""

    def close(self) -> None:
        """Keep nothing."""


class FileShelf:
    """A recording's file, which may grow: eight bytes of memory a line."""

    def __init__(self, path: Path | str) -> None:
        """Raises RecordingError."""
        self._path = str(path)
        self._offsets = array("q")
        self._end = 0
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise RecordingError(self._path, None, f"cannot be read ({error.strerror})") from None

    def news(self) -> list[tuple[int, bytes]]:
        size = _CHUNK
        while True:
            data = self._read(size, self._end)
            whole = data.rfind(b"\n") + 1
            if whole or len(data) < size:
                break
            size *= 4
        found = []
        for text in data[:whole].split(b"\n")[:-1]:
            line = text + b"\n"
            found.append((self._end, line))
            self._offsets.append(self._end)
            self._end += len(line)
        return found

    def line(self, number: int) -> bytes | None:
        if not 0 <= number < len(self._offsets):
            return None
        start = self._offsets[number]
        end = self._offsets[number + 1] if number + 1 < len(self._offsets) else self._end
        return self._read(end - start, start)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self, size: int, offset: int) -> bytes:
        try:
            return os.pread(self._fd, size, offset) if self._fd >= 0 else b""
        except OSError as error:
            raise RecordingError(self._path, None, f"cannot be read ({error.strerror})") from None


class RingShelf:
    """The lines of a session that is not recorded: the last ones, up to so many bytes."""

    def __init__(self, most: int) -> None:
        self._ring = Ring(most)
        self._news: list[tuple[int, bytes]] = []
        self.behind = 0  # bytes that nobody has taken yet

    def add(self, lines: Sequence[bytes]) -> None:
        self._news += [(0, line) for line in lines]
        self.behind += sum(map(len, lines))

    def news(self) -> list[tuple[int, bytes]]:
        news, self._news, self.behind = self._news, [], 0
        for _, line in news:
            self._ring.add(line)
        return news

    def line(self, number: int) -> bytes | None:
        return self._ring.get(number)

    def close(self) -> None:
        self._ring.close()
        self._news = []


class Ring:
    """The last pieces, in memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._first = 0

    def __len__(self) -> int:
        return self._first + len(self._pieces)

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        while self._size > self._most and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft())
            self._first += 1

    def get(self, number: int) -> bytes | None:
        at = number - self._first
        return self._pieces[at] if 0 <= at < len(self._pieces) else None

    def close(self) -> None:
        self._first += len(self._pieces)
        self._pieces.clear()


class Spill:
    """All pieces: the last in memory, what is older in a nameless temporary file. Eight bytes of memory a piece."""

    def __init__(self) -> None:
        self._offsets = array("q", [0])
        self._tail = bytearray()
        self._written = 0
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def add(self, piece: bytes) -> None:
        self._tail += piece
        self._offsets.append(self._offsets[-1] + len(piece))
        if len(self._tail) >= _TAIL:
            self._pour()

    def get(self, number: int) -> bytes | None:
        if not 0 <= number < len(self):
            return None
        start, end = self._offsets[number], self._offsets[number + 1]
        if start >= self._written:
            return bytes(self._tail[start - self._written : end - self._written])
        return os.pread(self._file.fileno(), end - start, start) if self._file is not None else None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._written = self._offsets[-1]
        self._tail.clear()

    def _pour(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - kept until close
        self._file.write(self._tail)
        self._file.flush()
        self._written += len(self._tail)
        self._tail.clear()
