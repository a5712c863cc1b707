"""A running `interpose run` with messages that wait for a decision, and `interpose approvals` beside it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.edge.governed_world import call, dump
from tests.edge.processes import INTERPOSE, SECONDS, shim

CHILD = [sys.executable, str(Path(__file__).parents[1] / "edge" / "governed_child.py")]
HOLD = '[[rule]]\nname = "ask-first"\ntool = "deploy"\nkind = "request"\ndo = "hold"\ntimeout = {seconds}\n'


class Runtime:
    """A runtime folder of a test's own: sockets need short names."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "XDG_STATE_HOME": f"{folder}/state"}

    @property
    def sockets(self) -> list[Path]:
        return sorted(self.folder.glob("interpose/*.sock"))

    def approvals(self, *words: str, status: int = 0) -> str:
        """What `interpose approvals` prints; with a status that is an error, what it complains of."""
        done = subprocess.run(
            [*INTERPOSE, "approvals", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stderr if status else done.stdout

    def waiting(self, count: int = 1) -> list[Any]:
        """What waits, once that are so many."""
        return until(lambda: len(found := self._waiting()) == count and (found or [None]))

    def _waiting(self) -> list[Any]:
        return [json.loads(line) for line in self.approvals("--json").splitlines()]


@contextmanager
def runtime() -> Iterator[Runtime]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Runtime(folder)


class Client:
    """A client on stdio."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def say(self, *messages: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(dump(message) + b"\n" for message in messages))
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self) -> int:
        """Close; the exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(SECONDS)


@contextmanager
def session(
    home: Runtime, *options: str, record: Path | None = None, server: Sequence[str] = CHILD
) -> Iterator[Client]:
    """A client whose calls of `deploy` are held, unless the options say other rules."""
    words = options if any(word in options for word in ("--policy", "--hold")) else ("--hold", "tool=deploy", *options)
    with subprocess.Popen(
        shim([*server], *words, record=record),
        env=home.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield Client(process)
        finally:
            process.kill()


def deploy(ident: int = 7) -> Any:
    return call(ident)


def until(probe: Callable[[], Any]) -> Any:
    """What `probe` gives once it gives something."""
    deadline = time.monotonic() + SECONDS
    while not (found := probe()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found
