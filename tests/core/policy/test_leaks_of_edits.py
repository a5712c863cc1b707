"""What a rule keeps off the disk is not written there by way of another rule's, or an approver's, edit."""

import json
from typing import Any

import pytest
from tests.core.held_play import HEADER, HOLD_SAMPLING, SAMPLING, Play

from interpose.core.effects import Append, Seek
from interpose.core.events import Decided, Frame, Received
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.wire.message import read

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
KEEP_OFF = '[[rule]]\nname = "s"\nall = true\ndo = "redact"\nfind = "secrets"\nwhere = ["recording"]\n'
CAP = '[[rule]]\nname = "short"\nask = "sampling"\ndo = "cap"\npath = "$.maxTokens"\nat_most = 300\n'


def _asking(text: str = SECRET) -> dict[str, Any]:
    spoken = {"role": "user", "content": {"type": "text", "text": text}}
    return {**SAMPLING, "id": 1, "params": {"messages": [spoken], "maxTokens": 4000}}


@pytest.mark.parametrize("order", [KEEP_OFF + CAP, CAP + KEEP_OFF], ids=["mask first", "cap first"])
def test_an_edited_message_is_kept_without_what_is_kept_off_the_disk(order: str) -> None:
    core = Interposer(Engine([read_policy(order, "p")], "srv", b"key"))
    core.open(HEADER)
    raw = json.dumps({"jsonrpc": "2.0", **_asking()}).encode()
    effects = core.feed(Received(1.0, "server", "stdio", Frame(raw, read(raw))))
    written = b"".join(piece for effect in effects if isinstance(effect, Append) for piece in effect.pieces)
    assert b'"delivered":' in written
    assert b'"maxTokens":300' in written
    assert SECRET.encode() not in written
    assert any(SECRET.encode() in effect.frame.raw for effect in effects if not isinstance(effect, Append | Seek))


def test_what_an_approver_puts_in_is_kept_without_it_too() -> None:
    play = Play(HOLD_SAMPLING + "\n" + KEEP_OFF)
    play.hear("server", _asking("nothing secret"))
    [seek] = [effect for effect in play.effects if isinstance(effect, Seek)]
    edited = json.loads(seek.message)
    edited["params"]["messages"][0]["content"]["text"] = SECRET
    [(end, said)] = play.feed(Decided(2.0, seek.hold, "edit", "ada", json.dumps(edited).encode()))
    assert (end, said["params"]["messages"][0]["content"]["text"]) == ("client", SECRET)
    written = b"".join(piece for effect in play.effects if isinstance(effect, Append) for piece in effect.pieces)
    assert b'"decision":"edit"' in written
    assert SECRET.encode() not in written
