"""Unmodified SDK clients over TLS: they play as without a proxy, and all that crossed is in the recording, once.

In regular mode the clients speak TLS to mitmproxy, so what a server got is compared with what was recorded. In reverse
mode there is a tap on either side of all of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.real.taps import Exchange, TcpTap, read_exchanges
from tests.real.test_peers import failures
from tests.real.test_transparency import client_messages, compare, recorded, server_messages, total
from tests.real.tls.authority import Authority
from tests.real.tls.front import TlsFront
from tests.real.tls.world import INTERPOSE, MITMDUMP, intercepting, require
from tests.real.world import CLIENTS, SERVERS, STATELESS, Client, Combo, combos

if TYPE_CHECKING:
    from tests.real.conftest import Listening, Play

pytestmark = pytest.mark.real

STEPS = ("hello", "call_echo", "sampling", "call_add")
_GOVERNED = [
    Combo(CLIENTS[client], SERVERS[server], "http", era, STEPS)
    for client, era, server in (("py", "2025-11-25", "py"), ("py", STATELESS, "py"), ("ts2", STATELESS, "ts2"))
]
RULES = 'name = "strict"\n[[rule]]\nname = "no-sampling"\nask = "sampling"\ndo = "block"\n'


def over_http() -> list[Combo]:
    return [combo for combo in combos() if combo.transport != "stdio"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> tuple[Path, Path]:
    return authority.sign("server")


def through(client: Client, folder: Path, authority: Authority, *options: str) -> Client:
    """The same client, started by an interception that records in a folder."""
    require()
    command = [*INTERPOSE, "intercept", "--record", f"{folder / 'recordings'}/", "--mitmdump", str(MITMDUMP)]
    command += ["--confdir", str(folder / "conf"), "--upstream-ca", str(authority.certificate), *options, "--"]
    return replace(client, command=(*command, *client.command))


def where(combo: Combo, port: int, scheme: str = "https") -> list[str]:
    url = combo.server.url(combo.transport, port).replace("http://127.0.0.1", f"{scheme}://localhost")
    return ["--sse" if combo.transport == "sse" else "--url", url]


@pytest.mark.parametrize("combo", over_http(), ids=lambda combo: combo.name)
def test_everything_that_crossed_is_recorded_once(
    combo: Combo,
    authority: Authority,
    certificate: tuple[Path, Path],
    listening: Listening,
    play: Play,
    tmp_path: Path,
) -> None:
    inner = tmp_path / "inner"
    port = listening(combo.server, combo.transport)
    with TcpTap(inner, port) as behind, TlsFront(*certificate, behind.port) as front:
        played = play(through(combo.client, tmp_path, authority), combo.era, combo.steps, where(combo, front.port))
        assert not front.problems
    assert not failures(played)
    sent, said = recorded(tmp_path / "recordings")
    exchanges = read_exchanges(inner)
    assert sent == total(client_messages(each) for each in exchanges)
    assert said <= total(server_messages(each) for each in exchanges)
    assert whole(exchanges) <= said
    assert not any(name.lower().startswith(b"interpose-") for each in exchanges for name, _ in each.request_headers)


def whole(exchanges: list[Exchange]) -> Counter[bytes]:
    """What servers said in replies that their clients heard to the end."""
    return total(server_messages(each) for each in exchanges if each.complete)


@pytest.mark.parametrize(
    "combo",
    [combo for combo in over_http() if combo.name in {
        "py-2025-11-25-py-http", "py-2026-07-28-fastmcp-http", "py-2025-11-25-py-sse", "ts1-2025-11-25-everything-http"
    }],
    ids=lambda combo: combo.name,
)  # fmt: skip
def test_both_ends_get_what_the_other_sent(
    combo: Combo,
    authority: Authority,
    certificate: tuple[Path, Path],
    listening: Listening,
    play: Play,
    tmp_path: Path,
) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    port = listening(combo.server, combo.transport)
    with TcpTap(inner, port) as behind, TlsFront(*certificate, behind.port) as front:
        mode = f"reverse:https://localhost:{front.port}"
        with (
            intercepting(tmp_path, authority, "--mode", mode) as interception,
            TcpTap(outer, interception.port) as ahead,
        ):
            played = play(combo.client, combo.era, combo.steps, where(combo, ahead.port, "http"))
    assert not failures(played)
    compare(read_exchanges(outer), read_exchanges(inner))


@pytest.mark.parametrize("combo", _GOVERNED, ids=lambda combo: combo.name)
def test_a_policy_holds_through_tls(
    combo: Combo,
    authority: Authority,
    certificate: tuple[Path, Path],
    listening: Listening,
    play: Play,
    tmp_path: Path,
) -> None:
    """The model is never asked; what has nothing to do with it goes on."""
    (tmp_path / "rules.toml").write_text(RULES)
    client = through(combo.client, tmp_path, authority, "--policy", str(tmp_path / "rules.toml"))
    port = listening(combo.server, combo.transport)
    with TlsFront(*certificate, port) as front:
        played = play(client, combo.era, combo.steps, where(combo, front.port))
    assert "error" not in played["call_echo"], played
    assert "error" not in played["call_add"], played
    text = "".join(path.read_text() for path in (tmp_path / "recordings").iterdir())
    assert '"no-sampling"' in text
