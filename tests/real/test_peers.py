"""The real peers, put together without a proxy: what they do with each other is what a proxy must preserve."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.real.taps import TcpTap, read_exchanges, read_stdio
from tests.real.world import CLIENTS, SERVERS, STATELESS, TAPS, Combo, combos, steps_for

if TYPE_CHECKING:
    from tests.real.conftest import Listening, Play

pytestmark = pytest.mark.real


def target(combo: Combo, port: int) -> list[str]:
    if combo.transport == "stdio":
        return ["--stdio", *combo.server.stdio_command()]
    return ["--sse" if combo.transport == "sse" else "--url", combo.server.url(combo.transport, port)]


def failures(played: dict[str, Any]) -> dict[str, Any]:
    return {name: said for name, said in played.items() if isinstance(said, dict) and "error" in said}


@pytest.mark.parametrize("combo", list(combos()), ids=lambda combo: combo.name)
def test_every_step_succeeds_without_a_proxy(combo: Combo, listening: Listening, play: Play) -> None:
    port = 0 if combo.transport == "stdio" else listening(combo.server, combo.transport)
    played = play(combo.client, combo.era, combo.steps, target(combo, port))
    assert not failures(played)
    assert tuple(played) == combo.steps
    assert played["hello"][0] == combo.version


def find(client: str, era: str, server: str, transport: Any) -> Combo:
    steps = steps_for(CLIENTS[client], SERVERS[server], era)
    return Combo(CLIENTS[client], SERVERS[server], transport, era, steps)


@pytest.mark.parametrize("client", ["py", "ts2"])
def test_a_stdio_tap_changes_no_outcome_and_keeps_every_message(client: str, play: Play, tmp_path: Path) -> None:
    combo = find(client, f"auto {STATELESS}", "ts2", "stdio")
    command = combo.server.stdio_command()
    direct = play(combo.client, combo.era, combo.steps, ["--stdio", *command])
    tap = [sys.executable, str(TAPS), "stdio", str(tmp_path / "tap"), "--", *command]
    tapped = play(combo.client, combo.era, combo.steps, ["--stdio", *tap])
    assert tapped == direct
    lines = [json.loads(line) for sent, _ in read_stdio(tmp_path / "tap") for line in sent.splitlines()]
    assert lines[0]["method"] == "server/discover"
    assert [line["params"]["name"] for line in lines if line["method"] == "tools/call"].count("echo") >= 6


@pytest.mark.parametrize(("era", "transport"), [("2025-11-25", "http"), (STATELESS, "http"), ("2025-11-25", "sse")])
def test_a_tcp_tap_changes_no_outcome_and_its_logs_read_as_exchanges(
    era: str, transport: Any, listening: Listening, play: Play, tmp_path: Path
) -> None:
    combo = find("py", era, "py", transport)
    direct = play(combo.client, era, combo.steps, target(combo, listening(combo.server, transport)))
    with TcpTap(tmp_path / "tap", listening(combo.server, transport)) as tap:
        tapped = play(combo.client, era, combo.steps, target(combo, tap.port))
    assert tapped == direct
    exchanges = read_exchanges(tmp_path / "tap")
    assert {exchange.status for exchange in exchanges} <= {200, 202}
    posted = [json.loads(exchange.request_body) for exchange in exchanges if exchange.method == "POST"]
    echoed = [body for body in posted if body.get("params", {}).get("name") == "echo"]
    assert len(echoed) == 6
    if era == STATELESS:  # the client cancels, and ends its subscription, by closing the stream
        cut = [json.loads(exchange.request_body)["method"] for exchange in exchanges if not exchange.complete]
        assert sorted(cut) == ["subscriptions/listen", "tools/call"]


def stdio_tap(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    tap = [sys.executable, str(TAPS), "stdio", str(folder), "--", *command]
    return subprocess.Popen(tap, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_stdio_tap_passes_on_bytes_the_end_and_the_exit_code(tmp_path: Path) -> None:
    sent = b"no newline \xff at the end"
    with stdio_tap(tmp_path, "sh", "-c", "cat; exit 7") as tap:
        received, _ = tap.communicate(sent, timeout=10)
    assert (received, tap.returncode) == (sent, 7)
    assert read_stdio(tmp_path) == [(sent, sent)]


def test_a_stdio_tap_passes_on_sigterm(tmp_path: Path) -> None:
    script = "trap 'echo bye; exit 5' TERM; echo ready; while :; do read line; done"
    with stdio_tap(tmp_path, "sh", "-c", script) as tap:
        assert tap.stdout is not None
        assert tap.stdout.readline() == b"ready\n"
        tap.send_signal(signal.SIGTERM)
        assert tap.stdin is not None
        tap.stdin.write(b"wakes the shell from its read\n")
        tap.stdin.flush()
        assert tap.stdout.read() == b"bye\n"
        assert tap.wait(10) == 5


def test_logs_of_a_kept_connection_that_was_cut_read_as_exchanges(tmp_path: Path) -> None:
    ask = b"POST /mcp HTTP/1.1\r\nHost: a\r\nMcp-Name: x\r\nContent-Length: 2\r\n\r\n{}"
    probe = b"HEAD /mcp HTTP/1.1\r\nHost: a\r\n\r\n"
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    bodiless = b"HTTP/1.1 405 No\r\nContent-Length: 10\r\n\r\n"
    cut = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndata: \r\n9\r\nhalf"
    (tmp_path / "conn-001.in").write_bytes(ask + probe + ask + ask)
    (tmp_path / "conn-001.out").write_bytes(whole + bodiless + cut)
    exchanges = read_exchanges(tmp_path)
    assert [(each.method, each.status, each.response_body, each.complete) for each in exchanges] == [
        ("POST", 200, b"abc", True),
        ("HEAD", 405, b"", True),
        ("POST", 200, b"data: half", False),
        ("POST", 0, b"", False),
    ]
    assert exchanges[0].request_headers[1] == (b"Mcp-Name", b"x")
