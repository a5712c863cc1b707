"""The same recording and the same bytes of the client give the same bytes of the server: over real pipes, in whatever
pieces the bytes come, whichever task is late, and however long the other side of a pipe takes.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Coroutine, Generator
from functools import cache
from typing import Any

import pytest
from tests.edge.replaying_world import RECORDINGS

from interpose.core.recording.entry import Header
from interpose.core.replay.options import Options
from interpose.core.replay.strict import server_player
from interpose.edge.replaying.link import PlayerLink
from interpose.edge.replaying.reading import Recorded, read_script
from interpose.edge.replaying.server import PlayedServerSession
from interpose.edge.runner import Conversation, stopwatch
from interpose.edge.stores.jsonl import RecordingReader
from interpose.edge.transports import pipes
from interpose.edge.transports.stdio import StdioLink

RUNS = 200
LATE = 0.5  # how often a task that could go on does not yet
NESTED = (
    "2025-11-25/everything-stdio-ts1.jsonl",
    "2025-11-25/py-http-py.jsonl",
    "2025-06-18/py-stdio-py.jsonl",
    "2026-07-28/py-stdio-py.jsonl",
    "2026-07-28/fastmcp-stdio-py.jsonl",
)


class Hesitant(Coroutine[Any, Any, Any]):
    """A task's coroutine that lets the others go first, as chance will have it."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], chance: random.Random) -> None:
        self._coroutine = coroutine
        self._chance = chance

    def send(self, value: Any) -> Any:
        return None if self._chance.random() < LATE else self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()

    def __getattr__(self, name: str) -> Any:
        """How far it is (`cr_running` and the like): who cancels a task looks at that."""
        return getattr(self._coroutine, name)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()


@cache
def recorded(name: str) -> Recorded:
    return read_script(str(RECORDINGS / name), "server", Options())


@cache
def client_bytes(name: str) -> bytes:
    """All that the recorded client said, as one stream."""
    with RecordingReader(RECORDINGS / name) as reader:
        said = [entry.payload() for entry in reader if entry.kind == "message" and entry.end == "client"]
    return b"".join(each + b"\n" for each in said if each)


def played(name: str, seed: int) -> bytes:
    """What the recorded server writes in a run of that seed."""
    chance = random.Random(f"{name} {seed}")
    (client_out, ours_in), (ours_out, client_in) = os.pipe(), os.pipe()
    heard = bytearray()
    writing = threading.Thread(target=_write, args=(ours_in, client_bytes(name), random.Random(chance.random())))
    reading = threading.Thread(target=_read, args=(ours_out, heard, random.Random(chance.random())))
    writing.start()
    reading.start()
    try:
        asyncio.run(_session(recorded(name), client_out, client_in, chance))
    finally:
        os.close(client_out)
        os.close(client_in)
        writing.join()
        reading.join()
    return bytes(heard)


async def _session(recording: Recorded, client_out: int, client_in: int, chance: random.Random) -> None:
    def factory(loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(Hesitant(coroutine, chance), loop=loop, **options)

    asyncio.get_running_loop().set_task_factory(factory)
    clock = stopwatch()
    conversation = Conversation(Header("s", "", {}, {}, ""), None, clock, print)
    server = PlayerLink("server", server_player(recording.script, recording.options), clock)
    reader, writer = await pipes.reader(client_out), await pipes.writer(client_in, lambda: None)
    await PlayedServerSession(conversation, server, StdioLink("client", reader, writer, clock)).run()


def _write(fd: int, data: bytes, chance: random.Random) -> None:
    """Write in pieces, some of them cut in the middle of a line or a character, with pauses."""
    while data:
        size = chance.choice((1, 30, 300, 3000))
        os.write(fd, data[:size])
        data = data[size:]
        if chance.random() < 0.8:
            time.sleep(chance.random() / 1000)
    os.close(fd)


def _read(fd: int, heard: bytearray, chance: random.Random) -> None:
    while piece := os.read(fd, chance.choice((10, 1000, 65536))):
        heard.extend(piece)
        if chance.random() < 0.05:
            time.sleep(chance.random() / 1000)
    os.close(fd)


@pytest.mark.parametrize("name", NESTED)
def test_two_hundred_times_the_same_bytes(name: str) -> None:
    first = played(name, 0)
    said = sum(recorded(name).script.own(row) for row in range(len(recorded(name).script)))
    assert first.count(b"\n") == said, "all that was recorded was said"
    different = [seed for seed in range(1, RUNS) if played(name, seed) != first]
    assert not different, "these seeds"
