"""The part of the trail about background work: who runs it, through which states it went, who cancelled or fetched it.

Both dialects: core tasks of 2025-11-25 and the tasks extension.
"""

from collections.abc import Callable, Iterator

import msgspec

from interpose.core.events import End, other
from interpose.core.formats.audit_record import By, Record, correlation
from interpose.core.formats.excerpt import said
from interpose.core.formats.words import short_id
from interpose.core.recording.entry import Entry
from interpose.core.session.reading import Failure, Result, TaskFields, read
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

OWN = "interpose"
_OVER = frozenset({"completed", "failed", "cancelled"})
_INVALID_PARAMS = -32602
_ROOM = 4096
Place = Callable[[tuple[int, ...]], tuple[tuple[str, ...], str]]


class _Known(msgspec.Struct):
    """What the trail remembers of a task."""

    since: float
    status: str = ""
    inside: tuple[str, ...] = ()
    call: str = ""
    ttl: float | None = None
    fetched: bool = False


class _Ended(msgspec.Struct, gc=False):
    """The end of a task, where its state brings it along (tasks extension)."""

    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class TaskTrail:
    """Follows tasks. `place` names calls."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known: Ring[tuple[End, str], _Known] = Ring(_ROOM)

    def see(self, entry: Entry, seen: Sighting) -> Iterator[Record]:
        """What a message tells of tasks that was not known before."""
        method = seen.method or ""
        if seen.kind is Kind.REQUEST:
            if method == "tasks/cancel" and seen.name is not None:
                yield self._record(entry, seen, other(seen.end), seen.name, "cancel-requested")
        elif seen.kind is Kind.ERROR:
            yield from self._failed(entry, seen)
        elif seen.kind is Kind.RESULT or method.startswith("notifications/tasks"):
            yield from self._told(entry, seen)

    def _told(self, entry: Entry, seen: Sighting) -> Iterator[Record]:
        notified = seen.kind is Kind.NOTIFICATION
        raw = seen.message.params if notified else seen.message.result
        method = seen.method or ""
        if method == "tasks/result":
            yield from self._fetched(entry, seen, raw)
        elif method == "tasks/list":
            for each in read(raw, Result).tasks or ():
                yield from self._state(entry, seen, read(each, TaskFields))
        elif method.startswith(("tasks/", "notifications/tasks")):
            yield from self._state(entry, seen, read(raw, Result))
            yield from self._brought(entry, seen, raw)
        elif not notified and seen.task is not None:
            yield from self._created(entry, seen, read(raw, Result))

    def _created(self, entry: Entry, seen: Sighting, found: Result) -> Iterator[Record]:
        fields, call = found.task or (found if found.type == "task" else None), seen.call
        if fields is None or fields.task_id is None or call is None:
            return
        known = self._of(seen, fields.task_id)
        known.inside, known.call = self._place((call.seq,) if call.end == "client" else call.parents)
        if call.end == "server":
            known.call = said(f"{call.method} in {known.call}" if known.call else call.method)
        record = self._record(entry, seen, seen.end, fields.task_id, "created")
        ttl = fields.ttl if fields.ttl is not None else fields.ttl_ms
        record.ttl = known.ttl = None if ttl is None else ttl / 1000
        yield record
        yield from self._state(entry, seen, fields)

    def _state(self, entry: Entry, seen: Sighting, fields: TaskFields) -> Iterator[Record]:
        """A state, when it is another than the last one told."""
        if fields.task_id is None or not fields.status:
            return
        known = self._of(seen, fields.task_id)
        if fields.status == known.status or known.status in _OVER:
            return
        known.status = fields.status
        yield self._record(entry, seen, seen.end, fields.task_id, said(fields.status, 30))

    def _fetched(self, entry: Entry, seen: Sighting, raw: bytes) -> Iterator[Record]:
        """`tasks/result`: the result itself, which ends the task if nothing has told so."""
        task = seen.task or (seen.call.task if seen.call is not None else None)
        if task is None:
            return
        status = "failed" if read(raw, Result).failed else "completed"
        yield from self._state(entry, seen, TaskFields(task, status))
        yield self._retrieved(entry, seen, task, len(raw))

    def _brought(self, entry: Entry, seen: Sighting, raw: bytes) -> Iterator[Record]:
        ended, task = read(raw, _Ended), read(raw, Result).task_id
        brought = bytes(ended.result) or bytes(ended.error)
        if brought and task is not None and not self._of(seen, task).fetched:
            yield self._retrieved(entry, seen, task, len(brought))

    def _retrieved(self, entry: Entry, seen: Sighting, task: str, size: int) -> Record:
        self._of(seen, task).fetched = True
        record = self._record(entry, seen, seen.end, task, "retrieved")
        record.by = "policy" if entry.by == OWN else other(seen.end)
        record.answer_bytes = size
        return record

    def _failed(self, entry: Entry, seen: Sighting) -> Iterator[Record]:
        """An error about a task: it is not there any more, or it is its end (`tasks/result`)."""
        method, task = seen.method or "", seen.task
        if method not in ("tasks/get", "tasks/result") or task is None:
            return
        known = self._of(seen, task)
        if read(seen.message.error, Failure).code == _INVALID_PARAMS:
            if known.status != "gone":
                known.status = "gone"
                yield self._record(entry, seen, seen.end, task, "gone")
        elif method == "tasks/result":
            yield from self._state(entry, seen, TaskFields(task, "failed"))
            yield self._retrieved(entry, seen, task, len(seen.message.error))

    def _of(self, seen: Sighting, task: str) -> _Known:
        name = (seen.end, task)
        found = self._known.get(name)
        if found is None:
            found = _Known(seen.at)
            self._known.put(name, found)
        return found

    def _record(self, entry: Entry, seen: Sighting, owner: End, task: str, event: str) -> Record:
        known = self._known.get((owner, task)) or _Known(seen.at)
        by: By = "policy" if entry.by == OWN else seen.end
        record = Record("task", event, entry.seq, entry.at, carrier="task", by=by)
        record.task, record.correlation = said(short_id(task)), correlation(task)
        record.owner, record.inside, record.call, record.ttl = owner, known.inside, known.call, known.ttl
        record.seconds = seen.at - known.since
        return record
