"""The server's side of 2026-07-28: every request stands alone, and what it needs is asked for in its result.

Not a session: only listening streams and tasks live longer than a request. What tools do is in `tool`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from interpose.app.demo import catalog, library
from interpose.app.demo.ask import Ask, has, required
from interpose.app.demo.call import LEVELS, Call
from interpose.app.demo.listening import Listening
from interpose.app.demo.round import InputRequired, Round
from interpose.app.demo.task import EXTENSION, Task, TaskBoard
from interpose.app.demo.tool import TOOLS
from interpose.app.demo.wire import INVALID_PARAMS, Fault, Json, Peer, Request
from interpose.app.demo.world import World

VERSION = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
VERSION_KEY = PREFIX + "protocolVersion"
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022

CAPABILITIES: Json = {
    "tools": {"listChanged": False},
    "prompts": {"listChanged": False},
    "resources": {"subscribe": True, "listChanged": True},
    "completions": {},
    "logging": {},
    "extensions": {EXTENSION: {}},
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What each request says about its sender."""

    capabilities: Json
    level: str | None
    token: str | int | None


_Method: TypeAlias = Callable[[Request, Envelope], Awaitable[Json]]


class StatelessServer:
    """Answers enveloped requests, one by one."""

    def __init__(self, peer: Peer, world: World) -> None:
        self.peer = peer
        self.world = world
        self._tasks = TaskBoard(self._task_moved)
        self._listening = Listening(peer)
        lists: dict[str, _Method] = dict.fromkeys(catalog.LISTS, self._list)
        self._methods: dict[str, _Method] = {
            **lists,
            "server/discover": self._discover,
            "completion/complete": self._complete,
            "tools/call": self._call_tool,
            "prompts/get": self._get_prompt,
            "resources/read": self._read,
            "subscriptions/listen": self._listen,
            "tasks/get": self._get_task,
            "tasks/update": self._update_task,
            "tasks/cancel": self._cancel_task,
        }
        world.listen(self._listening.world_changed)

    async def answer(self, request: Request) -> Json:
        envelope = _open_envelope(request.params.get("_meta") or {})
        handler = self._methods.get(request.method)
        if handler is None:
            raise catalog.unknown_method(request.method)
        result = await handler(request, envelope)
        meta = result.get("_meta", {}) | {PREFIX + "serverInfo": catalog.INFO}
        return {"resultType": "complete", **result, "_meta": meta}

    async def _discover(self, request: Request, envelope: Envelope) -> Json:
        facts = {
            "supportedVersions": [VERSION],
            "capabilities": CAPABILITIES,
            "instructions": catalog.INSTRUCTIONS,
        }
        return _cacheable(facts, 3_600_000, "public")

    async def _list(self, request: Request, envelope: Envelope) -> Json:
        listed = catalog.listed(request.method, request.params, self.world)
        if "tools" in listed:
            listed["tools"] = [_without(tool, "execution") for tool in listed["tools"]]
        return _cacheable(listed, 0 if "resources" in listed else 60_000, "public")

    async def _complete(self, request: Request, envelope: Envelope) -> Json:
        return catalog.completed(request.params)

    async def _call_tool(self, request: Request, envelope: Envelope) -> Json:
        name = request.params["name"]
        if catalog.task_support(name) == "optional" and has(envelope.capabilities, "extensions", EXTENSION):
            arguments = request.params.get("arguments") or {}
            return self._start_task(name, arguments, envelope)
        return await self._in_rounds(request, envelope, TOOLS[name])

    def _start_task(self, name: str, arguments: Json, envelope: Envelope) -> Json:
        task = self._tasks.start(lambda task: TOOLS[name](StatelessTaskCall(arguments, self.world, envelope, task)))
        return {"resultType": "task", **task.handle()}

    async def _get_prompt(self, request: Request, envelope: Envelope) -> Json:
        return await self._in_rounds(request, envelope, lambda call: library.get_prompt(call, request.params["name"]))

    async def _read(self, request: Request, envelope: Envelope) -> Json:
        uri = request.params["uri"]
        result = await self._in_rounds(request, envelope, lambda call: library.read_resource(call, uri, INVALID_PARAMS))
        return result if "resultType" in result else _cacheable(result, 0, "private")

    async def _in_rounds(self, request: Request, envelope: Envelope, work: Callable[[Call], Awaitable[Json]]) -> Json:
        this_round = Round(request)
        try:
            return await work(StatelessCall(self, request, envelope, this_round))
        except InputRequired as needed:
            return this_round.result(needed)

    async def _listen(self, request: Request, envelope: Envelope) -> Json:
        wanted = request.params["notifications"]
        if "taskIds" in wanted:
            _demand_tasks(envelope)
        tasks = [self._tasks.get({"taskId": task}) for task in wanted.get("taskIds", []) if task in self._tasks]
        return await self._listening.stream(request.id, wanted, tasks)

    async def _get_task(self, request: Request, envelope: Envelope) -> Json:
        _demand_tasks(envelope)
        return self._tasks.get(request.params).stateless()

    async def _update_task(self, request: Request, envelope: Envelope) -> Json:
        _demand_tasks(envelope)
        task = self._tasks.get(request.params)
        for key, answer in request.params["inputResponses"].items():
            task.answer(key, answer)
        return {}

    async def _cancel_task(self, request: Request, envelope: Envelope) -> Json:
        _demand_tasks(envelope)
        self._tasks.get(request.params).cancel()
        return {}

    def _task_moved(self, task: Task) -> None:
        self._listening.task_moved(task)


