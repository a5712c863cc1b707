"""What a conversation does with time and with files, by the effects that the core asks for."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from interpose.core.effects import Effect, Store, Wake
from interpose.core.events import Event, Ticked, Told
from interpose.core.policy.engine import Engine
from interpose.core.recording.entry import Header
from interpose.edge.runner import Conversation, stopwatch

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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
