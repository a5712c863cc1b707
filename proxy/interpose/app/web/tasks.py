"""The tasks of a session as life lines: which call began each, its states with their times, how it ended."""

from typing import Any

import msgspec

from interpose.core.formats.excerpt import said
from interpose.core.formats.ledger import Ledger
from interpose.core.formats.words import short_id
from interpose.core.recording.entry import Entry
from interpose.core.session.reading import Result, TaskFields, read
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_MOST, _MOST_STATES = 500, 100
_OVER = frozenset({"completed", "failed", "cancelled"})


class Life(msgspec.Struct):
    """One task. `states` are pairs of a time and a state; `polls` how often somebody asked; `ttl` in seconds."""

    id: str
    number: str
    label: str
    since: float
    states: list[tuple[float, str]]
    polls: int = 0
    ttl: float | None = None
    ended: bool = False


class TaskLives:
    """The first tasks of a session, in the order in which they began; `left_out` are those after them."""

    def __init__(self) -> None:
        self._lives: dict[str, Life] = {}
        self.left_out = 0

    def __len__(self) -> int:
        return len(self._lives)

    def see(self, entry: Entry, sightings: tuple[Sighting, ...], ledger: Ledger) -> None:
        """Take in what a message tells of tasks."""
        for seen in sightings:
            if seen.task is None:
                continue
            if seen.kind is Kind.REQUEST:
                self._polled(seen)
            else:
                self._told(entry, seen, ledger)

    def told(self) -> list[dict[str, Any]]:
        """All of them, for the page."""
        return [msgspec.to_builtins(life) for life in self._lives.values()]

    def _polled(self, seen: Sighting) -> None:
        life = self._lives.get(seen.task or "")
        if life is not None and seen.method == "tasks/get":
            life.polls += 1

    def _told(self, entry: Entry, seen: Sighting, ledger: Ledger) -> None:
        found = _fields(seen)
        status = found.status
        if status is None or found.task_id not in (None, seen.task):
            return
        life = self._lives.get(seen.task or "") or self._begin(entry, seen, ledger)
        if life is None:
            return
        if not life.number:
            life.number, life.label = _origin(seen, ledger)
        life.ttl = found.ttl / 1000 if found.ttl is not None else found.ttl_ms / 1000 if found.ttl_ms else life.ttl
        if (not life.states or life.states[-1][1] != status) and len(life.states) < _MOST_STATES:
            life.states.append((entry.at, said(status.replace("_", " "), 30)))
        life.ended = life.ended or status in _OVER

    def _begin(self, entry: Entry, seen: Sighting, ledger: Ledger) -> Life | None:
        if len(self._lives) >= _MOST:
            self.left_out += 1
            return None
        task = seen.task or ""
        life = Life(short_id(said(task, 60)), *_origin(seen, ledger), entry.at, [])
        self._lives[task] = life
        return life


def _origin(seen: Sighting, ledger: Ledger) -> tuple[str, str]:
    """The number and the name of the call that made a task, where this message answers it."""
    method = seen.method or ""
    if seen.call is None or "tasks/" in method:
        return "", ""
    return ledger.name(seen.call.seq) or "", said(" ".join(word for word in (method, seen.name) if word), 80)


def _fields(seen: Sighting) -> TaskFields:
    if seen.kind is Kind.NOTIFICATION:
        return read(seen.message.params, TaskFields)
    found = read(seen.message.result, Result)
    return found.task or found
