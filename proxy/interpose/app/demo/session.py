"""The client's end of a conversation, with verbs that mean the same in both eras.

Only transport and etiquette; what is asked for is in `story`, how questions are answered in `user`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from interpose.app.demo.user import User
from interpose.app.demo.wire import INVALID_REQUEST, Fault, Json, Peer, Request

INFO: Json = {"name": "demo-client", "title": "Scripted client (demo)", "version": "1.0.0"}


class Session(ABC):
    """One conversation with a server; keeps the notifications that nobody waited for yet."""

    version: str

    def __init__(self, peer: Peer, user: User) -> None:
        self.peer = peer
        self.user = user
        self._heard: list[tuple[str, Json]] = []
        self._news = asyncio.Event()

    async def answer(self, request: Request) -> Json:
        raise Fault(INVALID_REQUEST, "this client takes no requests")

    def hear(self, method: str, params: Json) -> None:
        self._heard.append((method, params))
        self._news.set()

    async def until(self, method: str, **facts: object) -> Json:
        """Waits for a notification, heard or still to come, and takes it."""
        while True:
            for index, (heard, params) in enumerate(self._heard):
                if heard == method and all(params.get(key) == value for key, value in facts.items()):
                    del self._heard[index]
                    return params
            self._news.clear()
            await self._news.wait()

    async def pages(self, method: str, key: str) -> list[Json]:
        """Every page of a list."""
        page = await self.request(method, {})
        items: list[Json] = page[key]
        while "nextCursor" in page:
            page = await self.request(method, {"cursor": page["nextCursor"]})
            items += page[key]
        return items

    async def call(self, tool: str, token: str | None = None, **arguments: object) -> Json:
        """Calls a tool; with a progress token it may report progress."""
        params: Json = {"name": tool, "arguments": arguments}
        if token is not None:
            params["_meta"] = {"progressToken": token}
        return await self.request("tools/call", params)

    @abstractmethod
    async def open(self) -> Json:
        """Finds out about the server: `{serverInfo, capabilities}`."""

    @abstractmethod
    async def request(self, method: str, params: Json) -> Json:
        """One request to its final result."""

    @abstractmethod
    async def read(self, uri: str) -> Json:
        """The contents at an address, with the user's consent where it needs that."""

    @abstractmethod
    async def set_level(self, level: str) -> None: ...

    @abstractmethod
    async def watch(self, uri: str) -> None: ...

    @abstractmethod
    async def unwatch(self, uri: str) -> None: ...

    @abstractmethod
    async def start_task(self, tool: str) -> str:
        """Calls a tool as a task and gives the task's id."""

    @abstractmethod
    async def finish_task(self, task_id: str) -> Json:
        """Follows a task through its questions to the tool's result."""

    async def cancel_task(self, task_id: str) -> Json:
        """Cancels a task and gives its last state."""
        await self.request("tasks/cancel", {"taskId": task_id})
        return await self.request("tasks/get", {"taskId": task_id})
