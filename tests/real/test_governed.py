"""A block holds with real SDKs at both ends: the tool call ends, the client is not asked, the session lives on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.real.conftest import spawned, wait_until
from tests.real.test_transparency import INTERPOSE
from tests.real.world import CLIENTS, SERVERS, STATELESS, Transport

from interpose.edge.stores.jsonl import RecordingReader

if TYPE_CHECKING:
    from tests.real.conftest import Listening, Play

pytestmark = pytest.mark.real

STEPS = {"sampling": "sampling", "form_accept": "elicitation", "url_accept": "elicitation.url", "roots": "roots"}
# client, era, server, how both are reached
_TABLE: tuple[tuple[str, str, str, Transport], ...] = (
    ("py", "2025-11-25", "py", "stdio"),
    ("py", STATELESS, "py", "stdio"),
    ("ts1", "2025-11-25", "everything", "stdio"),
    ("ts2", STATELESS, "ts2", "stdio"),
    ("ts2", "2025-11-25", "ts2", "stdio"),
    ("py", "2025-11-25", "py", "http"),
    ("py", STATELESS, "py", "http"),
    ("ts1", "2025-11-25", "everything", "http"),
    ("ts2", STATELESS, "ts2", "http"),
    ("ts2", "2025-11-25", "ts2", "http"),
    ("py", "2025-11-25", "py", "sse"),
)


@pytest.mark.parametrize("peers", _TABLE, ids="-".join)
def test_a_blocked_ask_ends_its_call_and_nothing_else(
    peers: tuple[str, str, str, Transport], listening: Listening, play: Play, tmp_path: Path
) -> None:
    client, era, server, transport = peers
    steps = tuple(step for step in STEPS if step in SERVERS[server].steps)
    rules = [word for what in ("sampling", "elicitation", "roots") for word in ("--block", what)]
    options = [*rules, "--record", f"{tmp_path / 'recordings'}/"]
    wanted = ("hello", *steps, "call_echo")
    if transport == "stdio":
        shim = [*INTERPOSE, "run", *options, "--", *SERVERS[server].stdio_command()]
        played = play(CLIENTS[client], era, wanted, ["--stdio", *shim])
    else:
        url = SERVERS[server].url(transport, listening(SERVERS[server], transport))
        with relay([*options, "--upstream", url], tmp_path / "interpose.log") as port:
            flag = "--sse" if transport == "sse" else "--url"
            played = play(CLIENTS[client], era, wanted, [flag, SERVERS[server].url(transport, port)])
    assert "Echo" in str(played["call_echo"]), played
    for step in steps:
        assert not was_asked(played[step]), (step, played[step])
    assert decided(tmp_path / "recordings") >= {"block-sampling", "block-elicitation", "block-roots"}


@contextmanager
def relay(options: list[str], log: Path) -> Iterator[int]:
    """Interpose before a URL or a command; gives its port. It has nothing to say but where it listens."""
    command = [*INTERPOSE, "run", "--listen", "127.0.0.1:0", *options]
    with (
        log.open("wb") as sink,
        spawned(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sink) as process,
    ):
        found = wait_until(lambda: re.search(rb"listening on http://127\.0\.0\.1:(\d+)", log.read_bytes()), process)
        yield int(found[1])
    passed_on = "--" in options  # what the command's process says
    said = [line for line in log.read_bytes().splitlines() if not passed_on or line.startswith(b"interpose:")]
    assert len(said) == 1, log.read_text()


def was_asked(outcome: Any) -> bool:
    return isinstance(outcome, dict) and outcome.get("asked") is True


def decided(folder: Path) -> set[str]:
    """The rules that had their way, as the recordings tell."""
    found: set[str] = set()
    for path in folder.iterdir():
        with RecordingReader(path) as reader:
            for entry in reader:
                rules = (entry.verdict or {}).get("rules", [])
                found |= {rule["rule"] for rule in rules if rule.get("acted", True)}
        assert reader.problems == []
    return found
