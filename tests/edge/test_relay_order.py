"""The order of one session holds across its connections, and nobody waits for a silent one for long."""

import asyncio
import time
from pathlib import Path

import anyio
import pytest
from tests.edge.relay_world import EVENTS, JSON, PING, PONG, SECONDS, Ends, Wire, kinds, post, relaying, reply, request

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]


SESSION = "Mcp-Session-Id: s"
ACCEPTED = reply("202 Accepted", body=b"")
SMALL = b'{"jsonrpc":"2.0","method":"notifications/small"}'
TAIL = 8 << 20  # what the buffers of a connection on one machine hold, generously
LARGE = b'{"jsonrpc":"2.0","id":2,"method":"x","params":{"t":"' + b"x" * (20 << 20) + b'"}}'


async def test_a_stream_is_open_before_a_later_post_goes_up(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        listener, poster = await ends.client(), await ends.client()
        await listener.say(request("GET", SESSION))
        streaming = await ends.server()
        await streaming.head()
        await poster.say(post(PING, SESSION))
        await ends.recorded('"method":"ping"')
        assert ends.is_idle_upstream, "the stream is not open yet"
        await streaming.say(reply("200 OK", EVENTS))
        server = await ends.server()
        assert (await server.message())[1] == PING


async def test_a_stream_that_never_opens_holds_others_up_for_a_second_and_this_is_noted(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        await (await ends.client()).say(request("GET", SESSION))
        await (await ends.server()).head()
        began = time.monotonic()
        await (await ends.client()).say(post(PING, SESSION))
        assert (await (await ends.server()).message())[1] == PING
        assert 0.8 < time.monotonic() - began < 2
        await (await ends.client()).say(post(PING, "Mcp-Session-Id: other"))
        await (await ends.server()).message()
    notes = [entry.text for entries in ends.recordings() for entry in kinds(entries, "note")]
    assert notes == ["x1: no answer to this began within 1 s; what came later no longer waits for it"]


async def take_all(ends: Ends, idle: list[Wire], arrived: list[int]) -> None:
    """A server that reads its connections side by side, and notes when it has a message, but for a tail of it.

    The tail may stand in the system's buffers still when the relay has sent it all, and no relay can see that.
    """

    async def take(wire: Wire) -> None:
        while True:
            head = await wire.head()
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            tail = min(size, TAIL)
            await wire.exactly(size - tail)
            arrived.append(size)
            await wire.exactly(tail)
            await wire.say(ACCEPTED)

    async with asyncio.TaskGroup() as tasks:
        for wire in idle:
            tasks.create_task(take(wire))
        while True:
            tasks.create_task(take(await ends.server()))


@pytest.mark.parametrize("kept", [0, 1])
async def test_a_large_message_is_not_overtaken_by_a_small_one(kept: int, tmp_path: Path) -> None:
    """Neither where both need a new connection upstream, nor where one waits for the first to come."""
    arrived: list[int] = []
    idle: list[Wire] = []
    async with relaying(tmp_path) as ends:
        for _ in range(kept):
            client, server, _ = await ends.exchange(post(PING, SESSION), ACCEPTED)
            await client.message()
            idle.append(server)
        clients = [await ends.client() for _ in range(6)]
        for number, client in enumerate(clients):
            await client.say(post(SMALL if number % 2 else LARGE, SESSION, f"X-Number: {number}"))
            await ends.recorded(f'"X-Number","{number}"')
        taking = asyncio.ensure_future(take_all(ends, idle, arrived))
        for client in clients:
            await client.message()
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
    assert arrived == [len(LARGE), len(SMALL)] * 3


async def test_an_upload_that_the_server_does_not_take_holds_nobody_up_for_ever(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        stuck = await ends.client()
        uploading = asyncio.ensure_future(stuck.say(post(LARGE, SESSION)))
        await (await ends.server()).head()
        await ends.recorded('"method":"x"')
        other = await ends.client()
        await other.say(post(PING, "Mcp-Session-Id: other"))
        began = time.monotonic()
        assert (await (await ends.server()).message())[1] == PING
        assert time.monotonic() - began < 1
        cancel = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}'
        await (await ends.client()).say(post(cancel, SESSION))
        assert (await (await ends.server()).message())[1] == cancel
        await uploading
    assert "nothing of this was taken for 2 s" in ends.text()


async def test_an_early_refusal_of_a_large_upload_reaches_its_client(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(LARGE, SESSION))
        server = await ends.server()
        await server.head()
        await server.say(reply("413 Content Too Large", "Connection: close", body=b"no"))
        assert b"".join(await client.message()) == reply("413 Content Too Large", body=b"no")
        await client.say(post(PING, SESSION))
        assert (await (await ends.server()).message())[1] == PING


async def test_calls_of_one_session_wait_for_no_answers(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        clients = [await ends.client() for _ in range(20)]
        servers = []
        with anyio.fail_after(SECONDS):
            for number, client in enumerate(clients):
                await client.say(post(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % number, SESSION))
                servers.append(await ends.server())
                assert b'"id":%d,' % number in (await servers[-1].message())[1]
            for client, server in reversed(list(zip(clients, servers, strict=True))):
                await server.say(reply("200 OK", JSON, body=PONG))
                assert (await client.message())[1] == PONG
