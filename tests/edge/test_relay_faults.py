"""Clients that leave and servers that fail: the other end hears of it, the record says it, nobody else notices."""

import asyncio
import socket
from pathlib import Path

import pytest
from tests.edge.relay_world import (
    CHUNKED,
    EVENTS,
    JSON,
    PING,
    PONG,
    Wire,
    closings,
    post,
    relaying,
    reply,
    request,
    said,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]


STREAM = reply("200 OK", EVENTS, CHUNKED)
EVENT = b"data: " + PONG + b"\n\n"


@pytest.mark.parametrize("leaves", ["close", "reset"])
@pytest.mark.parametrize("when", ["before the head", "after the head", "in a stream", "after the answer"])
async def test_a_client_that_leaves_ends_the_exchange_with_the_server(when: str, leaves: str, tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(PING))
        server = await ends.server()
        await server.message()
        if when != "before the head":
            await server.say(STREAM)
            assert await client.head() == STREAM
        if when == "in a stream":
            await server.chunk(b": ping\n\n")
            await client.hears(b": ping\n\n")
        if when == "after the answer":
            await server.chunk(EVENT)
            await client.hears(EVENT)
        if leaves == "close":
            await client.close()
        else:
            client.reset()
        assert await server.rest() == b"", "the server sees the end"
        await ends.recorded('"reason":"disconnect"')
    [entries] = ends.recordings()
    assert closings(entries) == [("client", "disconnect")]


async def test_a_client_that_leaves_while_its_large_request_goes_up_ends_it(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(b"x" * (20 << 20)))
        server = await ends.server()
        await server.head()
        await ends.recorded('"flags":["not-json"]')
        await client.close()
        await ends.recorded('"reason":"disconnect"')
        await server.rest()


async def test_a_client_that_leaves_in_its_request_leaves_no_trace(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(PING)[:-5])
        await client.close()
        await (await ends.client()).say(post(PING))
        await (await ends.server()).message()
        assert ends.is_idle_upstream


async def test_a_client_that_leaves_while_it_waits_for_its_turn_is_never_sent_up(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        await (await ends.client()).say(request("GET", "Mcp-Session-Id: s"))
        streaming = await ends.server()
        await streaming.head()
        impatient = await ends.client()
        await impatient.say(post(PING, "Mcp-Session-Id: s", "X-Gone: 1"))
        await ends.recorded("X-Gone")
        await impatient.close()
        await ends.recorded('"reason":"disconnect"')
        await (await ends.client()).say(post(PING, "Mcp-Session-Id: s"))
        await streaming.say(STREAM)
        assert b"X-Gone" not in (await (await ends.server()).message())[0]


async def test_a_client_that_leaves_between_exchanges_is_no_event(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), reply("200 OK", JSON, body=PONG))
        await client.message()
        await client.close()
        await ends.recorded('"reason":"end"')
        assert await server.rest() == b"", "an idle connection is let go"
    [entries] = ends.recordings()
    assert closings(entries) == [("server", "end")]


@pytest.mark.parametrize(
    ("answer", "reset", "why"),
    [
        (b"", False, "it closed the connection without an answer"),
        (b"", True, "Connection reset by peer"),
        (b"HTTP/1.1 2", False, "it closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: te", True, "Connection reset by peer"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", False, "it does not speak HTTP as it should"),
        (b"HTTP/1.1 200 OK\r\nContent Length: 5\r\n\r\n", False, "it does not speak HTTP as it should"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 17) + b"\r\n\r\n", False, "it does not speak HTTP as it should"),
        (b"HTTP/1.1 99999 OK\r\n\r\n", False, "it does not speak HTTP as it should"),
    ],
)
async def test_a_server_that_fails_before_it_answers_is_a_502_that_says_so(
    answer: bytes, reset: bool, why: str, tmp_path: Path
) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), answer)
        if reset:
            server.reset()
        else:
            await server.close()
        head, body = await client.message()
        assert head.startswith(b"HTTP/1.1 502 ")
        assert body.startswith(f"interpose: no answer from {ends.upstream}: {why}".encode())
        assert body.count(b"\n") == 1
        await client.say(post(PING))
        again = await ends.server()
        await again.message()
        await again.say(reply("200 OK", JSON, body=PONG))
        assert (await client.message())[1] == PONG
    [entries] = ends.recordings()
    assert [(end, reason.startswith(why)) for end, reason in closings(entries)] == [("server", True), ("server", False)]


@pytest.mark.parametrize("kind", [JSON, EVENTS])
@pytest.mark.parametrize("framing", ["Content-Length: 100", CHUNKED])
async def test_a_server_that_breaks_off_is_not_made_whole(kind: str, framing: str, tmp_path: Path) -> None:
    part = b"data: x\n\ndata: part"
    async with relaying(tmp_path) as ends:
        head = reply("200 OK", kind, framing)
        sent = part if framing != CHUNKED else b"%x\r\n%b\r\n" % (len(part), part)
        client, server, _ = await ends.exchange(post(PING), head, sent)
        assert await client.head() == head
        server.reset()
        rest = await client.rest()
        assert b"part" in rest
        assert len(rest) < 100
        assert b"0\r\n\r\n" not in rest
    [entries] = ends.recordings()
    assert closings(entries) == [("server", "it broke off in the middle of its answer")]
    assert said(entries, "server") == []


async def test_a_client_of_http_1_0_can_tell_a_broken_stream_from_a_whole_one(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING).replace(b"HTTP/1.1", b"HTTP/1.0"), STREAM)
        await client.head()
        await server.chunk(EVENT)
        assert await client.exactly(len(EVENT)) == EVENT
        server.reset()
        with pytest.raises(ConnectionResetError):
            await client.more()


async def test_a_broken_chunk_of_the_server_breaks_the_answer_off(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), STREAM)
        await client.head()
        await server.chunk(EVENT)
        await client.hears(EVENT)
        await server.say(b"not hex\r\n")
        assert await client.rest() == b""
    [entries] = ends.recordings()
    assert [end for end, _ in closings(entries)] == ["server"]


async def test_a_server_that_is_gone_is_a_502_for_mcp_and_the_rest(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with relaying(tmp_path, port=port) as ends:
        for path in ("/mcp", "/token"):
            client = await ends.client()
            await client.say(post(PING, path=path))
            head, body = await client.message()
            assert head.startswith(b"HTTP/1.1 502 ")
            assert body == f"interpose: no answer from http://127.0.0.1:{port}: Connection refused\n".encode()
    [entries] = ends.recordings()
    assert closings(entries) == [("server", "Connection refused")]


async def test_a_server_without_a_valid_certificate_is_a_502(tmp_path: Path) -> None:
    async with relaying(tmp_path, scheme="https") as ends:
        client = await ends.client()
        await client.say(post(PING))
        server = await ends.server()
        await server.say(b"HTTP/1.1 400 this is no TLS\r\n\r\n")
        head, body = await client.message()
        assert head.startswith(b"HTTP/1.1 502 ")
        assert b"no TLS connection: WRONG_VERSION_NUMBER" in body


async def test_a_client_that_resets_in_the_middle_of_much_is_forgotten(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), STREAM)
        await client.head()
        flood = asyncio.ensure_future(_flood(server))
        await client.hear_chunk()
        client.reset()
        await ends.recorded('"reason":"disconnect"')
        await flood
    [entries] = ends.recordings()
    assert closings(entries) == [("client", "disconnect")]


async def _flood(server: Wire) -> None:
    try:
        while True:
            await server.chunk(b"data: " + b"x" * 65536 + b"\n\n")
    except ConnectionError:
        pass
