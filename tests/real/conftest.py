"""Starts real servers and clients for tests, waits for them within bounds, and ends only what it started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.real.world import EVERYTHING, HERE, Client, Server, Transport

START_SECONDS = 30
CLIENT_SECONDS = 60
STOP_SECONDS = 5

Listening = Callable[[Server, Transport], int]
Play = Callable[[Client, str, tuple[str, ...], list[str]], dict[str, Any]]


@pytest.fixture(scope="session")
def npm() -> Path:
    """The folder of the TypeScript peers, which have to be installed."""
    if not EVERYTHING.is_file():
        pytest.fail(f"the TypeScript peers are not installed; run `npm ci` in {HERE}", pytrace=False)
    return HERE


def end(process: subprocess.Popen[Any]) -> None:
    """End a process that leads its own group, and the group with it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        if number == signal.SIGKILL:
            return


@contextmanager
def spawned(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which is ended with the block."""
    with subprocess.Popen(command, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            end(process)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


def wait_until(probe: Callable[[], Any], process: subprocess.Popen[Any], seconds: float = START_SECONDS) -> Any:
    """What `probe` gives once it gives something; fails when the process ends or the time is over before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := probe():
            return found
        if process.poll() is not None:
            break
        time.sleep(0.02)
    pytest.fail(f"process {process.args!r} did not get there within {seconds} s")


def wait_for_port(process: subprocess.Popen[bytes], server: Server, log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace")
        if found := server.ready.search(said):
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.02)
    pytest.fail(f"server `{server.name}` does not listen; it said:\n{log.read_text(errors='replace')}")


@pytest.fixture
def listening(npm: Path, tmp_path: Path) -> Iterator[Listening]:
    """Starts a server over HTTP or HTTP+SSE and gives the port it listens on."""
    with ExitStack() as stack:

        def start(server: Server, transport: Transport) -> int:
            log = tmp_path / f"server-{len(list(tmp_path.glob('server-*')))}.log"
            return stack.enter_context(serving(server, transport, log))

        yield start


@contextmanager
def serving(server: Server, transport: Transport, log: Path) -> Iterator[int]:
    """A server that listens; gives its port."""
    command, environment = server.listen_command(transport, 0 if server.picks_port else free_port())
    nothing = subprocess.DEVNULL
    with (
        log.open("wb") as sink,
        spawned(command, env={**os.environ, **environment}, stdin=nothing, stdout=nothing, stderr=sink) as process,
    ):
        yield wait_for_port(process, server, log)


@contextmanager
def behind(server: Server, inside: Transport, folder: Path) -> Iterator[list[str]]:
    """A server, for as many sessions as there are; gives the words by which interpose finds it."""
    if inside == "stdio":
        yield ["--", *server.stdio_command()]
        return
    with serving(server, inside, folder / "server.log") as port:
        yield ["--upstream", server.url(inside, port)]


@pytest.fixture
def play(npm: Path, tmp_path: Path) -> Play:
    """Runs a client to its end and gives its steps."""

    def run(client: Client, era: str, steps: tuple[str, ...], target: list[str]) -> dict[str, Any]:
        return run_client(client, client.run_command(era, steps, target), tmp_path / "client.log")

    return run


def run_client(client: Client, command: list[str], log: Path) -> dict[str, Any]:
    """Run a client to its end; what came of its steps."""
    with (
        log.open("wb") as sink,
        spawned(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sink) as process,
    ):
        try:
            output, _ = process.communicate(timeout=CLIENT_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"client `{client.name}` did not end; it said:\n{log.read_text(errors='replace')}")
    if process.returncode != 0:
        said = log.read_text(errors="replace")
        pytest.fail(f"client `{client.name}` ended with {process.returncode}; it said:\n{said}")
    played: dict[str, Any] = json.loads(output)["steps"]
    return played
