"""A session that is followed late waits for the same as one that is followed at once."""

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interpose.core.effects import Append, Deliver
from interpose.core.events import Closed, End, Event, Frame, Received, Requested, Responded
from interpose.core.interposer import Interposer
from interpose.core.recording.entry import Header
from interpose.core.session.lagging import Lagging
from interpose.core.session.session import Session
from interpose.core.wire.message import read
from interpose.edge.stores.jsonl import RecordingReader

GOLDEN = sorted((Path(__file__).parents[3] / "recordings").rglob("*.jsonl"))
STATEFUL = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ASK = {"method": "elicitation/create", "params": {"mode": "form", "message": "?", "requestedSchema": {}}}


def _said(end: End, body: dict[str, Any], at: float = 0.0, channel: str = "stdio") -> Received:
    raw = json.dumps({"jsonrpc": "2.0", **body}).encode()
    return Received(at, end, channel, Frame(raw, read(raw), tail=b"\n"))


def _opened(stateless: bool) -> list[Event]:
    if stateless:
        return [
            _said("client", {"id": 0, "method": "server/discover", "params": {"_meta": ENVELOPE}}),
            _said("server", {"id": 0, "result": {"supportedVersions": ["2026-07-28"], "capabilities": {}}}),
        ]
    return [
        _said("client", {"id": 0, "method": "initialize", "params": STATEFUL}),
        _said("server", {"id": 0, "result": STATEFUL}),
        _said("client", {"method": "notifications/initialized"}),
    ]


def _plain_pair(number: int, at: float, stateless: bool) -> list[Event]:
    params: dict[str, Any] = {"name": "echo"} | ({"_meta": ENVELOPE} if stateless else {})
    call = {"id": 100 + number, "method": "tools/call", "params": params}
    return [_said("client", call, at), _said("server", {"id": 100 + number, "result": {"content": []}}, at)]


def _anything(chance: random.Random, at: float, stateless: bool) -> Event:
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
    return _said(*chance.choice(bodies), at)


def _spared(events: list[Event], chance: random.Random, often: float, case: str) -> int:
    """How many messages the one that is late did not look at; whenever it is asked, it waits for the same."""
    late, prompt = Lagging(), Session()
    for seq, event in enumerate(events, 1):
        late.hear(seq, event)
        prompt.see(seq, event)
        if chance.random() < often:
            assert late.session.waits(seq) == prompt.waits(seq), f"{case}, after {seq}"
            assert late.session.in_flight == prompt.in_flight, f"{case}, after {seq}"
    assert late.session.waits(99) == prompt.waits(99), case
    return prompt.counts.messages - late.session.counts.messages


@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
def test_whatever_is_said_it_waits_for_the_same(stateless: bool) -> None:
    spared = 0
    for seed in range(400):
        chance = random.Random(seed)
        events = _opened(stateless)
        for n in range(30):
            once = [_anything(chance, n, stateless)]
            events += once if chance.random() < 0.7 else _plain_pair(n, n, stateless)
        spared += _spared(events, chance, 0.2, f"seed {seed}")
    assert spared > 400, "nothing was left out"


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
    events.append(_said("client", {"id": ident, "method": "tools/call", "params": params}, at, channel))
    events.append(Responded(at, channel, chance.choice((200, 200, 200, 404)), (("Content-Type", "application/json"),)))
    events += [_said("server", answer, at, channel) for answer in answers]
    left = chance.random() < 0.2
    events.append(Closed(at, "client" if left else "server", channel, "disconnect" if left else "end"))
    return events[: chance.choice((9, 9, 9, 9, 3, 4))]


@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
def test_whatever_is_said_over_http_it_waits_for_the_same(stateless: bool) -> None:
    spared = 0
    for seed in range(300):
        chance = random.Random(seed)
        events = [_over(event, "x0") for event in _opened(stateless)]
        under_way = [_exchange(chance, number, stateless) for number in range(1, 16)]
        while under_way:
            exchange = chance.choice(under_way[: chance.choice((1, 1, 1, 4))])
            events.append(exchange.pop(0))
            under_way = [each for each in under_way if each]
        spared += _spared(events, chance, 0.1, f"seed {seed}")
    assert spared > 100, "nothing was left out"


