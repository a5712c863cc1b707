"""The listener behind mitmdump, spoken to by somebody who is not it, and by the addon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.edge.relay_world import OPENED, OPENING, Wire, reply

from interpose.edge.intercepting.gateway import Gateway
from interpose.edge.intercepting.origins import Origins
from interpose.edge.transports.listener import Listener

SECRET = "0123456789abcdef"


class Ends:
    """The gateway's port, and connections that it makes to a server."""

    def __init__(self, port: int, server: str, accepted: "asyncio.Queue[Wire]", wires: list[Wire]) -> None:
        self.port = port
        self.server = server
        self.accepted = accepted
        self._wires = wires

    async def ask(self, *headers: str, body: bytes = OPENING) -> Wire:
        """A POST to the gateway."""
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.port))
        self._wires.append(wire)
        lines = ["POST /mcp HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Content-Type: application/json"]
        lines += [*headers, f"Content-Length: {len(body)}", "", ""]
        await wire.say("\r\n".join(lines).encode("latin-1") + body)
        return wire

    async def status(self, *headers: str) -> str:
        head, _ = await (await self.ask(*headers)).message()
        return head.split()[1].decode()


@asynccontextmanager
async def gateway(folder: Path, conversations: Origins | None = None) -> AsyncIterator[Ends]:
    accepted: asyncio.Queue[Wire] = asyncio.Queue()
    wires: list[Wire] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wires.append(Wire(reader, writer))
        accepted.put_nowait(wires[-1])

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    listener = Listener(Gateway(SECRET, conversations or Origins(f"{folder}/", print)), "127.0.0.1", 0)
    await listener.start()
    try:
        yield Ends(listener.port, f"127.0.0.1:{server.sockets[0].getsockname()[1]}", accepted, wires)
    finally:
        for wire in wires:
            await wire.close()
        await listener.stop()
        server.close()


def recordings(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.iterdir()]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [(), ("Interpose-Secret:",), ("Interpose-Secret: 0123456789abcdeF",), (f"Authorization: Bearer {SECRET}",)],
    ids=["none", "empty", "wrong", "elsewhere"],
)
async def test_without_the_secret_there_is_a_403(headers: tuple[str, ...], tmp_path: Path) -> None:
    async with gateway(tmp_path) as ends:
        target = (f"Interpose-Target: http://{ends.server}", f"Interpose-Host: {ends.server}")
        assert await ends.status(*headers, *target) == "403"
        assert ends.accepted.empty()
    assert not recordings(tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("", "x", "400"),
        ("ftp://x", "x", "400"),
        ("https://user@x", "x", "400"),
        ("https://x/path", "x", "400"),
        ("https://x:8443", "x", "421"),
        ("https://x", "y", "421"),
        ("https://x", "x@y", "421"),
        ("https://x", "", "421"),
        ("https://x", "x, x", "421"),
    ],
)
async def test_the_server_that_is_meant_has_to_be_clear(target: str, host: str, status: str, tmp_path: Path) -> None:
    async with gateway(tmp_path) as ends:
        given = (f"Interpose-Secret: {SECRET}", f"Interpose-Target: {target}", f"Interpose-Host: {host}")
        assert await ends.status(*given) == status


@pytest.mark.anyio
async def test_a_request_goes_on_as_the_client_sent_it(tmp_path: Path) -> None:
    async with gateway(tmp_path) as ends:
        given = (f"interpose-secret: {SECRET}", f"Interpose-Target: http://{ends.server}")
        client = await ends.ask(
            "X-First: 1", *given, f"Interpose-Host: {ends.server}", "Interpose-oRigin: https://page.example", "X: \xff"
        )
        server = await ends.accepted.get()
        head, body = await server.message()
        await server.say(reply("200 OK", "Content-Type: application/json", body=OPENED))
        assert (await client.message())[1] == OPENED
        assert body == OPENING
        assert head.split(b"\r\n")[1:-2] == [
            f"Host: {ends.server}".encode(),
            b"Content-Type: application/json",
            b"X-First: 1",
            b"oRigin: https://page.example",
            b"X: \xff",
            b"Content-Length: %d" % len(OPENING),
        ]
    (text,) = recordings(tmp_path)
    assert SECRET not in text
    assert f'"url":"http://{ends.server}"' in text


@pytest.mark.anyio
async def test_a_client_that_refuses_is_recorded_once(tmp_path: Path) -> None:
    conversations = Origins(f"{tmp_path}/", print)
    for _ in range(3):
        conversations.refused("https://mcp.example.test", "tlsv1 alert unknown ca")
    (text,) = recordings(tmp_path)
    assert "no TLS with the client: tlsv1 alert unknown ca" in text
    assert '"url":"https://mcp.example.test"' in text


@pytest.mark.anyio
async def test_the_longest_idle_server_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interpose.edge.intercepting.gateway._MOST", 1)
    async with gateway(tmp_path) as ends:
        for target in (f"http://{ends.server}", f"http://localhost:{ends.server.rpartition(':')[2]}"):
            host = target.removeprefix("http://")
            given = (f"Interpose-Secret: {SECRET}", f"Interpose-Target: {target}", f"Interpose-Host: {host}")
            client = await ends.ask(*given)
            server = await ends.accepted.get()
            await server.message()
            await server.say(reply("200 OK", "Content-Type: application/json", body=OPENED))
            await client.message()
        assert "nothing came for long" in "".join(recordings(tmp_path))
