"""Lines that are only glanced at, large ones and many together, are followed and recorded as if they were read."""

import random
from itertools import groupby

import msgspec
import pytest
from tests.core.session.talk import anything, opened, over_http, plain_pair

from interpose.core.events import Event, Frame, Received
from interpose.core.interposer import Interposer
from interpose.core.recording.entry import Header
from interpose.core.session.glancing import glance
from interpose.core.session.session import Session
from interpose.core.wire.message import read

PADDING = b" " * 70_000  # legal at the end of a line, and makes it a large one
HEADER = Header("s", "2026-01-01T00:00:00Z", {}, {}, "test")


def _padded(event: Event, chance: random.Random, often: float = 0.7) -> Received:
    assert isinstance(event, Received)
    assert event.frame.message is not None
    raw = event.frame.message.raw + (PADDING if chance.random() < often else b"")
    return Received(event.at, event.end, event.channel, Frame(raw, read(raw), None, b"\n"))


def _recorded(core: Interposer, event: Event) -> bytes:
    return b"".join(core.feed(event)[0].pieces)  # type: ignore[union-attr]


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
def test_whatever_large_lines_say_it_waits_for_the_same(stateless: bool, recorded: bool) -> None:
    spared = 0
    for seed in range(60):
        chance, core, prompt, fed = random.Random(seed), Interposer(recorded=recorded), Session(), Interposer()
        core.open(HEADER)
        fed.open(HEADER)
        said = opened(stateless, discovers=chance.random() < 0.5)
        for n in range(30):
            said += [anything(chance, n, stateless)] if chance.random() < 0.6 else plain_pair(n, n, stateless)
        for seq, event in enumerate(said, 1):
            heard = _padded(event, chance)
            lines = core.overhear(heard.at, heard.end, [(heard.frame.raw, b"\n")])
            prompt.see(seq, heard)
            if recorded:
                assert b"".join(lines[0]) == _recorded(fed, heard)
            if chance.random() < 0.1:
                assert core.session.waits(seq) == prompt.waits(seq), f"seed {seed}, after {seq}"
        assert core.session.waits(99) == prompt.waits(99), f"seed {seed}"
        spared += prompt.counts.messages - core.session.counts.messages
    assert spared > 60, "nothing was left out"


@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
def test_whatever_large_bodies_say_it_is_recorded_and_waits_for_the_same(stateless: bool) -> None:
    glimpsed = 0
    for seed in range(100):
        chance, core, fed, prompt = random.Random(seed), Interposer(), Interposer(), Session()
        for each in (core, fed):
            each.open(HEADER)
        for seq, event in enumerate(over_http(chance, stateless=stateless), 1):
            whole = seen = event
            if isinstance(event, Received):
                whole = _padded(event, chance)
                message = core.read(event.end, event.channel, whole.frame.raw)
                glimpsed += message.params != whole.frame.message.params or message.result != whole.frame.message.result
                seen = msgspec.structs.replace(whole, frame=Frame(whole.frame.raw, message, None, b"\n"))
            prompt.see(seq, whole)
            assert _recorded(core, seen) == _recorded(fed, whole)
            if chance.random() < 0.1:
                assert core.session.waits(seq) == prompt.waits(seq), f"seed {seed}, after {seq}"
        assert core.session.waits(1e6) == prompt.waits(1e6), f"seed {seed}"
        assert core.close(1e6, "end") == fed.close(1e6, "end")
    assert glimpsed > 20, "all were read whole"


@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
def test_whatever_comes_together_it_is_recorded_and_followed_as_if_it_came_alone(stateless: bool) -> None:
    spared = 0
    for seed in range(100):
        chance, core, fed, prompt = random.Random(seed), Interposer(), Interposer(), Session()
        assert core.open(HEADER) == fed.open(HEADER)
        said, number = opened(stateless, discovers=chance.random() < 0.5), 0
        for n in range(0, 60, 6):
            calls, answers = zip(*(plain_pair(m, m, stateless) for m in range(n, n + 6)), strict=True)
            said += [*calls, anything(chance, n, stateless), *answers] if chance.random() < 0.5 else [*calls, *answers]
        heard = [_padded(event, chance, 0.05) for event in said]
        for end, group in groupby(heard, lambda event: event.end):
            events = list(group)[: chance.choice((99, 99, 1, 4))]
            at = events[0].at
            found = core.overhear(at, end, [(event.frame.raw, b"\n") for event in events])
            alone = [msgspec.structs.replace(event, at=at) for event in events]
            assert [b"".join(line) for line in found] == [_recorded(fed, event) for event in alone], f"seed {seed}"
            for event in alone:
                number += 1
                prompt.see(number, event)
            if chance.random() < 0.1:
                assert core.session.waits(number) == prompt.waits(number), f"seed {seed}, after {number}"
        assert core.session.waits(99) == prompt.waits(99), f"seed {seed}"
        spared += prompt.counts.messages - core.session.counts.messages
    assert spared > 1000, "hardly anything was left out"


CALL = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{}}'


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","id":1,"result":[]}',
        b'{"jsonrpc":"2.0","id":1,"result":{},"method":"a"}',
        b'{"jsonrpc":"2.0","id":1,"result":{},"error":null}',
        b'{"jsonrpc":"2.0","id":1,"result":{"task":null}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"incomplete"}}',
        b'{"jsonrpc":"2\\u002e0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":1.5,"result":{}}',
        b'{"jsonrpc":"2.0","id":null,"result":{}}',
        b'{"jsonrpc":"2.0","result":{}}',
        b'{"id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"t":"\xff"}}',
        b'{"jsonrpc":"2.0","id":1,\r"result":{}}',
        b'[{"jsonrpc":"2.0","id":1,"result":{}}]',
        ANSWER * 2,
        b"{",
        b"",
    ],
)
def test_what_is_unusual_is_to_be_read(raw: bytes) -> None:
    assert glance("server", [raw]) is None
    assert glance("server", [ANSWER, raw]) is None
    assert glance("server", [raw, ANSWER]) is None


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"initialize"}',
        b'{"jsonrpc":"2.0","method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","result":null}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"task":{}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"requestState":"a"}}',
        ANSWER,
    ],
)
def test_a_call_that_is_more_than_plain_is_to_be_read(raw: bytes) -> None:
    assert glance("client", [raw]) is None
    assert glance("client", [CALL, raw]) is None


@pytest.mark.parametrize(
    "lines",
    [
        [CALL * 2, b""],
        [CALL + CALL[:1], CALL[1:]],
        [CALL + b' {"a":', b"{}" + CALL[1:]],
        [CALL + b'{"a":"}', b'{"' + CALL[1:]],
        [CALL[:20], CALL[20:], CALL * 2],
    ],
)
def test_messages_that_do_not_keep_to_their_lines_are_to_be_read(lines: list[bytes]) -> None:
    assert glance("client", lines) is None


def test_a_glance_finds_what_makes_a_message_plain_and_leaves_out_the_rest() -> None:
    call = (
        b'{"jsonrpc":"2.0","id":"a\\u0062","method":"tools/call","params":{"name":"x","arguments":{},"_meta":{"a":1}}}'
    )
    asked = glance("client", [call, CALL])
    assert asked is not None
    assert asked.ids == [read(call).id, "1"] == ['"ab"', "1"]
    assert msgspec.json.encode(asked.calls[0]) == call.replace(b'"arguments":{},', b"")
    answered = glance("server", [ANSWER, ANSWER.replace(b"{}", b'{"content":[],"resultType":"complete"}')])
    assert answered is not None
    assert answered.ids == ["1", "1"]
    assert answered.calls == []