def test_a_call_over_http_that_a_child_answers_is_over_too() -> None:
    late, prompt = Lagging(), Session()
    events: list[Event] = [_over(event, "x0") for event in _opened(False)]
    events.append(Requested(1.0, "x1", "POST", "/mcp", ()))
    events.append(_said("client", {"id": 1, "method": "tools/call", "params": {"name": "echo"}}, 1.0, "x1"))
    events.append(_said("server", {"id": 1, "result": {"content": []}}, 1.0))
    for seq, event in enumerate(events, 1):
        late.hear(seq, event)
        prompt.see(seq, event)
    assert late.session.waits(2.0) == prompt.waits(2.0) == ()


def _over(event: Event, channel: str) -> Event:
    assert isinstance(event, Received)
    return msgspec.structs.replace(event, channel=channel)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_sessions_end_the_same(path: Path) -> None:
    late, prompt = Lagging(), Session()
    with RecordingReader(path) as reader:
        for entry in reader:
            if (event := entry.event()) is not None:
                late.hear(entry.seq, event)
                prompt.see(entry.seq, event)
    assert late.session.waits(1e6) == prompt.waits(1e6)
    assert late.session.in_flight == prompt.in_flight


def test_a_large_call_that_waits_is_not_kept() -> None:
    late, prompt = Lagging(), Session()
    params = {"name": "echo", "arguments": {"text": "x" * 100_000}, "_meta": {"progressToken": 7}}
    call = _said("client", {"id": 9, "method": "tools/call", "params": params})
    for seq, event in enumerate([*_opened(False), call], 1):
        late.hear(seq, event)
        prompt.see(seq, event)
    assert len(msgspec.json.encode([trail.events[0][1] for trail in late._trails.values()])) < 1000
    assert late.session.waits(9) == prompt.waits(9)
    assert late.session.waits(9)[0].what == "tools/call echo"


LINES: list[tuple[bytes, bytes]] = [
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}', b"\n"),
    (b'{"jsonrpc":"2.0","id":2,"method":"tools/call"}', b"\r\n"),
    (b"a banner", b"\n"),
    (b"  ", b"\n"),
    (b"", b"\n"),
    (b"\xff\xfe", b"\n"),
    (b'{"jsonrpc":"2.0","id":3,"method":"x","params":{"s":"\\ud800"}}', b"\n"),
    (b'[{"jsonrpc":"2.0","id":4,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"}]', b"\n"),
    (b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"text":"' + b"x" * 20000 + b'"}}', b"\n"),
    (b'{"jsonrpc":"2.0","id":6.5,"method":"a"}\r{"jsonrpc":"2.0","id":7,"method":"b"}', b"\n"),
]


def test_lines_that_are_overheard_are_recorded_as_if_they_were_fed() -> None:
    fed, overheard = Interposer(), Interposer()
    header = Header("s", "2026-01-01T00:00:00Z", {}, {}, "test")
    assert fed.open(header) == overheard.open(header)
    ends: tuple[End, ...] = ("client", "server")
    for end in ends:
        lines = [
            b"".join(fed.feed(Received(1.5, end, "stdio", frame))[0].pieces)  # type: ignore[union-attr]
            for frame in (Frame(raw, read(raw) if raw.strip() else None, None, tail) for raw, tail in LINES)
        ]
        assert [b"".join(each.pieces) for each in overheard.overhear(1.5, end, LINES)] == lines
    assert fed.session.waits(2.0) == overheard.session.waits(2.0)
    assert [e.pieces for e in fed.close(3.0, "x")] == [e.pieces for e in overheard.close(3.0, "x")]  # type: ignore[union-attr]


def test_what_is_not_recorded_is_followed_all_the_same() -> None:
    core, nothing = Interposer(recorded=False), Append(())
    assert core.open(Header("s", "2026-01-01T00:00:00Z", {}, {}, "test")) == [nothing]
    assert core.overhear(1.0, "client", LINES[:1]) == [nothing]
    assert len(core.session.waits(2.0)) == 1
    heard = Received(1.5, "client", "stdio", Frame(LINES[1][0], read(LINES[1][0]), None, LINES[1][1]))
    assert core.feed(heard) == [nothing, Deliver("server", "stdio", heard.frame)]
    assert core.close(3.0, "x") == [nothing]
