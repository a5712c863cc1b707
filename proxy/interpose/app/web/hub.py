"""All sessions that the page shows: those that run here, as they are heard, and recordings that somebody opened."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from interpose.app.web.chronicle import Chronicle
from interpose.app.web.places import header_of, recorded_at
from interpose.app.web.shelf import FileShelf, Ring, RingShelf, Spill
from interpose.core.errors import InterposeError, RecordingError
from interpose.core.recording.entry import Header

MOST_BYTES = 16 << 20
_MOST_SESSIONS = 60
_BATCH = 0.05
GENTLE = (0.0005, 0.002)  # seconds of work, and of rest, while traffic passes through the same process
ALONE = (0.03, 0.001)
_BREATH = 0.0005
_POLL = 0.25
_TAIL = 1 << 16
_FRESH = 300.0  # seconds since something was written, after which nobody seems to write any more


class Hub:
    """A `Watcher`. What it is told it takes up later, a little at a time: traffic hardly waits for it.

    `record` is where sessions are recorded to, if they are. `most` bytes are kept of each session that is not.
    `pace` is how long it works, and how long it rests when something crossed meanwhile. Who crosses too fast to be
    followed like that is followed for longer, so that what is not kept on disk stays bounded.
    """

    def __init__(self, record: str | None = None, most: int = MOST_BYTES, pace: tuple[float, float] = GENTLE) -> None:
        self._slice, self._pause = pace
        self.chronicles: dict[str, Chronicle] = {}
        self._rings: dict[str, RingShelf] = {}
        self._files: dict[Path, str] = {}
        self._record, self._most = record, most
        self._dirty: set[str] = set()
        self._crossed = False
        self._ended: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._poller: asyncio.TimerHandle | None = None
        self._viewers: dict[object, Callable[[], None]] = {}

    def opened(self, session: str, header: Header) -> None:
        shelf = self._shelf(session, header)
        rows = Ring(self._most // 2) if isinstance(shelf, RingShelf) else Spill()
        self.chronicles[session] = Chronicle(header, shelf, rows, live=True)
        if isinstance(shelf, RingShelf):
            shelf.add((b"",))  # in the place of the header
        self._forget()
        self._soon(session)

    def recorded(self, session: str, lines: Sequence[bytes]) -> None:
        ring = self._rings.get(session)
        if ring is not None:
            ring.add(lines)
        self._crossed = True
        self._soon(session)

    def closed(self, session: str) -> None:
        self._ended.add(session)
        self._soon(session)

    def open(self, path: Path) -> str:
        """Show a recording, which may still grow. The name of its session here. Raises: RecordingError."""
        known = self._files.get(path)
        if known is not None and known in self.chronicles:
            return known
        header = header_of(path)
        if header is None:
            raise RecordingError(str(path), 1, "not a recording: its first line is no interpose header")
        name = header.session
        if name in self.chronicles and name in self._files.values():
            name = f"{name}-{len(self._files)}"
        if name not in self.chronicles:
            self.chronicles[name] = Chronicle(header, FileShelf(path), Spill(), live=_is_fresh(path))
            self._files[path] = name
            self._forget()
        self._soon(name)
        self._poll()
        return name

    def path(self, session: str) -> Path | None:
        """The file of a session that is recorded."""
        return next((path for path, name in self._files.items() if name == session), None)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called when something new can be told. Returns what ends that."""
        key = object()
        self._viewers[key] = callback
        self._dirty.update(self.chronicles)
        self._schedule(0.0)
        return lambda: (self._viewers.pop(key, None), None)[1]

    def close(self) -> None:
        for timer in (self._timer, self._poller):
            if timer is not None:
                timer.cancel()
        for chronicle in self.chronicles.values():
            chronicle.close()
        self.chronicles.clear()

    def _shelf(self, session: str, header: Header) -> FileShelf | RingShelf:
        if self._record is not None:
            try:
                path = recorded_at(self._record, header)
                if path is not None:
                    self._files[path] = session
                    return FileShelf(path)
            except (InterposeError, OSError):
                pass  # it is not kept: people were told
        ring = self._rings[session] = RingShelf(self._most)
        return ring

    def _soon(self, session: str) -> None:
        self._dirty.add(session)
        if self._viewers or session in self._rings:
            self._schedule(_BATCH)

    def _schedule(self, delay: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay, self._work)

    def _work(self) -> None:
        """Follow what is new for a slice of time."""
        self._timer = None
        work, rest = self._turn()
        self._crossed = False
        for session in tuple(self._dirty):
            chronicle = self.chronicles.get(session)
            self._dirty.discard(session)
            if chronicle is not None and chronicle.advance(work):
                self._dirty.add(session)
                self._schedule(rest)
                break
        for callback in tuple(self._viewers.values()):
            callback()
        if self._dirty:
            self._schedule(rest)

    def _turn(self) -> tuple[float, float]:
        """How long to work now, and to rest then."""
        if any(ring.behind > self._most // 4 for ring in self._rings.values()):
            return ALONE
        return self._slice, self._pause if self._crossed else min(self._pause, _BREATH)

    def _poll(self) -> None:
        """Files that others write tell nobody when they grow."""
        self._poller = None
        growing = []
        for path, name in self._files.items():
            chronicle = self.chronicles.get(name)
            if chronicle is not None and chronicle.survey.last is None and not chronicle.problem:
                chronicle.live = _is_fresh(path)
                growing.append(name)
        if growing and self._viewers:
            self._dirty.update(growing)
            self._schedule(0.0)
        if growing:
            self._poller = asyncio.get_running_loop().call_later(_POLL, self._poll)

    def _forget(self) -> None:
        """Bounded: of the sessions that ended, the one that began first goes first."""
        over = [name for name, chronicle in self.chronicles.items() if name in self._ended or chronicle.over]
        for name in over[: max(0, len(self.chronicles) - _MOST_SESSIONS)]:
            self.chronicles.pop(name).close()
            self._rings.pop(name, None)
            self._ended.discard(name)
            self._files = {path: each for path, each in self._files.items() if each != name}


def _is_fresh(path: Path) -> bool:
    """Whether somebody seems to write a recording still: it has no last line, and was written to not long ago."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _TAIL))
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
            return b'"kind":"end"' not in last and time.time() - os.fstat(file.fileno()).st_mtime < _FRESH
    except OSError:
        return False