class StatelessCall(Call):
    """A request of 2026-07-28: what is not yet answered ends this round."""

    def __init__(self, server: StatelessServer, request: Request, envelope: Envelope, this_round: Round) -> None:
        super().__init__(request.params.get("arguments") or {}, server.world, envelope.capabilities)
        self._peer = server.peer
        self._envelope = envelope
        self._round = this_round

    async def ask(self, **asks: Ask) -> dict[str, Json]:
        needed = {key: ask for key, ask in asks.items() if key not in self._round.answers}
        if needed:
            _permit(needed, self.capabilities)
            raise InputRequired(needed)
        return {key: self._round.answers[key] for key in asks}

    async def pause(self) -> None:
        if not self._round.paused:
            raise InputRequired({})

    def progress(self, done: float, total: float, message: str) -> None:
        if (token := self._envelope.token) is not None:
            facts = {"progressToken": token, "progress": done, "total": total, "message": message}
            self._peer.notify("notifications/progress", facts)

    def log(self, level: str, data: Json) -> None:
        wanted = self._envelope.level
        if wanted is not None and LEVELS.index(level) >= LEVELS.index(wanted):
            self._peer.notify("notifications/message", {"level": level, "logger": "demo", "data": data})


class StatelessTaskCall(Call):
    """The same inside a task of the extension, which knows neither progress nor log messages."""

    def __init__(self, arguments: Json, world: World, envelope: Envelope, task: Task) -> None:
        super().__init__(arguments, world, envelope.capabilities)
        self._task = task

    async def ask(self, **asks: Ask) -> dict[str, Json]:
        _permit(asks, self.capabilities)
        return await self._task.ask(asks)


def _open_envelope(meta: Json) -> Envelope:
    version = meta[VERSION_KEY]
    if version != VERSION:
        data = {"supported": [VERSION], "requested": version}
        raise Fault(UNSUPPORTED_VERSION, "Unsupported protocol version", data)
    level = meta.get(PREFIX + "logLevel")
    if level is not None and level not in LEVELS:
        raise Fault(INVALID_PARAMS, f"Invalid log level: {level}")
    return Envelope(meta[PREFIX + "clientCapabilities"], level, meta.get("progressToken"))


def _permit(asks: dict[str, Ask], capabilities: Json) -> None:
    for ask in asks.values():
        if missing := required(ask, capabilities):
            raise _missing_capability(missing)


def _demand_tasks(envelope: Envelope) -> None:
    if not has(envelope.capabilities, "extensions", EXTENSION):
        raise _missing_capability({"extensions": {EXTENSION: {}}})


def _missing_capability(capabilities: Json) -> Fault:
    data = {"requiredCapabilities": capabilities}
    return Fault(MISSING_CAPABILITY, "Missing required client capability", data)


def _cacheable(result: Json, ttl_ms: int, scope: str) -> Json:
    return {**result, "ttlMs": ttl_ms, "cacheScope": scope}


def _without(item: Json, key: str) -> Json:
    return {name: value for name, value in item.items() if name != key}
