"""Replays as their users start them, and in-process links that are fed in pieces."""

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.edge.processes import INTERPOSE, SECONDS

RECORDINGS = Path(__file__).parents[2] / "recordings"
GOLDEN = sorted(RECORDINGS.rglob("*.jsonl"))
Result = subprocess.CompletedProcess[bytes]


def name_of(path: Path) -> str:
    return str(path.relative_to(RECORDINGS))


def as_server(recording: Path | str, *options: str) -> list[str]:
    return [*INTERPOSE, "replay", "server", str(recording), *options]


def as_client(recording: Path | str, *rest: str) -> list[str]:
    return [*INTERPOSE, "replay", "client", str(recording), *rest]


def report(path: Path) -> dict[str, Any]:
    """The first replay in a report."""
    found: dict[str, Any] = json.loads(path.read_bytes())["replays"][0]
    return found


@contextmanager
def listening(recording: Path | str, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A recorded server that listens, and its origin; ended by a signal with the block."""
    command = as_server(recording, "--listen", "127.0.0.1:0", *options)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline().decode()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found is not None, line
            yield found[0], process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)


class Pieces:
    """A reader that gives bytes in pieces of these sizes, letting the loop turn in between."""

    def __init__(self, data: bytes, sizes: list[int], turns: list[int]) -> None:
        self._data, self._sizes, self._turns = data, sizes, turns
        self._count = 0

    async def read(self, n: int) -> bytes:
        for _ in range(self._turns[self._count % len(self._turns)]):
            await asyncio.sleep(0)
        size = self._sizes[self._count % len(self._sizes)]
        self._count += 1
        piece, self._data = self._data[:size], self._data[size:]
        return piece


class Kept:
    """A writer that keeps what is written; `drain` lets the loop turn."""

    def __init__(self, turns: int) -> None:
        self.written = bytearray()
        self._turns = turns

    def write(self, data: bytes | memoryview) -> None:
        self.written += data

    async def drain(self) -> None:
        for _ in range(self._turns):
            await asyncio.sleep(0)

    def close(self) -> None: ...

    async def wait_closed(self) -> None: ...
