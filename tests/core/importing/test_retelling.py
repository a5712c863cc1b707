"""An imported recording tells what interpose itself recorded of the same traffic, message by message."""

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from tests.core.importing.captured import (
    CORPUS,
    EVENTS,
    NAMES,
    START,
    entries,
    entry,
    events,
    flow,
    har,
    notes,
    request,
    result,
    tnetstring,
)

from interpose.core.importing.reading import read_capture
from interpose.core.importing.sorting import sort
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry
from interpose.core.session.session import Session
from interpose.core.wire.message import Kind, read

GOLDEN = [(name, kind) for name in NAMES for kind in ("flow", "har")]
TYPE = ("Content-Type", EVENTS)
SENT_ON = ("mcp-", "accept", "content-type", "user-agent", "authorization")


def own(name: str) -> list[Entry]:
    """What interpose recorded, behind mitmproxy."""
    return [decode_entry(line) for line in (CORPUS / f"{name}.jsonl").read_bytes().splitlines()[1:]]


def imported(name: str, kind: str) -> list[Entry]:
    (session,), skipped = sort(read_capture((CORPUS / f"{name}.{kind}").read_bytes()))
    assert skipped == 0
    return entries(session)


def told(content: bytes) -> list[Entry]:
    (session,), _ = sort(read_capture(content))
    return entries(session)


def exchanges(found: list[Entry]) -> list[tuple[Any, ...]]:
    """Each exchange as it was: what was asked, what was said, each in its order; without what a proxy may rewrite."""
    parts: dict[str, list[Any]] = {}
    for each in found:
        own = parts.setdefault(each.channel, [])
        if each.kind == "http-request":
            own.append((each.method, each.target, _kept(each)))
        elif each.kind == "http-response":
            own.append((each.status, _kept(each)))
        elif each.kind in ("message", "data"):
            own.append((each.end, each.kind, each.payload(), each.sse, each.flags))
    del parts[""]
    return sorted(map(tuple, parts.values()), key=repr)


def _kept(each: Entry) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in each.headers if name.lower().startswith(SENT_ON))


def messages(found: list[Entry]) -> Iterator[tuple[str, bytes]]:
    return ((each.end or "", each.payload() or b"") for each in found if each.kind == "message")


@pytest.mark.parametrize(("name", "kind"), GOLDEN)
def test_an_imported_recording_holds_what_interpose_recorded_of_the_same_traffic(name: str, kind: str) -> None:
    assert exchanges(imported(name, kind)) == exchanges(own(name))


@pytest.mark.parametrize(("name", "kind"), [each for each in GOLDEN if each[0] != "stateful"])
def test_where_nothing_runs_at_once_the_order_is_the_same_too(name: str, kind: str) -> None:
    assert list(messages(imported(name, kind))) == list(messages(own(name)))


@pytest.mark.parametrize(("name", "kind"), GOLDEN)
def test_an_imported_session_makes_sense(name: str, kind: str) -> None:
    """Every answer comes after its request, as one sees who follows the session."""
    found, asked = imported(name, kind), set()
    session = Session()
    for each in found[:-1]:
        event = each.event()
        assert event is not None
        session.see(each.seq, event)
        message = read(each.payload() or b"") if each.kind == "message" else None
        if message is not None and message.kind is Kind.REQUEST:
            asked.add((each.end, message.id))
        elif message is not None and message.is_response:
            assert ("client" if each.end == "server" else "server", message.id) in asked
    assert not session.waits(found[-1].at)
    assert found[-1].waiting == ()
    assert [each.at for each in found] == sorted(each.at for each in found)


@pytest.mark.parametrize(("name", "kind"), GOLDEN)
def test_credentials_and_session_ids_do_not_come_along(name: str, kind: str) -> None:
    capture = read_capture((CORPUS / f"{name}.{kind}").read_bytes())
    secret = {value for each in capture.exchanges for key, value in each.headers if key.lower() == "mcp-session-id"}
    secret |= {each.target.partition("session_id=")[2] for each in capture.exchanges} - {""}
    assert any("PLANTED-credential" in dict(each.headers).get("Authorization", "") for each in capture.exchanges)
    assert bool(secret) == (name != "stateless")
    text = repr(imported(name, kind))
    assert not [each for each in (*secret, "PLANTED") if each in text]


def test_a_guess_is_told_as_one() -> None:
    asking = events(request(9, "roots/list"), result(1))
    reply = entry(0.2, result(9, roots=[]), status=202)
    found = told(har(entry(0, request(1, "tools/call", name="x"), asking, media_type=EVENTS, took=0.5), reply))
    assert notes(found) == ["x1: the file does not say when its 2 events came; the order against x2 is a guess"]
    kinds = [(each.channel, each.kind) for each in found if each.kind != "note"]
    assert kinds == [
        ("x1", "http-request"),
        ("x1", "message"),
        ("x1", "http-response"),
        ("x1", "message"),
        ("x2", "http-request"),
        ("x2", "message"),
        ("x2", "http-response"),
        ("x2", "closed"),
        ("x1", "message"),
        ("x1", "closed"),
        ("", "end"),
    ]


