"""Recordings as files: written line by line, read as a stream, never loaded whole."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from threading import Thread

from interpose.core.errors import RecordingError
from interpose.core.recording.codec import LateLine, Pieces, chain_of, decode_entry, decode_header
from interpose.core.recording.entry import Entry, Header

_STEP = 1 << 18  # of a large line: for a larger write the system looks for larger pages, which can cost it far more


class RecordingFile:
    """A recording being written: lines that were heard together in one `write`, before any of them is delivered.

    A killed process loses at most the last ones. When the disk refuses, traffic goes on: `lost` counts the lines that
    are missing, and the reader sees the gap.

    A large line that comes last is digested and written in a thread; `settle` waits for it.
    INVARIANT: it is the only one that is not written yet, and nothing else is written meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._fd = _create(path)
        self.lost = 0
        self.problem = ""
        self._size = 0
        self._lines: list[Pieces] = []
        self._writing: Thread | None = None

    def append(self, pieces: Pieces) -> None:
        """Add one line, which `flush` writes."""
        self._lines.append(pieces)

    def extend(self, lines: Iterable[Pieces]) -> None:
        """Add several."""
        self._lines += lines

    def flush(self) -> None:
        """Write the lines that were added; a large one at their end is only begun to be written."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        if self._writing is not None:
            self.settle()
        if type(lines[-1]) is LateLine:
            late = lines.pop()
            self._write_lines(lines)
            self._begin(late)
        else:
            self._write_lines(lines)

    def settle(self) -> None:
        """Wait until a line that is being written is written, or lost."""
        if self._writing is not None:
            self._writing.join()
            self._writing = None

    def _begin(self, line: Pieces) -> None:
        writing = Thread(target=self._write_lines, args=([line],))
        try:
            writing.start()
        except RuntimeError:  # the system has no more threads
            self._write_lines([line])
        else:
            self._writing = writing

    def _write_lines(self, lines: Sequence[Pieces]) -> None:
        """Write lines together. Where they do not fit, each for itself."""
        if lines and not self._write(lines[0] if len(lines) == 1 else chain.from_iterable(lines)):
            for line in lines:
                if not self._write(line):
                    self.lost += 1

    def _write(self, pieces: Iterable[bytes]) -> bool:
        """What does not fit leaves nothing of itself behind."""
        try:
            self._size += _write_all(self._fd, pieces if type(pieces) is tuple else tuple(pieces))
        except OSError as error:
            self.problem = error.strerror or str(error)
            self._cut_back()
            return False
        return True

    def close(self) -> None:
        if self._fd >= 0:
            self.flush()
            self.settle()
            os.close(self._fd)
            self._fd = -1

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._fd, self._size)
            os.lseek(self._fd, self._size, os.SEEK_SET)
        except OSError:
            pass


class RecordingReader:
    """A recording being read. Iterating gives its entries; `problems` fills as damage is met.

    A damaged header, and a line in the middle that is no entry, raise RecordingError. A cut last line and a changed
    line are problems to report: what can be read is read.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self.problems: list[str] = []
        self.torn = False
        self.ended = False
        self._chain = ""
        try:
            self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise RecordingError(self.path, None, f"cannot be read ({error.strerror})") from None
        first = self._file.readline()
        try:
            self.header: Header = decode_header(first)
        except ValueError as error:
            self._file.close()
            raise RecordingError(self.path, 1, str(error)) from None
        self._check_chain(1, first)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "RecordingReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Entry]:
        return (entry for _, entry in self.located())

    def located(self) -> Iterator[tuple[int, Entry]]:
        """Entries with the offset of their line in the file, for `at`."""
        number, seq, offset = 1, 0, self._file.tell()
        for line in self._file:
            number += 1
            if not line.endswith(b"\n") or line.startswith(b"\0"):
                self._note_torn(number)
                return
            entry = self._decode(number, line)
            if entry is None:
                return
            self._check_chain(number, line)
            if entry.seq != seq + 1:
                self.problems.append(f"line {number}: entries {seq + 1} to {entry.seq - 1} are missing")
            seq, self.ended = entry.seq, entry.kind == "end"
            yield offset, entry
            offset += len(line)
        if not self.ended:
            self.problems.append("the recording has no last line: the session still runs, or interpose was killed")

    def at(self, offset: int) -> Entry:
        """The entry whose line starts at this offset."""
        with open(self.path, "rb") as file:
            file.seek(offset)
            return decode_entry(file.readline())

    def _decode(self, number: int, line: bytes) -> Entry | None:
        try:
            return decode_entry(line)
        except ValueError as error:
            if not self._file.read(1).strip(b"\0"):
                self._note_torn(number)
                return None
            raise RecordingError(self.path, number, f"damaged: {error}") from None

    def _note_torn(self, number: int) -> None:
        self.torn = True
        self.problems.append(f"line {number}: cut off while it was being written; everything before it is here")

    def _check_chain(self, number: int, line: bytes) -> None:
        expected, self._chain = chain_of(self._chain, line)
        if self._chain != expected:
            self.problems.append(f"line {number}: changed after it was recorded, or the line before it is gone")


def _create(path: Path) -> tuple[Path, int]:
    """Create the file, or the next free numbered sibling: a recording is never overwritten or added to."""
    number = 1
    candidate = path
    while True:
        try:
            return candidate, os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            number += 1
            candidate = path.with_name(f"{path.stem}.{number}{path.suffix}")
        except OSError as error:
            raise RecordingError(
                str(path), None, f"cannot be written ({error.strerror}); name another with --record"
            ) from None


def _write_all(fd: int, pieces: tuple[bytes, ...]) -> int:
    """Write pieces together, but for large ones, which would have to be copied."""
    total = sum(map(len, pieces))
    if total <= _STEP or max(map(len, pieces)) <= _STEP:
        pieces = (b"".join(pieces),)
    for piece in pieces:
        written = os.write(fd, piece[:_STEP])
        if written < len(piece):
            rest = memoryview(piece)[written:]
            while rest:
                rest = rest[os.write(fd, rest[:_STEP]) :]
    return total
