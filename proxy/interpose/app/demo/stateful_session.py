"""The client's end in 2025-11-25: a handshake, then requests both ways; the model may answer by a task.

Not for older versions, nor for a server that refuses this one.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from interpose.app.demo.session import INFO, Session
from interpose.app.demo.stateful import URL_ELICITATION_REQUIRED, VERSION
from interpose.app.demo.task import RELATED_TASK, Task, TaskBoard
from interpose.app.demo.user import User
from interpose.app.demo.wire import Json, Peer, Refused, Request


class StatefulSession(Session):
    """A session with its handshake."""

    version = VERSION
    CAPABILITIES: ClassVar[Json] = {
        "roots": {"listChanged": True},
        "sampling": {"tools": {}},
        "elicitation": {"form": {}, "url": {}},
        "tasks": {"list": {}, "cancel": {}, "requests": {"sampling": {"createMessage": {}}}},
    }

    def __init__(self, peer: Peer, user: User) -> None:
        super().__init__(peer, user)
        self._tasks = TaskBoard(self._task_moved)

    async def answer(self, request: Request) -> Json:
        method, params = request.method, request.params
        if method == "ping":
            return {}
        if method.startswith("tasks/"):
            return await self._tasks.answer_stateful(method, params)
        if method == "sampling/createMessage" and "task" in params:
            task = self._tasks.start(lambda _: self.user.answer(method, params), params["task"].get("ttl"))
            return {"task": task.stateful()}
        answer = await self.user.answer(method, params)
        related = params.get("_meta", {}).get(RELATED_TASK)
        return answer if related is None else {**answer, "_meta": {RELATED_TASK: related}}

    def _task_moved(self, task: Task) -> None:
        self.peer.notify("notifications/tasks/status", task.stateful())

    async def open(self) -> Json:
        params = {"protocolVersion": self.version, "capabilities": self.CAPABILITIES, "clientInfo": INFO}
        offer = await self.request("initialize", params)
        self.peer.notify("notifications/initialized")
        return offer

    async def request(self, method: str, params: Json) -> Json:
        return await self.peer.ask(method, params or None)

    async def read(self, uri: str) -> Json:
        try:
            return await self.request("resources/read", {"uri": uri})
        except Refused as refusal:
            if refusal.code != URL_ELICITATION_REQUIRED or refusal.data is None:
                raise
            for page in refusal.data["elicitations"]:
                self.user.visit(page)
                await self.until("notifications/elicitation/complete", elicitationId=page["elicitationId"])
        return await self.request("resources/read", {"uri": uri})

    async def set_level(self, level: str) -> None:
        await self.request("logging/setLevel", {"level": level})

    async def watch(self, uri: str) -> None:
        await self.request("resources/subscribe", {"uri": uri})

    async def unwatch(self, uri: str) -> None:
        await self.request("resources/unsubscribe", {"uri": uri})

    async def start_task(self, tool: str) -> str:
        meta = {"progressToken": f"{tool}-progress"}
        params = {"name": tool, "arguments": {}, "task": {"ttl": 60_000}, "_meta": meta}
        task_id: str = (await self.request("tools/call", params))["task"]["taskId"]
        return task_id

    async def finish_task(self, task_id: str) -> Json:
        task = await self.request("tasks/get", {"taskId": task_id})
        while task["status"] == "working":
            await asyncio.sleep(task["pollInterval"] / 1000)
            task = await self.request("tasks/get", {"taskId": task_id})
        return await self.request("tasks/result", {"taskId": task_id})
