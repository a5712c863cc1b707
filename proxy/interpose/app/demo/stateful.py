"""The server's side of 2025-11-25: one session, opened by `initialize`, in which the server asks back.

Not the older versions: whatever a client proposes, 2025-11-25 is what it gets. What tools do is in `tool`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from interpose.app.demo import catalog, library
from interpose.app.demo.ask import Ask, has, required
from interpose.app.demo.call import LEVELS, Call
from interpose.app.demo.task import RELATED_TASK, Task, TaskBoard, follow
from interpose.app.demo.tool import TOOLS
from interpose.app.demo.wire import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    Fault,
    Json,
    Peer,
    Refused,
    Request,
)
from interpose.app.demo.world import World

VERSION = "2025-11-25"
RESOURCE_NOT_FOUND = -32002
URL_ELICITATION_REQUIRED = -32042
BROWSER_SECONDS = 0.01

CAPABILITIES: Json = {
    "tools": {"listChanged": False},
    "prompts": {"listChanged": False},
    "resources": {"subscribe": True, "listChanged": True},
    "completions": {},
    "logging": {},
    "tasks": {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}},
}


class StatefulServer:
    """One client's session."""

    def __init__(self, peer: Peer, world: World) -> None:
        self.peer = peer
        self.world = world
        self.client: Json | None = None
        self.level = "warning"
        self._subscribed: set[str] = set()
        self._tasks = TaskBoard(self._task_moved)
        self._errands: set[asyncio.Task[None]] = set()
        self._methods: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "initialize": self._initialize,
            "ping": self._nothing,
            "logging/setLevel": self._set_level,
            "tools/call": self._call_tool,
            "prompts/get": self._get_prompt,
            "resources/read": self._read,
            "resources/subscribe": self._subscribe,
            "resources/unsubscribe": self._unsubscribe,
            "tasks/result": self._task_result,
        }
        world.listen(self._world_changed)

    async def answer(self, request: Request) -> Json:
        method, params = request.method, request.params
        if self.client is None and method not in ("initialize", "ping"):
            raise Fault(INVALID_PARAMS, "neither `initialize` came first nor is there a version in `_meta`")
        if method in catalog.LISTS:
            return catalog.listed(method, params, self.world)
        if method == "completion/complete":
            return catalog.completed(params)
        if handler := self._methods.get(method):
            return await handler(params)
        return await self._tasks.answer_stateful(method, params)

    def hear(self, method: str, params: Json) -> None:
        if method == "notifications/initialized":
            self.run_errand(self._greet())

    def run_errand(self, errand: Awaitable[None]) -> None:
        """Runs what no request waits for."""
        task = asyncio.ensure_future(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _greet(self) -> None:
        try:
            await self.peer.ask("ping")
        except (Refused, ConnectionError):
            pass

    async def _initialize(self, params: Json) -> Json:
        self.client = params["capabilities"]
        return {
            "protocolVersion": VERSION,
            "capabilities": CAPABILITIES,
            "serverInfo": catalog.INFO,
            "instructions": catalog.INSTRUCTIONS,
        }

    async def _nothing(self, params: Json) -> Json:
        return {}

    async def _set_level(self, params: Json) -> Json:
        if params["level"] not in LEVELS:
            raise Fault(INVALID_PARAMS, f"Invalid log level: {params['level']}")
        self.level = params["level"]
        return {}

    async def _call_tool(self, params: Json) -> Json:
        name, call = params["name"], StatefulCall(self, params)
        support = catalog.task_support(name)
        if "task" not in params:
            return await TOOLS[name](call)
        if support == "forbidden":
            raise Fault(METHOD_NOT_FOUND, f"{name} cannot run as a task")
        task = self._tasks.start(
            lambda task: TOOLS[name](StatefulTaskCall(self, params, task)), params["task"].get("ttl")
        )
        return {"task": task.stateful()}

    async def _get_prompt(self, params: Json) -> Json:
        return await library.get_prompt(StatefulCall(self, params), params["name"])

    async def _read(self, params: Json) -> Json:
        return await library.read_resource(StatefulCall(self, params), params["uri"], RESOURCE_NOT_FOUND)

    async def _subscribe(self, params: Json) -> Json:
        self._subscribed.add(params["uri"])
        return {}

    async def _unsubscribe(self, params: Json) -> Json:
        self._subscribed.discard(params["uri"])
        return {}

    async def _task_result(self, params: Json) -> Json:
        """Blocks until the task has ended; meanwhile this is where its questions are put."""
        task = self._tasks.get(params)
        while not task.ended:
            if task.asks:
                await asyncio.gather(*(self._relay(task, key, ask) for key, ask in task.asks.items()))
            else:
                await task.moved()
        return task.outcome()

    async def _relay(self, task: Task, key: str, ask: Ask) -> None:
        related = {RELATED_TASK: {"taskId": task.id}}
        try:
            task.answer(key, await self.peer.ask(ask.method, {**ask.params, "_meta": related}))
        except Refused as refusal:
            task.answer(key, refusal)

    def _task_moved(self, task: Task) -> None:
        self.peer.notify("notifications/tasks/status", task.stateful())

    def _world_changed(self, method: str, params: Json) -> None:
        if self.client is not None and ("uri" not in params or params["uri"] in self._subscribed):
            self.peer.notify(method, params or None)


class StatefulCall(Call):
    """A request of a 2025-11-25 session: questions are requests of the server's own."""

    def __init__(self, server: StatefulServer, params: Json) -> None:
        super().__init__(params.get("arguments") or {}, server.world, server.client or {})
        self._server = server
        self._peer = server.peer
        self._token = params.get("_meta", {}).get("progressToken")
        self._meta: Json = {}

    async def ask(self, **asks: Ask) -> dict[str, Json]:
        for ask in asks.values():
            self._permit(ask)
        answers = await asyncio.gather(*(self._put(ask) for ask in asks.values()))
        return dict(zip(asks, answers, strict=True))

    async def consent(self, ask: Ask) -> None:
        """Refuses the request until the page is done (2025-11-25 §client/elicitation, code -32042)."""
        self._permit(ask)
        elicitation = secrets.token_hex(4)
        self._server.run_errand(self._visit(elicitation))
        data = {"elicitations": [{**ask.params, "elicitationId": elicitation}]}
        raise Fault(URL_ELICITATION_REQUIRED, ask.params["message"], data)

    def progress(self, done: float, total: float, message: str) -> None:
        if self._token is not None:
            facts = {"progressToken": self._token, "progress": done, "total": total, "message": message}
            self._peer.notify("notifications/progress", facts | self._meta)

    def log(self, level: str, data: Json) -> None:
        if LEVELS.index(level) >= LEVELS.index(self._server.level):
            self._peer.notify("notifications/message", {"level": level, "logger": "demo", "data": data} | self._meta)

    def _permit(self, ask: Ask) -> None:
        if missing := required(ask, self.capabilities):
            raise Fault(INVALID_REQUEST, "this client does not offer what the server must ask", {"missing": missing})

    async def _put(self, ask: Ask) -> Json:
        try:
            return await self._send(ask)
        except Refused:
            if ask.optional:
                return {}
            raise

    async def _send(self, ask: Ask) -> Json:
        if ask.params.get("mode") == "url":
            return await self._send_page(ask)
        if ask.background and has(self.capabilities, "tasks", "requests", *ask.method.split("/")):
            created = await self._peer.ask(ask.method, {**ask.params, "task": {"ttl": 60_000}})
            return await follow(self._peer, created)
        return await self._peer.ask(ask.method, ask.params)

    async def _send_page(self, ask: Ask) -> Json:
        elicitation = secrets.token_hex(4)
        answer = await self._peer.ask(ask.method, {**ask.params, "elicitationId": elicitation})
        if answer["action"] == "accept":
            await asyncio.sleep(BROWSER_SECONDS)
            self._peer.notify("notifications/elicitation/complete", {"elicitationId": elicitation})
        return answer

    async def _visit(self, elicitation: str) -> None:
        """Plays the user in the browser, who is out of the protocol's sight."""
        await asyncio.sleep(BROWSER_SECONDS)
        self.world.consented = True
        self._peer.notify("notifications/elicitation/complete", {"elicitationId": elicitation})


class StatefulTaskCall(StatefulCall):
    """The same inside a task: questions wait for `tasks/result`, notifications name the task."""

    def __init__(self, server: StatefulServer, params: Json, task: Task) -> None:
        super().__init__(server, params)
        self._task = task
        self._meta = {"_meta": {RELATED_TASK: {"taskId": task.id}}}

    async def ask(self, **asks: Ask) -> dict[str, Json]:
        for ask in asks.values():
            self._permit(ask)
        return await self._task.ask(asks)
