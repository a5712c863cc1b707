"""What holds for every session, whatever its ends say: nothing raises, nothing leaks, the same gives the same."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.session.conversation import (
    CAPABILITIES,
    FORM,
    RELATED,
    SAMPLE,
    SUBSCRIPTION,
    VERSION,
    Talk,
    asking,
    error,
    frame,
    modern,
    notification,
    request,
    result,
    stateful,
)

from interpose.core.events import Closed, End, Event, Frame, Received, Requested, Responded, Told
from interpose.core.protocol import VERSIONS, table
from interpose.core.session.notes import NOTES
from interpose.core.session.session import Session
from interpose.core.wire.sse import read_block

METHODS = sorted({name for version in VERSIONS for name in table(version, ["io.modelcontextprotocol/tasks"]).methods})
MEMBERS = [
    *("_meta", "name", "uri", "taskId", "task", "inputResponses", "requestState", "requestId", "progressToken"),
    *("progress", "total", "elicitationId", "protocolVersion", "capabilities", "clientInfo", "serverInfo", "mode"),
    *("message", "url", "status", "ttl", "ttlMs", "pollInterval", "pollIntervalMs", "resultType", "tasks", "code"),
    *("inputRequests", "isError", "action", "data", "elicitations", "method", "params"),
]
METAS = [VERSION, CAPABILITIES, RELATED, SUBSCRIPTION, "progressToken"]
IDS = st.sampled_from([0, 1, "1", "", None, -1, 1.5, True, "t-1"])
TYPES = st.sampled_from(["input_required", "task", "complete", "working", "completed", "accept", "url", *VERSIONS])


def _with_meta(section: Any, meta: Any) -> Any:
    return {**section, "_meta": meta} if isinstance(section, dict) else section


_LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | IDS | TYPES | st.sampled_from(METHODS)
_JSON = st.recursive(
    _LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS + METAS), inner, max_size=5),
    max_leaves=12,
)
_ERROR = st.fixed_dictionaries({"code": st.integers(), "data": _JSON}) | _JSON
_META = st.fixed_dictionaries({}, optional=dict.fromkeys(METAS, IDS | TYPES | _JSON))
_SECTION = st.dictionaries(st.sampled_from(MEMBERS), IDS | TYPES | _JSON, max_size=6) | _JSON
_PARAMS = st.builds(_with_meta, _SECTION, _META)


def _block(raw: bytes) -> Frame:
    return Frame(raw, None, read_block(raw))


@st.composite
def _body(draw: st.DrawFn) -> dict[str, Any]:
    body: dict[str, Any] = {"jsonrpc": "2.0"}
    match draw(st.integers(0, 3)):
        case 0:
            body |= {"id": draw(IDS), "method": draw(st.sampled_from(METHODS)), "params": draw(_PARAMS)}
        case 1:
            body |= {"method": draw(st.sampled_from(METHODS)), "params": draw(_PARAMS)}
        case 2:
            body |= {"id": draw(IDS), "result": draw(_PARAMS)}
        case _:
            body |= {"id": draw(IDS), "error": draw(_ERROR)}
    return body


_RAW = (_body() | st.lists(_body(), max_size=3)).map(lambda body: json.dumps(body).encode()) | st.binary(max_size=30)
_BOTH: list[End] = ["client", "server"]
_ENDS = st.sampled_from(_BOTH)
_CHANNELS = st.sampled_from(["stdio", "x1", "x2", ""])
_HEADERS = st.sets(
    st.sampled_from([("Mcp-Session-Id", "s"), ("Last-Event-ID", "1"), ("Content-Type", "text/event-stream")])
).map(tuple)
_VERBS = st.sampled_from(["POST", "GET", "DELETE"])
_STATUSES = st.sampled_from([200, 202, 401, 404])
_BLOCKS = st.sampled_from([b"id: 1\nretry: 5\ndata:\n\n", b"event: endpoint\ndata: /m\n\n", b": ping\n\n"])
_EVENTS = (
    st.builds(lambda end, channel, raw: Received(0.0, end, channel, frame(raw)), _ENDS, _CHANNELS, _RAW)
    | st.builds(Requested, st.just(0.0), _CHANNELS, _VERBS, st.just("/"), _HEADERS)
    | st.builds(Responded, st.just(0.0), _CHANNELS, _STATUSES, _HEADERS)
    | st.builds(lambda end, channel: Closed(0.0, end, channel, "end"), _ENDS, _CHANNELS)
    | st.builds(lambda end, what: Told(0.0, end, what, ""), _ENDS, st.sampled_from(["exit", "stderr"]))
    | st.builds(lambda channel, raw: Received(0.0, "server", channel, _block(raw)), _CHANNELS, _BLOCKS)
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_EVENTS, max_size=25))
def test_no_traffic_makes_it_raise_and_every_message_is_seen_once(events: list[Event]) -> None:
    session = Session()
    for seq, event in enumerate(events):
        seen = session.see(seq, event)
        message = event.frame.message if isinstance(event, Received) else None
        assert len(seen) == (0 if message is None else len(message.messages()))
        assert all(set(each.notes) <= NOTES.keys() for each in seen)
        session.waits(1.0)


@settings(max_examples=100, deadline=None)
@given(st.lists(_EVENTS, max_size=15))
def test_the_same_events_give_the_same_sightings(events: list[Event]) -> None:
    first, second = Session(), Session()
    for seq, event in enumerate(events):
        assert first.see(seq, event) == second.see(seq, event)
    assert first.waits(1.0) == second.waits(1.0)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_when_all_is_answered_nothing_waits(data: st.DataObject) -> None:
    talk = data.draw(st.sampled_from([Talk(), stateful()]))
    line = data.draw(st.sampled_from([request, modern]))
    methods = st.sampled_from(["tools/call", "ping", "roots/list", "sampling/createMessage", "tools/list", "x/y"])
    asked = data.draw(st.lists(st.tuples(_ENDS, st.sampled_from(["stdio", "x1"]), methods), max_size=12))
    for ident, (end, channel, method) in enumerate(asked):
        talk.say(end, line(ident, method, _meta={"progressToken": ident}), channel)
    for ident in data.draw(st.permutations(range(len(asked)))):
        end, channel, method = asked[ident]
        answer = data.draw(st.sampled_from([result(ident, content=[]), error(ident, -32603)]))
        assert talk.say("client" if end == "server" else "server", answer, channel).method == method
    assert talk.waits() == ()
    assert talk.session.in_flight == ()


def _traffic(n: int) -> Iterator[Event]:
    """A slice of every kind of traffic, with ids of its own; about 40 messages."""
    at, url = float(n), {"mode": "url", "elicitationId": f"e{n}", "url": "https://x", "message": "?"}
    uri = f"file:///{n}"
    stdio = [
        ("client", request(n, "tools/call", name="t", task={}, _meta={"progressToken": n})),
        ("server", notification("notifications/progress", progressToken=n, progress=1)),
        ("server", request(n, "elicitation/create", **url)),
        ("client", result(n, action="accept")),
        ("server", request(f"s{n}", "sampling/createMessage")),
        ("server", notification("notifications/cancelled", requestId=f"s{n}")),
        ("client", result(f"s{n}")),
        ("server", result(n, task={"taskId": f"t{n}", "status": "working", "ttl": 1})),
        ("client", request(f"g{n}", "tasks/get", taskId=f"t{n}")),
        ("server", result(f"g{n}", taskId=f"t{n}", status="completed" if n % 2 else "working")),
        ("client", request(f"n{n}", "tools/call", name="never", _meta={"progressToken": f"n{n}"})),
        ("client", notification("notifications/cancelled", requestId=f"n{n}")),
        ("server", error(f"e{n}", -32042, {"elicitations": [url]})),
        ("server", result(f"orphan{n}")),
        ("client", request(f"u{n}", "resources/subscribe", uri=uri)),
        ("server", result(f"u{n}")),
        ("client", request(f"v{n}", "resources/unsubscribe", uri=uri)),
        ("server", result(f"v{n}")),
        ("server", notification("notifications/tasks/status", taskId=f"z{n}", status="working")),
    ]
    for end, body in stdio:
        yield _say(at, end, "stdio", body)
    for kind, answer in (
        ("a", asking(1, f"state{n}", k=FORM)),
        ("b", asking(1, None, k=SAMPLE)),
        ("c", result(1, resultType="task", taskId=f"x{n}", status="working")),
        ("d", None),
    ):
        channel = f"{kind}{n}"
        yield Requested(at, channel, "POST", "/", ())
        yield _say(at, "client", channel, modern(1, "tools/call", name=f"{kind}{n}", _meta={"progressToken": 1}))
        yield Responded(at, channel, 200, (("content-type", "text/event-stream"),))
        if answer is not None:
            yield _say(at, "server", channel, answer)
        yield Closed(at, "client" if n % 2 else "server", channel, "end")
    listen = f"l{n}"
    yield _say(at, "client", listen, modern("l", "subscriptions/listen"))
    yield _say(
        at, "server", listen, notification("notifications/subscriptions/acknowledged", _meta={SUBSCRIPTION: "l"})
    )
    yield Closed(at, "server", listen, "end")


def _say(at: float, end: Any, channel: str, body: Any) -> Event:
    return Received(at, end, channel, frame(json.dumps(body).encode()))


def test_a_hundred_thousand_messages_take_no_more_memory_than_the_first_ones(monkeypatch: Any) -> None:
    monkeypatch.setattr("interpose.core.session.tasks._ROOM", 512)
    session = stateful().session
    after = []
    for n in range(4200):
        for event in _traffic(n):
            session.see(n, event)
        if n in (2500, 4199):
            after.append(sys.getallocatedblocks())
    assert session.counts.messages > 100_000
    assert after[1] - after[0] < 2000
