"""The bridges: a client on one transport, a server on the other, and every step comes out as without a proxy.

Message by message, what one end sent is what the other got: ids that a shared child needs rewritten aside, and line
breaks between tokens, which stdio cannot carry.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.real.conftest import spawned, wait_until
from tests.real.taps import TcpTap, read_exchanges, read_stdio
from tests.real.test_peers import failures
from tests.real.test_transparency import INTERPOSE, client_messages, recorded, server_messages, tap_command, total
from tests.real.world import CLIENTS, SERVERS, STATELESS, Combo, Transport, steps_for

if TYPE_CHECKING:
    from tests.real.conftest import Listening, Play

pytestmark = pytest.mark.real

# client, era, server, how the client is reached, how the server is
_TABLE: tuple[tuple[str, str, str, Transport, Transport], ...] = (
    ("py", "2025-11-25", "py", "http", "stdio"),
    ("py", "2025-06-18", "py", "http", "stdio"),
    ("py", "2025-11-25", "py", "sse", "stdio"),
    ("py", STATELESS, "py", "http", "stdio"),
    ("py", f"auto {STATELESS}", "fastmcp", "http", "stdio"),
    ("ts1", "2025-11-25", "everything", "http", "stdio"),
    ("ts1", "2025-11-25", "everything", "sse", "stdio"),
    ("ts2", STATELESS, "ts2", "http", "stdio"),
    ("ts2", "2025-11-25", "ts2", "http", "stdio"),
    ("py", "2025-11-25", "py", "stdio", "http"),
    ("py", "2025-11-25", "py", "stdio", "sse"),
    ("py", STATELESS, "py", "stdio", "http"),
    ("py", f"auto {STATELESS}", "fastmcp", "stdio", "http"),
    ("py", "auto 2025-11-25", "everything", "stdio", "http"),
    ("ts1", "2025-11-25", "everything", "stdio", "http"),
    ("ts1", "2025-11-25", "everything", "stdio", "sse"),
    ("ts2", f"auto {STATELESS}", "ts2", "stdio", "http"),
    ("ts2", "2025-11-25", "ts2", "stdio", "http"),
)


def bridged(front: str, back: str) -> list[Any]:
    found = []
    for client, era, server, outside, inside in _TABLE:
        if (outside == "stdio", inside == "stdio") == (front == "stdio", back == "stdio"):
            steps = steps_for(CLIENTS[client], SERVERS[server], era)
            combo = Combo(CLIENTS[client], SERVERS[server], outside, era, steps)
            found.append(pytest.param(combo, inside, id=f"{combo.name}-on-{inside}"))
    return found


@pytest.mark.parametrize(("combo", "inside"), bridged("stdio", "http"))
def test_a_stdio_client_reaches_an_http_server(
    combo: Combo, inside: Transport, listening: Listening, play: Play, tmp_path: Path
) -> None:
    outer, inner, record = tmp_path / "outer", tmp_path / "inner", tmp_path / "recordings"
    with TcpTap(inner, listening(combo.server, inside)) as behind:
        url = combo.server.url(inside, behind.port)
        shim = [*INTERPOSE, "run", "--record", f"{record}/", "--upstream", url]
        played = play(combo.client, combo.era, combo.steps, ["--stdio", *tap_command(outer), *shim])
    assert not failures(played)
    sent, said = recorded(record)
    lines = [(into, out) for into, out in read_stdio(outer)]
    assert sent == Counter(line for into, _ in lines for line in into.split(b"\n") if line)
    told = Counter(line for _, out in lines for line in out.split(b"\n") if line)
    assert told == Counter({one_line(raw): count for raw, count in said.items()})
    posted = total(client_messages(each) for each in read_exchanges(inner))
    twice = posted - sent  # a handshake refused at a URL that speaks SSE is sent again to its endpoint
    assert {json.loads(raw).get("method") for raw in twice} == ({"initialize"} if inside == "sse" else set())
    assert {json.loads(raw).get("method") for raw in sent - posted} <= {"notifications/cancelled"}  # closes its stream
    assert not told - Counter({one_line(raw): n for raw, n in heard(inner).items()}) - synthesised(told)


@pytest.mark.parametrize(("combo", "inside"), bridged("http", "stdio"))
def test_http_clients_reach_a_stdio_server(combo: Combo, inside: Transport, play: Play, tmp_path: Path) -> None:
    outer, inner, record = tmp_path / "outer", tmp_path / "inner", tmp_path / "recordings"
    command = [*tap_command(inner), *combo.server.stdio_command()]
    with hosting(command, record, tmp_path / "interpose.log") as front, TcpTap(outer, front) as ahead:
        flag = "--sse" if combo.transport == "sse" else "--url"
        played = play(combo.client, combo.era, combo.steps, [flag, combo.server.url(combo.transport, ahead.port)])
    assert not failures(played)
    assert inside == "stdio"
    sent, said = recorded(record)
    assert sent == total(client_messages(each) for each in read_exchanges(outer))
    # What is refused at the door (a client that asks again after its DELETE) is interpose's own word.
    got = total(server_messages(each) for each in read_exchanges(outer) if each.status < 400)
    assert not got - said
    if combo.version == STATELESS:
        return  # ids are rewritten on the way down: tests/core/bridge shows that nothing else is
    streams = read_stdio(inner)
    assert not sent - Counter(line for into, _ in streams for line in into.split(b"\n"))
    assert said == Counter(line for _, out in streams for line in out.split(b"\n") if line)


@contextmanager
def hosting(command: list[str], record: Path, log: Path) -> Iterator[int]:
    """Interpose as an HTTP server before a command; gives its port."""
    shim = [*INTERPOSE, "run", "--listen", "127.0.0.1:0", "--record", f"{record}/", "--", *command]
    with (
        log.open("wb") as sink,
        spawned(shim, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sink) as process,
    ):
        found = wait_until(lambda: re.search(rb"listening on http://127\.0\.0\.1:(\d+)", log.read_bytes()), process)
        yield int(found[1])


def one_line(raw: bytes) -> bytes:
    return raw.replace(b"\r", b" ").replace(b"\n", b" ")


def heard(folder: Path) -> Counter[bytes]:
    return total(server_messages(each) for each in read_exchanges(folder))


def synthesised(messages: Counter[bytes]) -> Counter[bytes]:
    """What interpose answered itself, in the name of a server that answered with no message: it says so."""
    return Counter({raw: count for raw, count in messages.items() if b'"interpose"' in raw})
