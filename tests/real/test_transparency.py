"""Nothing changes because interpose is there, and everything that crossed is in the recording, exactly once.

Each combination of real peers runs with a byte tap on either side of interpose. What one tap saw, the other must have
seen, byte for byte; of HTTP, what a reverse proxy may not rewrite.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.real.conftest import spawned, wait_until
from tests.real.taps import Exchange, TcpTap, read_exchanges, read_stdio
from tests.real.test_peers import failures
from tests.real.world import TAPS, Combo, combos

from interpose.core.session.session import Session
from interpose.core.wire.message import Message, read
from interpose.core.wire.sse import BlockSplitter
from interpose.edge.stores.jsonl import RecordingReader

if TYPE_CHECKING:
    from tests.real.conftest import Listening, Play

pytestmark = pytest.mark.real

INTERPOSE = [sys.executable, "-m", "interpose"]
REWRITTEN = {b"host", b"connection", b"keep-alive", b"transfer-encoding"}
SURPRISES = {"orphan", "duplicate-id"}  # a repeated answer is none: a resumed stream repeats events

Messages = Counter[bytes]


def of(transports: set[str]) -> list[Combo]:
    return [combo for combo in combos() if combo.transport in transports]


@pytest.mark.parametrize("combo", of({"stdio"}), ids=lambda combo: combo.name)
def test_both_ends_of_stdio_get_the_bytes_that_the_other_sent(combo: Combo, play: Play, tmp_path: Path) -> None:
    outer, inner, record = tmp_path / "outer", tmp_path / "inner", tmp_path / "recordings"
    shim = [*INTERPOSE, "run", "--record", f"{record}/", "--"]
    server = [*tap_command(inner), *combo.server.stdio_command()]
    played = play(combo.client, combo.era, combo.steps, ["--stdio", *tap_command(outer), *shim, *server])
    assert not failures(played)
    seen_outside, seen_inside = read_stdio(outer), read_stdio(inner)
    assert seen_outside == seen_inside
    sent, said = (b"".join(stream) for stream in zip(*seen_outside, strict=True))
    assert recorded(record) == (lines(sent), lines(said))


@pytest.mark.parametrize("combo", of({"http", "sse"}), ids=lambda combo: combo.name)
def test_both_ends_of_http_get_what_the_other_sent(
    combo: Combo, listening: Listening, play: Play, tmp_path: Path
) -> None:
    outer, inner, record = tmp_path / "outer", tmp_path / "inner", tmp_path / "recordings"
    port = listening(combo.server, combo.transport)
    with TcpTap(inner, port) as behind:
        url = combo.server.url(combo.transport, behind.port)
        with relaying(url, record, tmp_path / "interpose.log") as front, TcpTap(outer, front) as ahead:
            flag = "--sse" if combo.transport == "sse" else "--url"
            where = [flag, combo.server.url(combo.transport, ahead.port)]
            played = play(combo.client, combo.era, combo.steps, where)
    assert not failures(played)
    compare(read_exchanges(outer), read_exchanges(inner))
    sent, said = recorded(record)
    assert sent == total(client_messages(each) for each in read_exchanges(outer))
    assert total(server_messages(each) for each in read_exchanges(outer)) <= said
    assert said <= total(server_messages(each) for each in read_exchanges(inner))


def tap_command(folder: Path) -> list[str]:
    """What to put before a stdio server's command."""
    return [sys.executable, str(TAPS), "stdio", str(folder), "--"]


@contextmanager
def relaying(url: str, record: Path, log: Path) -> Iterator[int]:
    """Interpose as a reverse proxy before a URL; gives its port."""
    command = [*INTERPOSE, "run", "--listen", "127.0.0.1:0", "--record", f"{record}/", "--upstream", url]
    with (
        log.open("wb") as sink,
        spawned(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sink) as process,
    ):
        found = wait_until(lambda: re.search(rb"listening on http://127\.0\.0\.1:(\d+)", log.read_bytes()), process)
        yield int(found[1])
    assert log.read_bytes().count(b"\n") == 1, log.read_text()


def recorded(folder: Path) -> tuple[Messages, Messages]:
    """All messages of all recordings in a folder, by who sent them; the sessions in them must make sense."""
    sides: dict[str, Messages] = {"client": Counter(), "server": Counter()}
    for path in folder.iterdir():
        session = Session()
        with RecordingReader(path) as reader:
            for entry in reader:
                event = entry.event()
                if entry.kind == "message":
                    sides[entry.end or ""][entry.payload() or b""] += 1
                odd = {note for each in (session.see(entry.seq, event) if event else ()) for note in each.notes}
                assert not odd & SURPRISES, (path.name, entry.seq, odd)
        assert reader.problems == []
        assert os.stat(path).st_mode & 0o077 == 0
    return sides["client"], sides["server"]


def lines(stream: bytes) -> Messages:
    return Counter(line for line in stream.split(b"\n") if line)


def total(messages: Iterator[list[Message]]) -> Messages:
    return Counter(message.raw for each in messages for message in each)


def client_messages(exchange: Exchange) -> list[Message]:
    return [read(exchange.request_body)] if exchange.request_body else []


def server_messages(exchange: Exchange) -> list[Message]:
    kind = {name.lower(): value for name, value in exchange.response_headers}.get(b"content-type", b"")
    if kind.startswith(b"application/json"):
        return [read(exchange.response_body)] if exchange.response_body else []
    if not kind.startswith(b"text/event-stream"):
        return []
    blocks = BlockSplitter().feed(exchange.response_body)
    return [read(block.data) for block in blocks if block.data and block.event == "message"]


def compare(outside: list[Exchange], inside: list[Exchange]) -> None:
    """Every exchange outside has its twin inside."""
    twins: dict[object, list[Exchange]] = {}
    for exchange in inside:
        twins.setdefault(request_of(exchange), []).append(exchange)
    for exchange in outside:
        twin = closest(exchange, twins[request_of(exchange)])
        assert (exchange.status, kept(exchange.response_headers)) == (twin.status, kept(twin.response_headers))
        if exchange.complete:
            assert exchange.response_body == twin.response_body
        else:
            assert twin.response_body.startswith(exchange.response_body)
    assert not any(twins.values()), "interpose asked for something of its own"


def closest(exchange: Exchange, candidates: list[Exchange]) -> Exchange:
    """Take the twin that answers alike; several requests may be equal to the letter."""
    for index, candidate in enumerate(candidates):
        if candidate.response_body.startswith(exchange.response_body) and candidate.status == exchange.status:
            return candidates.pop(index)
    return candidates.pop(0)


def request_of(exchange: Exchange) -> object:
    return (exchange.method, exchange.target, tuple(kept(exchange.request_headers)), exchange.request_body)


def kept(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that must arrive as they were sent, in their order and spelling."""
    return [(name, value) for name, value in headers if name.lower() not in REWRITTEN]
