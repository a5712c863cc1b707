"""Background work: a task, the board it hangs on, and how each era describes it.

The same task serves the experimental tasks of 2025-11-25 (either side may hold the board) and the tasks
extension of 2026-07-28. Not a queue, and nothing is kept beyond the process.
"""

from __future__ import annotations

import asyncio
import secrets
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from interpose.app.demo.ask import Ask
from interpose.app.demo.wire import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, Fault, Json, Peer

EXTENSION = "io.modelcontextprotocol/tasks"
RELATED_TASK = "io.modelcontextprotocol/related-task"
TERMINAL = frozenset({"completed", "failed", "cancelled"})
POLL_MS = 25
TTL_MS = 600_000


class Task:
    """One piece of work that outlives its request; a terminal status never changes again."""

    def __init__(self, ttl_ms: int, on_move: Callable[[Task], None]) -> None:
        self.id = secrets.token_hex(8)
        self.status = "working"
        self.note = "started"
        self.ttl_ms = ttl_ms
        self.created = self.updated = _now()
        self.asks: dict[str, Ask] = {}
        self.result: Json | None = None
        self.fault: Fault | None = None
        self._answers: dict[str, asyncio.Future[Json]] = {}
        self._moved = asyncio.Event()
        self._on_move = on_move
        self._work: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL

    def start(self, job: Awaitable[Json]) -> None:
        self._work = asyncio.create_task(self._run(job))

    async def moved(self) -> None:
        """Waits for the next change of status."""
        await self._moved.wait()

    async def ask(self, asks: dict[str, Ask]) -> dict[str, Json]:
        """Puts questions to the requestor and waits for every answer. Raises `Fault` for a refusal."""
        futures = {key: asyncio.get_running_loop().create_future() for key in asks}
        self._answers |= futures
        self.asks |= asks
        self._move("input_required", f"waiting for {' and '.join(asks)}")
        try:
            answers = await asyncio.gather(*futures.values())
        finally:
            for key in asks:
                self.asks.pop(key, None)
            self._move("working", "going on")
        return dict(zip(asks, answers, strict=True))

    def answer(self, key: str, answer: Json | Fault) -> None:
        """Takes one answer; an unknown or already answered key is ignored."""
        ask = self.asks.pop(key, None)
        if ask is None:
            return
        if not isinstance(answer, Fault):
            self._answers[key].set_result(answer)
        elif ask.optional:
            self._answers[key].set_result({})
        else:
            self._answers[key].set_exception(answer)

    def cancel(self) -> None:
        self._move("cancelled", "cancelled by request")
        if self._work:
            self._work.cancel()

    def outcome(self) -> Json:
        """What the wrapped request would have returned, or raises what it would have raised."""
        if self.result is not None:
            meta = self.result.get("_meta", {}) | {RELATED_TASK: {"taskId": self.id}}
            return {**self.result, "_meta": meta}
        raise self.fault or Fault(INTERNAL_ERROR, "the task was cancelled")

    def stateful(self) -> Json:
        """The `Task` of 2025-11-25, in which a tool's own error means `failed`."""
        tool_failed = self.result is not None and self.result.get("isError", False)
        status = "failed" if tool_failed else self.status
        return {**self._facts(status), "ttl": self.ttl_ms, "pollInterval": POLL_MS}

    def handle(self) -> Json:
        """The flat `Task` of the extension, without what its status brings along."""
        return {**self._facts(self.status), "ttlMs": self.ttl_ms, "pollIntervalMs": POLL_MS}

    def stateless(self) -> Json:
        """The `DetailedTask` of the extension, in which a tool's own error still means `completed`."""
        if self.status == "input_required":
            asks = {key: {"method": ask.method, "params": ask.params} for key, ask in self.asks.items()}
            return {**self.handle(), "inputRequests": asks}
        if self.status == "completed":
            return {**self.handle(), "result": self.result}
        if self.status == "failed" and self.fault:
            return {**self.handle(), "error": self.fault.to_json()}
        return self.handle()

    def _facts(self, status: str) -> Json:
        return {
            "taskId": self.id,
            "status": status,
            "statusMessage": self.note,
            "createdAt": self.created,
            "lastUpdatedAt": self.updated,
        }

    async def _run(self, job: Awaitable[Json]) -> None:
        try:
            self.result = await job
        except Fault as fault:
            self.fault = fault
        except Exception as bug:
            traceback.print_exc()
            self.fault = Fault(INTERNAL_ERROR, str(bug))
        if self.fault:
            self._move("failed", self.fault.message)
        else:
            self._move("completed", "done")

    def _move(self, status: str, note: str) -> None:
        if self.ended:
            return
        self.status, self.note, self.updated = status, note, _now()
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        self._on_move(self)


class TaskBoard:
    """The tasks one receiver holds, each until its time to live is over."""

    def __init__(self, on_move: Callable[[Task], None]) -> None:
        self._tasks: dict[str, Task] = {}
        self._on_move = on_move

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._tasks

    def start(self, job: Callable[[Task], Awaitable[Json]], ttl_ms: int | None = None) -> Task:
        task = Task(min(ttl_ms or TTL_MS, TTL_MS), self._on_move)
        self._tasks[task.id] = task
        asyncio.get_running_loop().call_later(task.ttl_ms / 1000, self._tasks.pop, task.id, None)
        task.start(job(task))
        return task

    def get(self, params: Json) -> Task:
        """Raises `Fault` for a task that is unknown or expired."""
        task = self._tasks.get(params["taskId"])
        if task is None:
            raise Fault(INVALID_PARAMS, "failed to retrieve task: unknown or expired")
        return task

    async def answer_stateful(self, method: str, params: Json) -> Json:
        """The tasks methods of 2025-11-25, either direction."""
        if method == "tasks/list":
            return {"tasks": [task.stateful() for task in self._tasks.values()]}
        if method not in ("tasks/get", "tasks/result", "tasks/cancel"):
            raise Fault(METHOD_NOT_FOUND, f"method not found: {method}")
        task = self.get(params)
        if method == "tasks/result":
            while not task.ended:
                await task.moved()
            return task.outcome()
        if method == "tasks/cancel":
            if task.ended:
                raise Fault(INVALID_PARAMS, f"cannot cancel task: it is already {task.status}")
            task.cancel()
        return task.stateful()


async def follow(peer: Peer, created: Json) -> Json:
    """The result of a 2025-11-25 task that the other end runs: polls while it works, then fetches."""
    task = created["task"]
    while task["status"] == "working":
        await asyncio.sleep(task.get("pollInterval", POLL_MS) / 1000)
        task = await peer.ask("tasks/get", {"taskId": task["taskId"]})
    return await peer.ask("tasks/result", {"taskId": task["taskId"]})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
