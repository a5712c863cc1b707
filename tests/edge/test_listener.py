"""The listener by itself: who may come in, what goes wrong inside, and what slow clients do to others."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from tests.edge.relay_world import JSON, PING, PONG, SECONDS, Wire, post, relaying, reply

from interpose.core.errors import EndError
from interpose.edge.transports.listener import Listener, foreign, is_loopback

pytestmark = pytest.mark.anyio


class Ajar:
    """A door that says hello, or fails in one way or another."""

    def __init__(self) -> None:
        self.seen = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen += 1
        if request.raw_path == "/fails":
            raise RuntimeError("something\nunforeseen")
        if request.raw_path == "/fails-late":
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"half")
            raise RuntimeError("too late")
        return web.Response(text="hello")

    async def aclose(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def listening(host: str = "127.0.0.1") -> AsyncIterator[tuple[Listener, Ajar]]:
    door = Ajar()
    listener = Listener(door, host, 0)
    await listener.start()
    try:
        yield listener, door
    finally:
        with anyio.fail_after(SECONDS):
            await listener.stop()


async def connect(port: int) -> Wire:
    return Wire(*await asyncio.open_connection("127.0.0.1", port))


async def ask(port: int, *headers: str, path: str = "/") -> tuple[bytes, bytes]:
    """One request with just these headers."""
    wire = await connect(port)
    try:
        await wire.say("\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode())
        return await wire.message()
    finally:
        await wire.close()


LOCAL = ["127.0.0.1", "127.0.0.1:8900", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8900", "127.9.9.9:80"]
FOREIGN = ["evil.example", "evil.example:8900", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", ""]
FOREIGN += ["user@localhost", "localhost@evil.example", "localhost:80@evil.example", "127.0.0.1:evil", "localhost:"]
FOREIGN += [
    "localhost, evil.example",
    "localhost evil.example",
    "localhost/../evil",
    "localhost?evil",
    "localhost#evil",
]
FOREIGN += [
    "localhost\\evil",
    "[::1",
    "::1",
    "[::1].evil.example",
    "[localhost]",
    "127.1",
    "2130706433",
    "localhost:123456",
]
LOCAL_ORIGINS = ["http://localhost", "http://127.0.0.1:5173", "https://localhost:8443", "http://[::1]:3000"]
FOREIGN_ORIGINS = ["null", "https://evil.example", "http://localhost.evil.example", "http://localhost@evil.example", ""]
FOREIGN_ORIGINS += ["localhost", "//localhost", "http://localhost/", "http:/localhost", "file://", "http://"]


@pytest.mark.parametrize("host", LOCAL)
async def test_a_program_of_this_machine_may_come_in(host: str) -> None:
    assert foreign([host], []) is None


@pytest.mark.parametrize("host", FOREIGN)
async def test_a_host_that_is_not_this_machine_is_refused(host: str) -> None:
    async with listening() as (listener, door):
        head, body = await ask(listener.port, f"Host: {host}")
        assert b" 403 " in head.splitlines()[0]
        assert body.startswith(b"interpose: the Host header does not name this machine")
        assert door.seen == 0


@pytest.mark.parametrize(
    "hosts", [[], ["Host: localhost", "Host: localhost"], ["Host: localhost", "host: evil.example"]]
)
async def test_a_missing_or_second_host_is_refused(hosts: list[str]) -> None:
    async with listening() as (listener, door):
        head, _ = await ask(listener.port, *hosts)
        assert head.split()[1] in (b"400", b"403")
        assert door.seen == 0


@pytest.mark.parametrize("origin", LOCAL_ORIGINS)
async def test_a_page_of_this_machine_may_come_in(origin: str) -> None:
    async with listening() as (listener, door):
        head, _ = await ask(listener.port, "Host: localhost", f"Origin: {origin}")
        assert (head.split()[1], door.seen) == (b"200", 1)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    async with listening() as (listener, door):
        head, _ = await ask(listener.port, "Host: localhost", f"Origin: {origin}")
        assert (head.split()[1], door.seen) == (b"403", 0)


async def test_two_origins_are_refused() -> None:
    async with listening() as (listener, door):
        head, _ = await ask(listener.port, "Host: localhost", "Origin: http://localhost", "Origin: http://localhost")
        assert head.split()[1] in (b"400", b"403")
        assert door.seen == 0


async def test_what_is_refused_never_goes_upstream(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(PING, "Origin: https://evil.example"))
        assert (await client.message())[0].startswith(b"HTTP/1.1 403 ")
        assert ends.is_idle_upstream
    assert ends.recordings() == []


async def test_an_address_that_others_can_reach_takes_any_host_and_origin(tmp_path: Path) -> None:
    async with relaying(tmp_path, host="0.0.0.0") as ends:
        sent = post(PING, "Origin: https://app.example").replace(b"Host: 127.0.0.1", b"Host: mcp.example")
        client, _, received = await ends.exchange(sent, reply("200 OK", JSON, body=PONG))
        assert b"\r\nOrigin: https://app.example\r\n" in received
        assert (await client.message())[1] == PONG


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.8.8.8", True), ("0.0.0.0", False), ("::", False)],
)
def test_an_address_that_only_this_machine_reaches_is_told_from_others(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local


async def test_an_unforeseen_error_is_500_for_that_client_and_one_line_for_people(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with listening() as (listener, _):
        head, _ = await ask(listener.port, "Host: localhost", path="/fails")
        assert b" 500 " in head.splitlines()[0]
        assert (await ask(listener.port, "Host: localhost"))[1] == b"hello"
    expected = "interpose: Error handling request from 127.0.0.1: RuntimeError: something unforeseen\n"
    assert capfd.readouterr() == ("", expected)


async def test_an_unforeseen_error_in_the_middle_of_a_reply_cuts_it_off(capfd: pytest.CaptureFixture[str]) -> None:
    async with listening() as (listener, _):
        wire = await connect(listener.port)
        await wire.say(b"GET /fails-late HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await wire.head()
        assert await wire.rest() == b"4\r\nhalf\r\n"
        await wire.close()
    assert capfd.readouterr().err.count("\n") == 1


async def test_a_client_that_speaks_no_http_is_told_so_and_nobody_else(capfd: pytest.CaptureFixture[str]) -> None:
    async with listening() as (listener, door):
        for nonsense in (
            b"\x16\x03\x01\x02\x00\x01",
            b"SSH-2.0-x\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/1.1\r\nA B: c\r\n\r\n",
        ):
            wire = await connect(listener.port)
            await wire.say(nonsense)
            assert (await wire.head()).split()[1] in (b"400", b"403")
            await wire.close()
        assert door.seen == 0
    assert capfd.readouterr() == ("", "")


async def test_a_session_that_cannot_be_recorded_goes_on_and_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    async with relaying(folder, alarm="goes on unrecorded") as ends:
        client, server, _ = await ends.exchange(post(PING), reply("200 OK", JSON, body=PONG))
        await client.message()
        folder.rename(tmp_path / "gone")
        folder.write_text("in the way")
        await client.say(post(PING, "Mcp-Session-Id: new"))
        await server.message()
        await server.say(reply("200 OK", JSON, body=PONG))
        assert (await client.message())[1] == PONG


async def test_hundreds_of_half_open_connections_hold_nobody_up() -> None:
    async with listening() as (listener, _):
        wires = [await connect(listener.port) for _ in range(300)]
        for number, wire in enumerate(wires):
            await wire.say(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx"[: 1 + number % 80])
        began = time.monotonic()
        assert (await ask(listener.port, "Host: localhost"))[1] == b"hello"
        assert time.monotonic() - began < 1
        for wire in wires:
            await wire.close()


async def test_stopping_ends_what_is_open_and_takes_nobody_new(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), reply("200 OK", "Transfer-Encoding: chunked"))
        await client.head()
    assert b"0\r\n\r\n" not in await client.rest()
    assert await server.rest() == b""
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", ends.port)


async def test_an_address_in_use_is_an_error_that_says_what_to_do() -> None:
    async with listening() as (listener, door):
        with pytest.raises(EndError, match=r"cannot listen on 127.0.0.1:\d+: .*; choose another --listen HOST:PORT"):
            await Listener(door, "127.0.0.1", listener.port).start()
