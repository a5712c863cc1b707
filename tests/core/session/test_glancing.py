"""A large line that is only glanced at is followed and recorded as one that was read."""

import random

import pytest
from tests.core.session.talk import anything, opened, plain_pair

from interpose.core.events import Event, Frame, Received
from interpose.core.interposer import Interposer
from interpose.core.recording.entry import Header
from interpose.core.session.glancing import glance
from interpose.core.session.session import Session
from interpose.core.wire.message import read

PADDING = b" " * 70_000  # legal at the end of a line, and makes it a large one
HEADER = Header("s", "2026-01-01T00:00:00Z", {}, {}, "test")


def _padded(event: Event, chance: random.Random) -> Received:
    assert isinstance(event, Received)
    assert event.frame.message is not None
    raw = event.frame.message.raw + (PADDING if chance.random() < 0.7 else b"")
    return Received(event.at, event.end, event.channel, Frame(raw, read(raw), None, b"\n"))


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
def test_whatever_large_lines_say_it_waits_for_the_same(stateless: bool, recorded: bool) -> None:
    spared = 0
    for seed in range(60):
        chance, core, prompt, fed = random.Random(seed), Interposer(recorded=recorded), Session(), Interposer()
        core.open(HEADER)
        fed.open(HEADER)
        said = opened(stateless)
        for n in range(30):
            said += [anything(chance, n, stateless)] if chance.random() < 0.6 else plain_pair(n, n, stateless)
        for seq, event in enumerate(said, 1):
            heard = _padded(event, chance)
            lines = core.overhear(heard.at, heard.end, [(heard.frame.raw, b"\n")])
            prompt.see(seq, heard)
            if recorded:
                assert b"".join(lines[0].pieces) == b"".join(fed.feed(heard)[0].pieces)  # type: ignore[union-attr]
            if chance.random() < 0.1:
                assert core.session.waits(seq) == prompt.waits(seq), f"seed {seed}, after {seq}"
        assert core.session.waits(99) == prompt.waits(99), f"seed {seed}"
        spared += prompt.counts.messages - core.session.counts.messages
    assert spared > 60, "nothing was left out"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","id":1,"result":[]}',
        b'{"jsonrpc":"2.0","id":1,"result":{},"method":"a"}',
        b'{"jsonrpc":"2.0","id":1.5,"result":{}}',
        b'{"id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"t":"\xff"}}',
        b'{"jsonrpc":"2.0","id":1,\r"result":{}}',
        b'[{"jsonrpc":"2.0","id":1,"result":{}}]',
        b"{",
        b"",
    ],
)
def test_what_is_unusual_is_to_be_read(raw: bytes) -> None:
    assert glance(raw) is None


def test_a_glance_finds_what_makes_a_message_plain_and_leaves_out_the_rest() -> None:
    call = b'{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x","arguments":{},"_meta":{"a":1}}}'
    answer = b'{"jsonrpc":"2.0","id":7,"result":{"content":[],"resultType":"complete"}}'
    asked, said = glance(call), glance(answer)
    assert asked is not None
    assert said is not None
    assert (asked.raw, asked.kind, asked.id, asked.method) == (call, read(call).kind, '"a"', "tools/call")
    assert (asked.params, said.result) == (b'{"name":"x","_meta":{"a":1}}', b'{"resultType":"complete"}')
