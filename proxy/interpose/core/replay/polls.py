"""Polls read a state machine, not a tape: any number of them is fine, and each shows the newest state that is due."""

from typing import Any

from interpose.core.replay.script import NONE, Mark, Script
from interpose.core.session.reading import Params, read
from interpose.core.session.tasks import TERMINAL
from interpose.core.wire.message import Message

TASK_POLL = "tasks/get"
LEAST = 0.2  # seconds between two polls where the task does not say


class States:
    """Which recorded poll answers the next live one, by the polls' keys. `done` says which rows have come."""

    def __init__(self, script: Script, done: bytearray) -> None:
        self._script = script
        self._done = done
        self._shown: dict[int, int] = {}

    def show(self, key: int) -> int:
        """The row of the poll to answer with: the next one when all it depends on has come, else the last one shown.

        NONE when such a poll was never recorded. The first is shown in any case: its answer waits for what it needs.
        """
        script = self._script
        shown = self._shown.get(key, NONE)
        following = script.first.get(key, NONE) if shown == NONE else script.twins[shown]
        if following == NONE or (shown != NONE and not self._is_due(following)):
            return shown
        self._shown[key] = following
        return following

    def _is_due(self, poll: int) -> bool:
        reply = self._script.replies[poll]
        cause = NONE if reply == NONE else self._script.causes[reply]
        return cause == NONE or bool(self._done[cause])


def status_of(message: Message) -> str | None:
    """The status that the answer to a poll shows."""
    return _text(message.section("result"), "status")


def interval_of(message: Message) -> float:
    """How many seconds the task wants between two polls."""
    result = message.section("result")
    fields = result if isinstance(result, dict) else {}
    for name in ("pollInterval", "pollIntervalMs"):
        if isinstance(value := fields.get(name), int | float) and not isinstance(value, bool) and value >= 0:
            return value / 1000
    return LEAST


def states_from(script: Script, poll: int) -> list[str | None]:
    """The states that this poll of a task, and the later ones of its end, were answered with."""
    number, own, task = script.method_numbers[poll], script.own(poll), _task(script.message(poll))
    return [
        status_of(script.message(script.replies[row]))
        for row in range(poll, len(script))
        if script.method_numbers[row] == number
        and script.marks[row] & Mark.POLL
        and script.own(row) == own
        and script.replies[row] != NONE
        and _task(script.message(row)) == task
    ]


def is_behind(script: Script, poll: int, live: Message) -> bool:
    """Whether the live answer to a poll shows a task that is not as far as it was recorded to be."""
    reply = script.replies[poll]
    if script.method(poll) != TASK_POLL or reply == NONE or script.marks[reply] & Mark.ERROR:
        return False
    status = status_of(live)
    return status is not None and status not in TERMINAL and status not in states_from(script, poll)


def is_ahead(script: Script, poll: int, live: Message) -> bool:
    """Whether it shows one that is further: it is compared at a later poll."""
    if script.method(poll) != TASK_POLL or (status := status_of(live)) is None:
        return False
    states = states_from(script, poll)
    return status != states[0] and status in states[1:]


def _task(message: Message) -> str | None:
    return read(message.params, Params).task_id


def _text(value: Any, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
