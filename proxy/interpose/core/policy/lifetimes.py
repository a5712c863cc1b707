"""Tasks that live no longer than a rule lets them, by the session's clock: the server's own may run on for days.

A task whose time was lowered is over when that time is: who asks for it hears that it has expired (tasks: -32602), and
one that still runs is to be cancelled at the server. Times are seconds since the session began.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from interpose.core.policy.denying import denied
from interpose.core.policy.outcome import encode
from interpose.core.policy.verdict import Decision, Hit, Own, Verdict
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.session.tasks import TERMINAL
from interpose.core.wire.message import Kind, parse, parse_exact

INVALID_PARAMS = -32602


class Lifetime(msgspec.Struct):
    """How long one task lives: until `until`, as `rule` said. `channel` is where it was first seen.

    `ending` while the cancellation of an expired task is on its way, which is the only request that still may go.
    """

    until: float
    rule: str
    channel: str
    runs: bool = True
    expired: bool = False
    ending: bool = False


class Lifetimes:
    """The tasks of one session that a rule gave a shorter life. Only those that the server runs."""

    def __init__(self) -> None:
        self._tasks: Ring[str, Lifetime] = Ring()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    @property
    def next(self) -> float | None:
        """When the next task is over."""
        return min((each.until for each in self._tasks.values() if not each.expired), default=None)

    def lowered(self, sighting: Sighting, delivered: bytes, rule: str) -> None:
        """A rule lowered the time of what this message of the server shows."""
        for task in _shown(parse(delivered)):
            ident, ttl = task.get("taskId"), task.get("ttl", task.get("ttlMs"))
            if isinstance(ident, str) and isinstance(ttl, int | float) and ident not in self._tasks:
                self._tasks.put(ident, Lifetime(sighting.at + ttl / 1000, rule, sighting.channel))

    def see(self, sighting: Sighting) -> None:
        """Take in what a message of the server says of a task."""
        known = self._tasks.get(sighting.task) if sighting.task is not None else None
        if known is not None and known.runs and sighting.end == "server":
            shown = (task.get("status") for task in _shown(sighting.message.body()))
            known.runs = not any(status in TERMINAL for status in shown)

    def expire(self, at: float) -> Iterator[tuple[str, Own]]:
        """The tasks that are over by now and still run: where each was seen first, and what ends it there."""
        for ident, each in self._tasks.items():
            if each.until <= at and not each.expired:
                each.expired = True
                if each.runs:
                    each.ending = True
                    yield each.channel, Own({"method": "tasks/cancel", "params": {"taskId": ident}})

    def keep(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """The verdict, but nothing passes that treats a task as alive that is over."""
        self.see(sighting)
        if verdict.decision in ("answer", "drop", "cut"):
            return verdict
        if sighting.method == "tasks/list" and sighting.kind is Kind.RESULT:
            return self._without(sighting, verdict)
        known = self._tasks.get(sighting.task) if sighting.task is not None else None
        if known is None or sighting.at < known.until or not _concerns(sighting):
            return verdict
        if known.ending:
            known.ending = False
            return verdict
        hits = (*verdict.hits, Hit(known.rule, "cap", "the task has expired"))
        over = denied(sighting, INVALID_PARAMS, f"Task {sighting.task} has expired.", known.rule, hits)
        return msgspec.structs.replace(over, recorded=verdict.recorded)

    def _without(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """A list of tasks, those left out that are over."""
        body = parse_exact(verdict.delivered or sighting.message.raw)
        tasks = body["result"].get("tasks") if isinstance(body.get("result"), dict) else None
        over = {ident: each for ident, each in self._tasks.items() if each.until <= sighting.at}
        if not isinstance(tasks, list) or not (found := [task for task in tasks if _ident(task) in over]):
            return verdict
        body["result"]["tasks"] = [task for task in tasks if task not in found]
        hit = Hit(over[_ident(found[0])].rule, "cap", "expired tasks left out")
        decision: Decision = "edit" if verdict.decision == "pass" else verdict.decision
        return msgspec.structs.replace(verdict, decision=decision, hits=(*verdict.hits, hit), delivered=encode(body))


def _ident(task: Any) -> str:
    ident = task.get("taskId") if isinstance(task, dict) else None
    return ident if isinstance(ident, str) else ""


def _concerns(sighting: Sighting) -> bool:
    """Whether it is about a task as such, not the call that a task came from."""
    return (sighting.method or "").startswith(("tasks/", "notifications/tasks"))


def _shown(body: Any) -> list[dict[str, Any]]:
    """The tasks in a result or notification: nested, flat, listed."""
    section: dict[str, Any] = next(
        (body[name] for name in ("result", "params") if isinstance(body.get(name), dict)), {}
    )
    tasks = section.get("tasks")
    found = [section, section.get("task"), *(tasks if isinstance(tasks, list) else ())]
    return [task for task in found if isinstance(task, dict) and "taskId" in task]
