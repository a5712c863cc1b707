"""What a conversation does with time and with files, by the effects that the core asks for."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.core.session.talk import opened

from interpose.core.effects import Effect, Store, Wake
from interpose.core.events import End, Event, Frame, Received, Ticked, Told
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.recording.entry import Header
from interpose.edge.runner import Conversation, stopwatch
from interpose.edge.stores.jsonl import RecordingFile

pytestmark = pytest.mark.anyio
POLICY = """
[[rule]]
name = "broken-off"
tool = "fatal"
do = "fault"
fault = "disconnect"
"""


def conversing(monkeypatch: pytest.MonkeyPatch, script: dict[str, list[Effect]]) -> tuple[Conversation, list[Any]]:
    """A conversation whose core wants these effects when it is told a word; and all that it hears of time."""
    heard: list[Any] = []

    def feed(event: Event) -> list[Effect]:
        if isinstance(event, Ticked):
            heard.append(event.at)
        return script.get(event.text, []) if isinstance(event, Told) else []

    header = Header("s", "2026-11-22T10:00:00Z", {}, {"name": "s"}, "test")
    conversation = Conversation(header, None, stopwatch(), heard.append, Engine((), "s", b"secret"))
    monkeypatch.setattr(conversation.core, "feed", feed)
    return conversation, heard


async def test_the_core_hears_each_time_that_it_asked_for_once_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    conversation, heard = conversing(monkeypatch, {"go": [Wake(0.2), Wake(0.1), Wake(0.2), Wake(0.0)]})
    released: list[int] = []
    conversation.later = lambda: released.append(len(heard))
    conversation.tell("client", "note", "go")
    await asyncio.sleep(0.4)
    assert len(heard) == 3
    assert all(at >= due for at, due in zip(heard, (0.0, 0.1, 0.2), strict=True))
    assert released == [1, 2, 3]


async def test_a_conversation_that_is_over_hears_no_more_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    conversation, heard = conversing(monkeypatch, {"go": [Wake(0.05)]})
    conversation.tell("client", "note", "go")
    conversation.close("over")
    await asyncio.sleep(0.1)
    assert heard == []


async def test_a_file_is_stored_and_where_it_cannot_be_people_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = str(tmp_path / "pins"), str(tmp_path / "no" / "pins")
    conversation, heard = conversing(monkeypatch, {"go": [Store(bad, b"x"), Store(good, b"y")]})
    conversation.tell("client", "note", "go")
    assert (tmp_path / "pins").read_bytes() == b"y"
    assert heard == [f"{bad} cannot be written (No such file or directory); traffic goes on"]


class _Sink:
    """Writes down what it gets, and how many lines were recorded by then."""

    def __init__(self, end: End, path: Path) -> None:
        self.end = end
        self.got: list[tuple[bytes, int]] = []
        self._path = path
        self._sent = b""

    def send(self, channel: str, frame: Frame) -> None:
        self._sent += frame.raw + frame.tail

    def flush(self) -> None:
        self.got.append((self._sent, self._path.read_bytes().count(b"\n")))
        self._sent = b""

    def cut(self, channel: str) -> bool:
        return True


def _call(number: int, tool: str) -> tuple[bytes, bytes]:
    return b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%b"}}' % (number, tool.encode()), b"\n"


def test_lines_under_a_policy_are_recorded_before_they_go_on_and_none_after_it_broke_off(tmp_path: Path) -> None:
    recording = RecordingFile(tmp_path / "r.jsonl")
    header = Header("s", "2026-11-22T10:00:00Z", {}, {"name": "s"}, "test")
    engine = Engine([read_policy(POLICY, "p.toml")], "s", b"key")
    conversation = Conversation(header, recording, stopwatch(), print, engine)
    client, server = _Sink("client", recording.path), _Sink("server", recording.path)
    conversation.deliver_to(client, server)
    opening = [(event.frame.raw, b"\n") for event in opened(stateless=False) if isinstance(event, Received)]
    conversation.hear_lines("client", opening[:1])
    conversation.hear_lines("server", opening[1:2])
    conversation.hear_lines("client", [*opening[2:], _call(1, "echo")])
    server.got.clear()
    conversation.hear_lines("client", [_call(number, "echo") for number in range(2, 9)])
    together = b"".join(raw + tail for raw, tail in (_call(number, "echo") for number in range(2, 9)))
    assert server.got == [(together, 1 + 4 + 7)]
    server.got.clear()
    conversation.hear_lines("client", [_call(9, "echo"), _call(10, "fatal"), _call(11, "echo"), _call(12, "echo")])
    assert server.got == [(b"".join(_call(9, "echo")), 1 + 4 + 7 + 2)]
    conversation.close("over")
    assert b'"id":11' not in recording.path.read_bytes()
