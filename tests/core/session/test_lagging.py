"""A session that is followed late waits for the same as one that is followed at once."""

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.core.session.talk import ENVELOPE, on_stdio, opened, over, over_http, said

from interpose.core.effects import Append, Deliver
from interpose.core.events import End, Event, Frame, Received, Requested
from interpose.core.interposer import Interposer
from interpose.core.recording.entry import Header
from interpose.core.session.lagging import Lagging
from interpose.core.session.session import Session
from interpose.core.wire.message import read
from interpose.edge.stores.jsonl import RecordingReader

GOLDEN = sorted((Path(__file__).parents[3] / "recordings").rglob("*.jsonl"))


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
        events = on_stdio(chance, stateless=stateless)
        spared += _spared(events, chance, 0.2, f"seed {seed}")
    assert spared > 400, "nothing was left out"


@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
def test_whatever_is_said_over_http_it_waits_for_the_same(stateless: bool) -> None:
    spared = 0
    for seed in range(300):
        chance = random.Random(seed)
        events = over_http(chance, stateless=stateless)
        spared += _spared(events, chance, 0.1, f"seed {seed}")
    assert spared > 100, "nothing was left out"


_PARAMS: list[dict[str, Any]] = [
    {"name": "echo"},
    {"name": "echo", "arguments": {"task": 1}},
    {"name": "echo", "task": {}},
    {"name": "echo", "task": None},
    {"name": "echo", "taskId": "t"},
    {"name": "echo", "requestState": "s"},
    {"name": "echo", "inputResponses": {}},
    {"name": "echo", "_meta": {}},
    {"name": "echo", "_meta": {"progressToken": 1}},
    {"name": "echo", "_meta": {"io.modelcontextprotocol/related-task": {"taskId": "t"}}},
    {"name": "echo", "_meta": ENVELOPE},
]
_RESULTS: list[dict[str, Any]] = [
    {},
    {"content": [{"task": 1}]},
    {"task": {}},
    {"task": None},
    {"resultType": "complete"},
    {"resultType": "task"},
    {"resultType": None},
    {"resultType": 1},
]


@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
def test_params_and_results_that_were_read_before_tell_the_same(stateless: bool) -> None:
    plain = _PARAMS[-1] if stateless else _PARAMS[0]
    pairs = [(params, {}) for params in _PARAMS] + [(plain, result) for result in _RESULTS]
    took: set[tuple[bool, bool]] = set()
    for params, result in pairs:
        read_before, unread = Lagging(), Lagging()
        for seq, event in enumerate(opened(stateless)):
            read_before.hear(seq, event)
            unread.hear(seq, event)
        call = said("client", {"id": 5, "method": "tools/call", "params": params})
        answer = said("server", {"id": 5, "result": result})
        found = []
        for seq, (event, value) in enumerate(((call, params), (answer, result)), 9):
            assert event.frame.message is not None
            found.append(unread.leaves_no_trace(seq, event))
            assert read_before.takes(seq, event, event.frame.message, None, value) is found[-1], event
        took.add((found[0], found[1]))
    assert took == {(True, True), (True, False), (False, False)}


def test_a_call_over_http_that_a_child_answers_is_over_too() -> None:
    late, prompt = Lagging(), Session()
    events: list[Event] = [over(event, "x0") for event in opened(False)]
    events.append(Requested(1.0, "x1", "POST", "/mcp", ()))
    events.append(said("client", {"id": 1, "method": "tools/call", "params": {"name": "echo"}}, 1.0, "x1"))
    events.append(said("server", {"id": 1, "result": {"content": []}}, 1.0))
    for seq, event in enumerate(events, 1):
        late.hear(seq, event)
        prompt.see(seq, event)
    assert late.session.waits(2.0) == prompt.waits(2.0) == ()


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
    call = said("client", {"id": 9, "method": "tools/call", "params": params})
    for seq, event in enumerate([*opened(False), call], 1):
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
        assert [b"".join(pieces) for pieces in overheard.overhear(1.5, end, LINES)] == lines
    assert fed.session.waits(2.0) == overheard.session.waits(2.0)
    assert [e.pieces for e in fed.close(3.0, "x")] == [e.pieces for e in overheard.close(3.0, "x")]  # type: ignore[union-attr]


def test_what_is_not_recorded_is_followed_all_the_same() -> None:
    core, nothing = Interposer(recorded=False), Append(())
    assert core.open(Header("s", "2026-01-01T00:00:00Z", {}, {}, "test")) == [nothing]
    assert core.overhear(1.0, "client", LINES[:1]) == [()]
    assert len(core.session.waits(2.0)) == 1
    heard = Received(1.5, "client", "stdio", Frame(LINES[1][0], read(LINES[1][0]), None, LINES[1][1]))
    assert core.feed(heard) == [nothing, Deliver("server", "stdio", heard.frame)]
    assert core.close(3.0, "x") == [nothing]
