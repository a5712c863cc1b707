"""A conversation to follow, line by line: a session, a clock that ticks a second a line, and short spellings."""

import json
from typing import Any

from interpose.core.events import Closed, End, Event, Frame, Headers, Received, Requested, Responded, Told
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.session.waiting import Wait
from interpose.core.wire.message import read
from interpose.core.wire.sse import read_block

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
CLIENT = "io.modelcontextprotocol/clientInfo"
SERVER = "io.modelcontextprotocol/serverInfo"
RELATED = "io.modelcontextprotocol/related-task"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
TASKS = "io.modelcontextprotocol/tasks"

JSON: Headers = (("Content-Type", "application/json"),)
SSE: Headers = (("Content-Type", "text/event-stream"),)


def request(ident: Any, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}


def notification(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def result(ident: Any, **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "result": members}


def error(ident: Any, code: int, data: Any = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "error": {"code": code, "message": "no", "data": data}}


def modern(ident: Any, method: str, capabilities: Any = None, **params: Any) -> dict[str, Any]:
    """A request of 2026-07-28."""
    meta = {
        VERSION: "2026-07-28",
        CAPABILITIES: {} if capabilities is None else capabilities,
        CLIENT: {"name": "probe", "version": "1"},
    }
    return request(ident, method, _meta=meta | params.pop("_meta", {}), **params)


def asking(ident: Any, state: str | None = None, **inputs: Any) -> dict[str, Any]:
    """A result that asks instead of ending (2026-07-28)."""
    more = {} if state is None else {"requestState": state}
    return result(ident, resultType="input_required", inputRequests=inputs, **more)


FORM = {"method": "elicitation/create", "params": {"mode": "form", "message": "Which?", "requestedSchema": {}}}
SAMPLE = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 9}}
ROOTS = {"method": "roots/list"}


def frame(raw: bytes) -> Frame:
    return Frame(raw, read(raw))


class Talk:
    """Feeds a session; each line is one event, a second after the one before."""

    def __init__(self) -> None:
        self.session = Session()
        self.seq = 0

    def say(self, end: End, body: Any, channel: str = "stdio") -> Sighting:
        """One message; the sighting of it."""
        (seen,) = self.batch(end, body, channel)
        return seen

    def batch(self, end: End, body: Any, channel: str = "stdio") -> tuple[Sighting, ...]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.happen(Received(self.now + 1, end, channel, frame(raw)))

    def client(self, body: Any, channel: str = "stdio") -> Sighting:
        return self.say("client", body, channel)

    def server(self, body: Any, channel: str = "stdio") -> Sighting:
        return self.say("server", body, channel)

    def happen(self, event: Event) -> tuple[Sighting, ...]:
        self.seq += 1
        return self.session.see(self.seq, event)

    @property
    def now(self) -> float:
        return float(self.seq)

    def opens(self, channel: str, verb: str = "POST", *headers: tuple[str, str]) -> None:
        self.happen(Requested(self.now + 1, channel, verb, "/mcp", headers))

    def answers(self, channel: str, status: int = 200, headers: Headers = SSE) -> None:
        self.happen(Responded(self.now + 1, channel, status, headers))

    def closes(self, end: End, channel: str = "stdio", reason: str = "end") -> None:
        self.happen(Closed(self.now + 1, end, channel, reason))

    def exits(self, end: End = "server") -> None:
        self.happen(Told(self.now + 1, end, "exit", "0"))

    def streams(self, channel: str, block: bytes) -> None:
        self.happen(Received(self.now + 1, "server", channel, Frame(block, None, read_block(block))))

    def posts(self, channel: str, body: Any, *headers: tuple[str, str]) -> Sighting:
        self.opens(channel, "POST", *headers)
        return self.client(body, channel)

    def waits(self) -> tuple[Wait, ...]:
        return self.session.waits(self.now)

    def who(self) -> list[tuple[str, str]]:
        """Who is waited for, and by what."""
        return [(wait.who, wait.what) for wait in self.waits()]


def stateful(version: str = "2025-11-25", client: Any = None, server: Any = None, channel: str = "stdio") -> Talk:
    """A session opened by initialize; messages 1 to 3."""
    talk = Talk()
    every = {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {"listChanged": True}}
    offers = {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "prompts": {}, "logging": {}}
    tasks: Any = {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
    asked: Any = {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}}
    talk.client(
        request(
            0,
            "initialize",
            protocolVersion=version,
            capabilities=every | {"tasks": {"requests": asked}} if client is None else client,
            clientInfo={"name": "probe", "version": "1"},
        ),
        channel,
    )
    talk.server(
        result(
            0,
            protocolVersion=version,
            capabilities=offers | {"tasks": tasks} if server is None else server,
            serverInfo={"name": "bench", "version": "2"},
        ),
        channel,
    )
    talk.client(notification("notifications/initialized"), channel)
    return talk


def stateless(server: Any = None) -> Talk:
    """A session opened by server/discover; messages 1 and 2."""
    talk = Talk()
    talk.client(modern(0, "server/discover"))
    offers = {"tools": {}, "prompts": {}, "resources": {"subscribe": True}, "extensions": {TASKS: {}}}
    meta = {SERVER: {"name": "bench", "version": "2"}}
    talk.server(result(0, resultType="complete", capabilities=offers if server is None else server, _meta=meta))
    return talk
