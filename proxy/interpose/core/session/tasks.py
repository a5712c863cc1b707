"""Background work known by a task id: who runs it, its state, its polls, its time to live.

Both dialects: core tasks of 2025-11-25 (either end may run one) and the tasks extension (the server does).
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from interpose.core.events import End
from interpose.core.session.asks import Ask
from interpose.core.session.pending import Open
from interpose.core.session.reading import TaskFields
from interpose.core.session.ring import Ring

TERMINAL = frozenset({"completed", "failed", "cancelled"})
_AFTER = {
    "working": frozenset({"working", "input_required"}) | TERMINAL,
    "input_required": frozenset({"working", "input_required"}) | TERMINAL,
}
_ROOM = 4096


class Task(msgspec.Struct, frozen=True, gc=False):
    """A task as last heard of. Times are the session's; `ttl` and `interval` are seconds, None means unlimited."""

    id: str
    owner: End
    at: float
    status: str
    since: float
    dialect: Literal["core", "extension"] = "core"
    origin: Open | None = None
    ttl: float | None = None
    interval: float | None = None
    polls: int = 0
    polled_at: float | None = None
    asks: tuple[Ask, ...] = ()
    settled: frozenset[str] = frozenset()

    @property
    def over(self) -> bool:
        return self.status not in _AFTER

    @property
    def expires_at(self) -> float | None:
        return None if self.ttl is None else self.at + self.ttl


Name = tuple[End, str]


class Tasks:
    """The tasks that run, and for a while those that ended. `let_go` hears of each that runs no more."""

    def __init__(self, let_go: Callable[[Task], None]) -> None:
        self._let_go = let_go
        self.running: Ring[Name, Task] = Ring(_ROOM)
        self.ended: Ring[Name, Task] = Ring()

    def get(self, owner: End, task_id: str) -> Task | None:
        name = (owner, task_id)
        return self.running.get(name) or self.ended.get(name)

    def related(self, task_id: str) -> Task | None:
        """The task that `related-task` metadata names, whichever end runs it."""
        return self.get("server", task_id) or self.get("client", task_id)

    def create(self, owner: End, origin: Open, fields: TaskFields, at: float) -> Task:
        # A status notification may overtake the answer that hands the task out: what it told is the newer state.
        known = self.get(owner, fields.task_id or "")
        told = known.status if known is not None and known.origin is None else None
        status = told or fields.status or "working"
        dialect: Literal["core", "extension"] = "core" if origin.call.era == "stateful" else "extension"
        return self.keep(_timed(Task(fields.task_id or "", owner, at, status, at, dialect, origin), fields))

    def hear(self, owner: End, fields: TaskFields, at: float) -> tuple[Task, tuple[str, ...]]:
        """Take in a reported state. A state that cannot follow the known one is noted and, after an end, not taken."""
        known = self.get(owner, fields.task_id or "")
        if known is None:
            return self.keep(_timed(Task(fields.task_id or "", owner, at, fields.status or "working", at), fields)), (
                "unknown-task",
            )
        if fields.status is None or fields.status == known.status:
            return self.keep(_timed(known, fields)), ()
        if fields.status not in _AFTER.get(known.status, ()):
            return known, ("task-state",)
        return self.keep(_timed(msgspec.structs.replace(known, status=fields.status, since=at), fields)), ()

    def polled(self, owner: End, task_id: str, at: float) -> None:
        task = self.running.get((owner, task_id))
        if task is not None:
            self.keep(msgspec.structs.replace(task, polls=task.polls + 1, polled_at=at))

    def asked(self, task: Task, asks: tuple[Ask, ...]) -> tuple[Ask, ...]:
        """The asks a task shows, each as first seen: polls repeat those still open."""
        known = {ask.key: ask for ask in task.asks}
        shown = tuple(known.get(ask.key, ask) for ask in asks if ask.key not in task.settled)
        self.keep(msgspec.structs.replace(task, asks=shown))
        return shown

    def settled(self, task: Task, asks: tuple[Ask, ...]) -> None:
        """Asks were answered: a repetition of their keys asks nothing new (keys are unique in a task's life)."""
        done = {ask.key for ask in asks if ask.state != "unanswered"}
        left = tuple(ask for ask in task.asks if ask.key not in done)
        self.keep(msgspec.structs.replace(task, asks=left, settled=task.settled | done))

    def gone(self, owner: End, task_id: str, at: float) -> None:
        """The owner knows the task no more."""
        task = self.running.get((owner, task_id))
        if task is not None:
            self.keep(msgspec.structs.replace(task, status="expired", since=at, asks=()))

    def keep(self, task: Task) -> Task:
        name = (task.owner, task.id)
        if task.over:
            self.running.pop(name, None)
            self.ended.put(name, task)
            self._let_go(task)
        elif (pushed := self.running.put(name, task)) is not None:
            self._let_go(pushed[1])
        return task


def _timed(task: Task, fields: TaskFields) -> Task:
    ttl = fields.ttl if fields.ttl is not None else fields.ttl_ms
    poll = fields.poll if fields.poll is not None else fields.poll_ms
    if ttl is None and poll is None:
        return task
    return msgspec.structs.replace(
        task,
        ttl=task.ttl if ttl is None else ttl / 1000,
        interval=task.interval if poll is None else poll / 1000,
    )