def test_where_nothing_else_happened_nothing_is_a_guess() -> None:
    streamed = entry(0, request(1, "tools/call", name="x"), events(result(1)), media_type=EVENTS)
    assert notes(told(har(streamed, entry(1, request(2, "ping"), result(2))))) == []


def test_what_was_asked_in_one_moment_keeps_the_order_of_the_file_and_says_so() -> None:
    found = told(har(entry(0, request(2, "ping"), result(2)), entry(0, request(1, "ping"), result(1))))
    assert notes(found) == ["x2: asked in the same moment as x1; which was first is a guess"]
    assert [read(payload).id for end, payload in messages(found) if end == "client"] == ["2", "1"]


@pytest.mark.parametrize(
    ("state", "note"),
    [
        (flow(request(1, "ping").encode(), None), "x1: the body of the answer is not in the file"),
        (flow(request(1, "ping").encode(), b"") | {"response": None}, "x1: no answer is in the file"),
    ],
)
def test_what_the_file_does_not_hold_is_told(state: dict[str, Any], note: str) -> None:
    assert notes(told(tnetstring(state))) == [note]


def test_a_stream_that_was_not_kept_is_told() -> None:
    (note,) = notes(told(har(entry(0, request(1, "ping"), None, media_type=EVENTS, answer_headers=[TYPE]))))
    assert note == "x1: the stream is empty in the file: nothing was said in it, or it was not kept"


def test_who_still_waits_at_the_end_stands_in_the_last_line() -> None:
    found = told(tnetstring(flow(request(7, "tools/list").encode(), b"") | {"response": None}))
    assert [(each["seq"], each["what"]) for each in found[-1].waiting] == [(2, "tools/list")]
    assert not [each for each in found if each.kind == "closed"]


@pytest.mark.parametrize(
    ("said", "end", "reason"),
    [
        ("Client disconnected.", "client", "disconnect"),
        ("no route to https://u:p@x.example/?token=1 now", "server", "no route to [address] now"),
    ],
)
def test_how_an_exchange_broke_off_is_told_without_addresses(said: str, end: str, reason: str) -> None:
    broken = flow(request(1, "ping").encode(), b"") | {"response": None}
    found = told(tnetstring(broken | {"error": {"msg": said, "timestamp": START + 1.0}}))
    assert [(each.end, each.reason, each.at) for each in found if each.kind == "closed"] == [(end, reason, 0.75)]


def coded(coding: bytes, body: bytes) -> list[Entry]:
    state = flow(request(1, "ping").encode(), body)
    state["response"]["headers"].append([b"Content-Encoding", coding])
    return told(tnetstring(state))


PLAIN = result(1).encode()
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"identity", PLAIN),
        (b"gzip", gzip.compress(PLAIN)),
        (b"Deflate", zlib.compress(PLAIN)),
        (b"deflate", BARE.compress(PLAIN) + BARE.flush()),
    ],
    ids=["identity", "gzip", "deflate", "bare deflate"],
)
def test_coded_bodies_are_read(coding: bytes, body: bytes) -> None:
    assert [payload for end, payload in messages(coded(coding, body)) if end == "server"] == [PLAIN]


@pytest.mark.parametrize(
    ("coding", "body"),
    [(b"br", b"\x8b\x00"), (b"gzip", b"\xff" * 40), (b"gzip", gzip.compress(b" " * ((1 << 27) + 1), 1))],
    ids=["unknown", "broken", "a bomb"],
)
def test_a_body_whose_coding_cannot_be_undone_is_kept_and_told(coding: bytes, body: bytes) -> None:
    found = coded(coding, body)
    assert notes(found) == [f"x1: its body cannot be read: content coding `{coding.decode()}`"]
    assert [each.payload() for each in found if each.kind == "data"] == [body]


def test_a_request_whose_body_was_not_kept_is_told() -> None:
    lost = entry(1, request(2, "ping"), result(2))
    lost["request"] |= {"postData": {}, "bodySize": 40}
    found = told(har(entry(0, request(1, "ping"), result(1)), lost))
    assert notes(found) == ["x2: the body of the request is not in the file"]


def test_a_batch_is_told_as_it_came() -> None:
    batch = f"[{request(1, 'ping')},{request(2, 'ping')}]"
    found = told(har(entry(0, batch, events(f"[{result(1)},{result(2)}]"), media_type=EVENTS)))
    assert [payload for end, payload in messages(found) if end == "client"] == [batch.encode()]
    assert (found[-1].messages, found[-1].waiting) == (4, ())


def test_what_is_no_json_rpc_in_a_session_is_told_too() -> None:
    found = told(
        har(entry(0, request(1, "ping"), result(1)), entry(1, '{"id":7}', "{}"), entry(2, "x", "y", status=400))
    )
    assert [payload for _, payload in messages(found)][2:] == [b'{"id":7}', b"{}", b"x", b"y"]
