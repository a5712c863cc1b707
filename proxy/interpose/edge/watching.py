"""Who hears the lines of recordings as they are made, beside the disk or in its place: a live view, an exporter."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from interpose.core.recording.codec import Pieces, decode_header
from interpose.core.recording.entry import Header
from interpose.edge.stores.jsonl import RecordingFile


class Watcher(Protocol):
    """Hears of every session what its recording says, whether or not that is kept: credentials and what a rule scrubs
    were taken out before.

    INVARIANT: traffic waits while these run. They note what they were told and return; they raise nothing.
    """

    def opened(self, session: str, header: Header) -> None:
        """A session begins, before anything is heard of it. `session` is what its header calls it."""

    def recorded(self, session: str, lines: Sequence[bytes]) -> None:
        """Lines that were written together, each an entry (`decode_entry`) with its line end."""

    def closed(self, session: str) -> None:
        """No more lines: the last one, of kind `end`, was heard."""


class Watched:
    """A recording that is watched: takes a file's place in a conversation. Without a file its lines are only heard."""

    def __init__(self, file: RecordingFile | None, watchers: Sequence[Watcher]) -> None:
        self._file = file
        self._watchers = tuple(watchers)
        self._session: str | None = None
        self._lines: list[bytes] = []

    @property
    def path(self) -> Path | None:
        """Where the file is."""
        return None if self._file is None else self._file.path

    @property
    def lost(self) -> int:
        """How many lines the file lacks; watchers heard them."""
        return 0 if self._file is None else self._file.lost

    @property
    def problem(self) -> str:
        """Why lines are missing."""
        return "" if self._file is None else self._file.problem

    def append(self, pieces: Pieces) -> None:
        """Add one line, which `flush` writes and lets be heard."""
        if self._file is not None:
            self._file.append(pieces)
        self._lines.append(b"".join(pieces))

    def extend(self, lines: Iterable[Pieces]) -> None:
        """Add several."""
        for pieces in lines:
            self.append(pieces)

    def flush(self) -> None:
        """Write the lines that were added; then they are heard."""
        if self._file is not None:
            self._file.flush()
        lines, self._lines = self._lines, []
        if lines and self._session is None:
            lines = self._open(lines)
        if lines and self._session is not None:
            for watcher in self._watchers:
                watcher.recorded(self._session, lines)

    def settle(self) -> None:
        """Wait until a large line is in the file."""
        if self._file is not None:
            self._file.settle()

    def close(self) -> None:
        """End the file; nothing more is heard."""
        self.flush()
        if self._file is not None:
            self._file.close()
        session, self._session = self._session, None
        if session is not None:
            for watcher in self._watchers:
                watcher.closed(session)

    def _open(self, lines: list[bytes]) -> list[bytes]:
        """The first line is the header. What comes after it."""
        header = decode_header(lines[0])
        self._session = header.session
        for watcher in self._watchers:
            watcher.opened(header.session, header)
        return lines[1:]
