"""The tasks that a message shows or asks for, in both dialects: their states and how long they are kept."""

from collections.abc import Callable, Collection
from typing import Any

from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault, decide
from interpose.core.policy.subject import Subject

Test = Callable[[Subject, Facts], bool]
_Task = dict[str, Any]


def shows_status(states: Collection[str], every: bool) -> Test:
    """Whether a message shows a task in one of these states; where it shows several, one of them or all."""

    def is_in_state(task: _Task) -> bool:
        status = task.get("status")
        if status is not None and not isinstance(status, str):
            raise RuleFault("the state of a task is no text")
        return status in states

    return lambda subject, _: decide(_tasks(subject), is_in_state, every)


def shows_ttl(seconds: float, every: bool) -> Test:
    """Whether a message shows or asks for a task that is kept for longer."""

    def is_longer(task: _Task) -> bool:
        return any(_is_over(task[name], seconds) for name in ("ttl", "ttlMs") if name in task)

    return lambda subject, _: decide(_tasks(subject), is_longer, every)


def _is_over(ttl: Any, seconds: float) -> bool:
    if ttl is None:
        return True  # kept for ever
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not ttl >= 0:
        raise RuleFault("the time a task is kept for is no number of milliseconds")
    return ttl > seconds * 1000


def _tasks(subject: Subject) -> list[_Task]:
    value = subject.value
    if not isinstance(value, dict):
        return []
    found = list(value["tasks"]) if isinstance(value.get("tasks"), list) and subject.method == "tasks/list" else []
    if value.get("task") is not None:
        found.append(value["task"])
    if "taskId" in value and "status" in value:
        found.append(value)
    if not all(isinstance(task, dict) for task in found):
        raise RuleFault("a task is no object")
    return found
