"""The client's end in 2026-07-28: every request says who asks, and is sent again to answer a question.

No session on the wire; what this one keeps is the client's own affair.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import ClassVar

from interpose.app.demo.listening import SUBSCRIPTION_KEY
from interpose.app.demo.session import INFO, Session
from interpose.app.demo.stateless import PREFIX, VERSION, VERSION_KEY
from interpose.app.demo.task import EXTENSION, TERMINAL
from interpose.app.demo.user import User
from interpose.app.demo.wire import INVALID_REQUEST, Fault, Json, Peer

ROUNDS = 10


class StatelessSession(Session):
    """A series of enveloped requests."""

    version = VERSION
    CAPABILITIES: ClassVar[Json] = {
        "roots": {},
        "sampling": {"tools": {}},
        "elicitation": {"form": {}, "url": {}},
        "extensions": {EXTENSION: {}},
    }

    def __init__(self, peer: Peer, user: User) -> None:
        super().__init__(peer, user)
        self._level: str | None = None
        self._streams: dict[str, asyncio.Task[Json]] = {}
        self._stream_ids = (f"listen-{number}" for number in itertools.count(1))

    async def open(self) -> Json:
        offer = await self.request("server/discover", {})
        return {**offer, "serverInfo": offer["_meta"][PREFIX + "serverInfo"]}

    async def request(self, method: str, params: Json) -> Json:
        return await self.request_as(self.CAPABILITIES, method, params)

    async def request_as(self, capabilities: Json, method: str, params: Json) -> Json:
        """The same, declaring these capabilities."""
        meta = self._meta(capabilities) | params.get("_meta", {})
        answers: Json = {}
        for _ in range(ROUNDS):
            result = await self.peer.ask(method, {**params, **answers, "_meta": meta})
            if result["resultType"] != "input_required":
                return result
            answers = {key: result[key] for key in ("requestState",) if key in result}
            if asks := result.get("inputRequests"):
                answers["inputResponses"] = await self._answer_all(asks)
        raise Fault(INVALID_REQUEST, f"the server still asks after {ROUNDS} rounds")

    def _meta(self, capabilities: Json) -> Json:
        meta = {
            VERSION_KEY: self.version,
            PREFIX + "clientInfo": INFO,
            PREFIX + "clientCapabilities": capabilities,
        }
        return meta if self._level is None else {**meta, PREFIX + "logLevel": self._level}

    async def _answer_all(self, asks: Json) -> Json:
        return {key: await self.user.answer(ask["method"], ask.get("params", {})) for key, ask in asks.items()}

    async def read(self, uri: str) -> Json:
        return await self.request("resources/read", {"uri": uri})

    async def set_level(self, level: str) -> None:
        self._level = level

    async def watch(self, uri: str) -> None:
        await self._listen(uri, {"resourceSubscriptions": [uri], "resourcesListChanged": True})

    async def unwatch(self, uri: str) -> None:
        stream = self._streams.pop(uri)
        stream.cancel("heard enough")
        await asyncio.wait([stream])

    async def _listen(self, name: str, wanted: Json) -> asyncio.Task[Json]:
        params = {"notifications": wanted, "_meta": self._meta(self.CAPABILITIES)}
        stream_id = next(self._stream_ids)
        stream = asyncio.create_task(self.peer.ask("subscriptions/listen", params, stream_id))
        self._streams[name] = stream
        await self.until("notifications/subscriptions/acknowledged", _meta={SUBSCRIPTION_KEY: stream_id})
        return stream

    async def start_task(self, tool: str) -> str:
        result = await self.call(tool)
        task_id: str = result["taskId"]
        return task_id

    async def finish_task(self, task_id: str) -> Json:
        stream = await self._listen(task_id, {"taskIds": [task_id]})
        task = await self.request("tasks/get", {"taskId": task_id})
        while task["status"] == "working":
            await asyncio.sleep(task["pollIntervalMs"] / 1000)
            task = await self.request("tasks/get", {"taskId": task_id})
        if task["status"] == "input_required":
            answers = await self._answer_all(task["inputRequests"])
            await self.request("tasks/update", {"taskId": task_id, "inputResponses": answers})
        while task["status"] not in TERMINAL:
            task = await self.until("notifications/tasks", taskId=task_id)
        await stream
        del self._streams[task_id]
        result: Json = task["result"]
        return result
