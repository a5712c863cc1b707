"""What two ends may say to one another, by chance: most of it plain calls, some of it everything else."""

import json
import random
from typing import Any

import msgspec

from interpose.core.events import Closed, End, Event, Frame, Received, Requested, Responded
from interpose.core.wire.message import read

STATEFUL = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ASK = {"method": "elicitation/create", "params": {"mode": "form", "message": "?", "requestedSchema": {}}}


def said(end: End, body: dict[str, Any], at: float = 0.0, channel: str = "stdio") -> Received:
    raw = json.dumps({"jsonrpc": "2.0", **body}, separators=(",", ":")).encode()
    return Received(at, end, channel, Frame(raw, read(raw), tail=b"\n"))


def opened(stateless: bool, *, discovers: bool = True) -> list[Event]:
    if stateless and not discovers:
        return []
    if stateless:
        return [
            said("client", {"id": 0, "method": "server/discover", "params": {"_meta": ENVELOPE}}),
            said("server", {"id": 0, "result": {"supportedVersions": ["2026-07-28"], "capabilities": {}}}),
        ]
    return [
        said("client", {"id": 0, "method": "initialize", "params": STATEFUL}),
        said("server", {"id": 0, "result": STATEFUL}),
        said("client", {"method": "notifications/initialized"}),
    ]


def plain_pair(number: int, at: float, stateless: bool) -> list[Event]:
    params: dict[str, Any] = {"name": "echo"} | ({"_meta": ENVELOPE} if stateless else {})
    call = {"id": 100 + number, "method": "tools/call", "params": params}
    return [said("client", call, at), said("server", {"id": 100 + number, "result": {"content": []}}, at)]


def anything(chance: random.Random, at: float, stateless: bool) -> Event:
    ident = chance.choice((1, 2, 3, "1", "a"))
    meta: dict[str, Any] = dict(ENVELOPE) if stateless else {}
    meta |= chance.choice(({}, {"progressToken": ident}, {"io.modelcontextprotocol/related-task": {"taskId": "t"}}))
    params: dict[str, Any] = {"name": "echo"} | ({"_meta": meta} if meta else {})
    params |= chance.choice(({}, {}, {"task": {"ttl": 1000}}, {"requestState": "s"}, {"t\u0061sk": {}}))
    result: dict[str, Any] = {"content": []} | chance.choice(
        (
            {},
            {},
            {"resultType": "complete"},
            {"task": {"taskId": "t", "status": "working", "ttl": 1000}},
            {"resultType": "input_required", "inputRequests": {"k": ASK}, "requestState": "s"},
            {"resultType": "task", "taskId": "t", "status": "working", "ttlMs": 1000},
        )
    )
    bodies: list[tuple[End, dict[str, Any]]] = [
        ("client", {"id": ident, "method": chance.choice(("tools/call", "ping", "tasks/get")), "params": params}),
        ("client", {"id": ident, "method": "tools/call", "params": params}),
        ("server", {"id": ident, "result": result}),
        ("server", {"id": ident, "result": {"content": []}}),
        ("server", {"id": ident, "error": {"code": 1, "message": ""}}),
        ("server", {"id": ident, **ASK}),
        ("client", {"id": ident, "result": {"action": "decline"}}),
        ("client", {"method": "notifications/cancelled", "params": {"requestId": ident}}),
        ("server", {"method": "notifications/progress", "params": {"progressToken": ident, "progress": 1}}),
    ]
    return said(*chance.choice(bodies), at)


def _exchange(chance: random.Random, number: int, stateless: bool) -> list[Event]:
    """Most are a call and its plain answer; some lack an end, are answered by a question, or bring more."""
    channel, ident, at = f"x{number}", chance.choice((number, number, 1)), float(number)
    params: dict[str, Any] = {"name": "echo"} | ({"_meta": ENVELOPE} if stateless else {})
    result = {"content": []} if chance.random() < 0.8 else {"resultType": "input_required", "inputRequests": {"k": ASK}}
    session = () if stateless else (("Mcp-Session-Id", "s"),)
    answers: list[dict[str, Any]] = [{"id": ident, "result": result}]
    if chance.random() < 0.2:
        answers.insert(0, {"method": "notifications/progress", "params": {"progressToken": ident, "progress": 1}})
    if chance.random() < 0.1:
        answers.insert(0, {"id": "q", **ASK})
    events: list[Event] = [Requested(at, channel, "POST", "/mcp", session)]
    events.append(said("client", {"id": ident, "method": "tools/call", "params": params}, at, channel))
    events.append(Responded(at, channel, chance.choice((200, 200, 200, 404)), (("Content-Type", "application/json"),)))
    events += [said("server", answer, at, channel) for answer in answers]
    left = chance.random() < 0.2
    events.append(Closed(at, "client" if left else "server", channel, "disconnect" if left else "end"))
    return events[: chance.choice((9, 9, 9, 9, 3, 4))]


def over(event: Event, channel: str) -> Event:
    assert isinstance(event, Received)
    return msgspec.structs.replace(event, channel=channel)


def on_stdio(chance: random.Random, *, stateless: bool, turns: int = 30) -> list[Event]:
    """A session on stdio."""
    events = opened(stateless, discovers=chance.random() < 0.5)
    for n in range(turns):
        events += [anything(chance, n, stateless)] if chance.random() < 0.7 else plain_pair(n, n, stateless)
    return events


def over_http(chance: random.Random, *, stateless: bool, exchanges: int = 16) -> list[Event]:
    """A session over HTTP, with up to four exchanges at a time."""
    events = [over(event, "x0") for event in opened(stateless, discovers=chance.random() < 0.5)]
    under_way = [_exchange(chance, number, stateless) for number in range(1, exchanges)]
    while under_way:
        exchange = chance.choice(under_way[: chance.choice((1, 1, 1, 4))])
        events.append(exchange.pop(0))
        under_way = [each for each in under_way if each]
    return events
