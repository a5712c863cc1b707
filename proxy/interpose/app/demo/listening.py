"""The listening streams of 2026-07-28: who wants to hear what, on one shared stdout.

Streams are told apart by their subscription id alone. Nothing is kept for a stream that is not open.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from interpose.app.demo.task import Task
from interpose.app.demo.wire import Json, Peer, RequestId

SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"
OFFERED = ("resourcesListChanged", "resourceSubscriptions")


@dataclass(slots=True, eq=False)
class _Stream:
    id: RequestId
    honoured: Json
    tasks: list[Task]
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def done(self) -> bool:
        """A stream that follows only tasks ends with the last of them."""
        return set(self.honoured) == {"taskIds"} and all(task.ended for task in self.tasks)


class Listening:
    """All open streams of one connection."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._streams: list[_Stream] = []

    async def stream(self, request_id: RequestId, wanted: Json, tasks: list[Task]) -> Json:
        """Acknowledges, then listens until the stream is done or its request is cancelled."""
        honoured = {key: wanted[key] for key in OFFERED if wanted.get(key)}
        if "taskIds" in wanted:
            honoured["taskIds"] = [task.id for task in tasks]
        stream = _Stream(request_id, honoured, tasks)
        self._send(stream, "notifications/subscriptions/acknowledged", {"notifications": honoured})
        self._streams.append(stream)
        try:
            if not stream.done:
                await stream.ended.wait()
        finally:
            self._streams.remove(stream)
        return {"_meta": {SUBSCRIPTION_KEY: request_id}}

    def world_changed(self, method: str, params: Json) -> None:
        for stream in self._streams:
            if "uri" in params:
                wanted = params["uri"] in stream.honoured.get("resourceSubscriptions", [])
            else:
                wanted = "resourcesListChanged" in stream.honoured
            if wanted:
                self._send(stream, method, params)

    def task_moved(self, task: Task) -> None:
        for stream in self._streams:
            if task in stream.tasks:
                self._send(stream, "notifications/tasks", task.stateless())
                if stream.done:
                    stream.ended.set()

    def _send(self, stream: _Stream, method: str, params: Json) -> None:
        self._peer.notify(method, {**params, "_meta": {SUBSCRIPTION_KEY: stream.id}})
