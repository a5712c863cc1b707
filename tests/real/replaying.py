"""Sessions of real peers to record, and the ways to play them again: a table and the commands, not a test."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from tests.real.conftest import run_client, serving, spawned, wait_until
from tests.real.world import CLIENTS, PEERS, SERVERS, STATELESS, Client, Server, Transport, steps_for

INTERPOSE = [sys.executable, "-m", "interpose"]
SECONDS = 60
FLAGS: dict[Transport, str] = {"http": "--url", "sse": "--sse"}
SWEEP = ("every_tool", "every_resource", "every_template", "every_prompt", "every_completion")
SWEEPER = replace(CLIENTS["py"], name="sweep", command=(sys.executable, str(PEERS / "py_sweep.py")))
# What server-everything tells: its environment, the time of day, the id of an HTTP session; and logs by lot.
_VARYING = (
    "tools/call get-env $.result.content[*].text",
    "tools/call toggle-* $.result.content[*].text",
    "tools/call get-resource-reference $.result.content[*].resource.blob",
    "prompts/get resource-prompt $.result.messages[*].content.resource.text",
    "resources/read demo://resource/dynamic/* $.result.contents[*].text",
    "resources/read demo://resource/dynamic/* $.result.contents[*].blob",
)
EVERYTHING_VARIES = ("--free", "notifications/message", *(word for path in _VARYING for word in ("--ignore", path)))

Steps = dict[str, Any]
Result = subprocess.CompletedProcess[bytes]


class Session(NamedTuple):
    """A client and a server that meet; `varies` are the options for what this server never does twice alike."""

    client: Client
    server: Server
    era: str
    transport: Transport
    steps: tuple[str, ...]
    varies: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.client.name}-{self.era}-{self.server.name}-{self.transport}"

    @property
    def other(self) -> Transport:
        """A transport that the client can be served over, and that the session was not recorded over."""
        return "http" if self.transport == "stdio" else "stdio"

    def play(self, target: list[str], log: Path) -> Steps:
        """Run the client; what came of its steps."""
        return run_client(self.client, self.client.run_command(self.era, self.steps, target), log)

    def record(self, path: Path, port: int | None) -> Steps:
        """Run the client through interpose, before a child or before the server that listens there."""
        log = path.with_suffix(".log")
        run = [*INTERPOSE, "run", "--record", str(path)]
        if port is None:
            return self.play(["--stdio", *run, "--", *self.server.stdio_command()], log)
        shim = [*run, "--listen", "127.0.0.1:0", "--upstream", self.server.url(self.transport, port)]
        with listening(shim, log.with_suffix(".shim")) as (front, _):
            return self.play(self._target(self.transport, front), log)

    def replay(self, path: Path, over: Transport, *options: str) -> tuple[Steps, int | None]:
        """Run the client against the recorded server; what came of its steps, and the exit code where it is seen."""
        log = path.with_suffix(".log")
        played = [*INTERPOSE, "replay", "server", str(path), *options]
        if over == "stdio":
            return self.play(["--stdio", *played], log), None
        with listening([*played, "--listen", "127.0.0.1:0"], log.with_suffix(".played")) as (front, process):
            steps = self.play(self._target(over, front), log)
            process.terminate()
            return steps, process.wait(SECONDS)

    def replay_client(self, path: Path, port: int | None, *options: str) -> Result:
        """The recorded client against the real server: a child, or the one that listens there."""
        where = ["--", *self.server.stdio_command()]
        if port is not None:
            where = ["--upstream", self.server.url(self.transport, port)]
        return interpose("replay", "client", str(path), "--deadline", "15", *self.varies, *options, *where)

    @contextmanager
    def served(self, folder: Path) -> Iterator[int | None]:
        """The server as long as the block lasts, where it is no child; its port."""
        if self.transport == "stdio":
            yield None
            return
        with serving(self.server, self.transport, folder / "server.log") as port:
            yield port

    def _target(self, over: Transport, port: int) -> list[str]:
        return [FLAGS[over], f"http://127.0.0.1:{port}/{'sse' if over == 'sse' else 'mcp'}"]


def interpose(*arguments: str, sent: bytes = b"") -> Result:
    """Run interpose to its end."""
    return subprocess.run([*INTERPOSE, *arguments], input=sent, capture_output=True, timeout=SECONDS, check=False)


@contextmanager
def listening(command: list[str], log: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Interpose as long as the block lasts, and the port it listens on."""
    nothing = subprocess.DEVNULL
    with log.open("wb") as sink, spawned(command, stdin=nothing, stdout=nothing, stderr=sink) as process:
        found = wait_until(lambda: re.search(rb"listening on http://127\.0\.0\.1:(\d+)", log.read_bytes()), process)
        yield int(found[1]), process


def _session(client: Client, server: str, era: str, transport: Transport, varies: tuple[str, ...] = ()) -> Session:
    its = SERVERS[server]
    # In which order calls that are made at once come over HTTP is chance, and `diff` would tell it.
    steps = tuple(step for step in steps_for(client, its, era) if step != "concurrent")
    return Session(client, its, era, transport, (*steps, *SWEEP) if client is SWEEPER else steps, varies)


LEGACY = "2025-11-25"
SESSIONS = (
    _session(SWEEPER, "everything", LEGACY, "stdio", EVERYTHING_VARIES),
    _session(CLIENTS["ts1"], "everything", LEGACY, "http", EVERYTHING_VARIES),
    _session(CLIENTS["ts1"], "everything", LEGACY, "sse", EVERYTHING_VARIES),
    _session(SWEEPER, "py", LEGACY, "http"),
    _session(SWEEPER, "py", STATELESS, "stdio"),
    _session(SWEEPER, "py", STATELESS, "http"),
    _session(SWEEPER, "fastmcp", LEGACY, "stdio"),
    _session(SWEEPER, "fastmcp", STATELESS, "http"),
)
