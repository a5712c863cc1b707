"""Requests and answers whose heads were read before: the same to the byte, however they come, whatever befalls them."""

import asyncio
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, HttpResponseParser, RawRequestMessage, RawResponseMessage
from tests.edge.relay_world import (
    CHUNKED,
    EVENTS,
    JSON,
    PING,
    PONG,
    Ends,
    Wire,
    closings,
    kinds,
    post,
    relaying,
    reply,
    request,
    said,
)

from interpose.edge.transports import arrivals, connection
from interpose.edge.transports.familiar import announced, end_of_head

pytestmark = pytest.mark.anyio
ASKED = post(PING, "User-Agent: familiar")
ANSWERED = reply("200 OK", JSON, "X-Server: familiar", body=PONG)
LARGE = b'{"jsonrpc":"2.0","id":2,"method":"ping","params":{"_meta":{"x":"%b"}}}' % (b"x" * 200_000)


@pytest.fixture(autouse=True)
def _strangers() -> None:
    """Nobody is familiar before a test."""
    arrivals._FAMILIAR.clear()
    connection._FAMILIAR.clear()


async def met(ends: Ends) -> tuple[Wire, Wire]:
    """A client and a server, whose heads have been read once."""
    client, server, _ = await ends.exchange(ASKED, ANSWERED)
    assert b"".join(await client.message()) == ANSWERED
    assert ASKED[: end_of_head(ASKED)] in arrivals._FAMILIAR
    assert ANSWERED[: end_of_head(ANSWERED)] in connection._FAMILIAR
    return client, server


async def ask(client: Wire, server: Wire, *pieces: bytes) -> bytes:
    for piece in pieces:
        await client.say(piece)
        await anyio.sleep(0.01)
    return b"".join(await server.message())


async def answer(client: Wire, server: Wire, *pieces: bytes) -> bytes:
    for piece in pieces:
        await server.say(piece)
        await anyio.sleep(0.01)
    return b"".join(await client.message())


def cut(data: bytes, *places: int) -> list[bytes]:
    edges = [0, *places, len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


CUTS = {
    "whole": lambda data: [data],
    "head, body": lambda data: cut(data, end_of_head(data)),
    "in the head": lambda data: cut(data, 30),
    "in the body": lambda data: cut(data, len(data) - 3),
    "in three": lambda data: cut(data, end_of_head(data), len(data) - 3),
}


@pytest.mark.parametrize("how", CUTS)
async def test_they_are_the_same_to_the_byte_however_they_are_cut(how: str, tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await met(ends)
        first = await ask(client, server, ASKED)
        await answer(client, server, ANSWERED)
        for _ in range(3):
            assert await ask(client, server, *CUTS[how](ASKED)) == first
            assert await answer(client, server, *CUTS[how](ANSWERED)) == ANSWERED
        assert ends.is_idle_upstream
    [entries] = ends.recordings()
    assert [message.get("method") for message in said(entries)] == ["ping", None] * 5
    assert closings(entries) == [("server", "end")] * 5


async def test_requests_sent_without_waiting_are_answered_in_their_order(tmp_path: Path) -> None:
    """At once, and while one is being answered; a part of the next one, too."""
    async with relaying(tmp_path) as ends:
        client, server = await met(ends)
        await client.say(ASKED)
        await server.message()
        await client.say(ASKED + ASKED[:40])
        await client.say(ASKED[40:] + ASKED)
        for _ in range(3):
            assert await answer(client, server, ANSWERED) == ANSWERED
            await server.message()
        assert await answer(client, server, ANSWERED) == ANSWERED
        assert b"ping" in await ask(client, server, ASKED)
        assert await answer(client, server, ANSWERED) == ANSWERED
    [entries] = ends.recordings()
    assert [message.get("method") for message in said(entries)] == ["ping", None] * 6


async def test_a_client_that_waits_for_nothing_is_not_read_without_bound(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await met(ends)
        await client.say(ASKED)
        await server.message()
        sending = asyncio.ensure_future(client.say(ASKED * 100_000))
        await anyio.sleep(0.3)
        assert not sending.done(), "all 15 MB were taken"
        sending.cancel()
        client.reset()


async def test_who_leaves_meanwhile_is_told_apart(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await met(ends)
        await ask(client, server, ASKED)
        client.reset()
        assert await server.rest() == b""
        client, server = await met(ends)
        await ask(client, server, ASKED)
        await server.close()
        assert b"502 Bad Gateway" in (await client.message())[0]
        await client.close()
        client, server = await met(ends)
        await ask(client, server, ASKED)
        await server.say(ANSWERED[:-5])
        await server.close()
        assert ANSWERED.startswith(await client.rest())
    ended = [closing for entries in ends.recordings() for closing in closings(entries)]
    assert [who for who, how in ended if how != "end"] == ["client", "server", "server"]
    assert len(ended) == 6


async def test_a_relay_that_stops_ends_what_is_under_way(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await met(ends)
        await ask(client, server, ASKED)
    [entries] = ends.recordings()
    assert len(kinds(entries, "http-request")) == len(closings(entries)) == 2
    assert entries[-1].kind == "end"


async def test_what_is_not_plain_may_come_in_between(tmp_path: Path) -> None:
    """A large body, an event stream, an answer to HEAD, a head in chunks: and then a plain one again."""
    async with relaying(tmp_path) as ends:
        client, server = await met(ends)
        large = post(LARGE)
        client_says = asyncio.ensure_future(client.say(large))
        assert (await server.message())[1] == LARGE
        await client_says
        assert await answer(client, server, ANSWERED) == ANSWERED
        assert await ask(client, server, ASKED)
        await server.say(reply("200 OK", EVENTS, CHUNKED))
        await server.chunk(b"data: " + PONG + b"\n\n")
        await client.head()
        await client.hears(b"data: " + PONG + b"\n\n")
        await server.chunk(b"")
        assert await client.hear_chunk() == b""
        await client.say(request("HEAD"))
        await server.head()
        head = ANSWERED[: end_of_head(ANSWERED)]
        await server.say(head)
        assert await client.head() == head
        assert await ask(client, server, ASKED)
        assert await answer(client, server, ANSWERED) == ANSWERED


async def test_more_than_an_answer_announces_is_nobodys(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await met(ends)
        await ask(client, server, ASKED)
        assert await answer(client, server, ANSWERED + b"HTTP/1.1 200 OK\r\n") == ANSWERED
        await client.say(ASKED)
        other = await ends.server()
        assert await server.rest() == b""
        await other.message()
        assert await answer(client, other, ANSWERED) == ANSWERED


async def test_a_foreign_page_does_not_become_familiar(tmp_path: Path) -> None:
    foreign = ASKED.replace(b"Host: 127.0.0.1", b"Host: evil.test")
    async with relaying(tmp_path) as ends:
        client, _ = await met(ends)
        for _ in range(3):
            await client.say(foreign)
            assert b"403 Forbidden" in (await client.message())[0]
        assert ends.is_idle_upstream
    [entries] = ends.recordings()
    assert len(kinds(entries, "http-request")) == 1


REQUEST_HEADS = {
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5": 5,
    "GET / HTTP/1.1\r\nHost: h": 0,
    "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 5": None,
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close": None,
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue": None,
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked": None,
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket": None,
}
RESPONSE_HEADS = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5": 5,
    "HTTP/1.1 200 OK\r\nX: y": None,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked": None,
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close": None,
    "HTTP/1.0 200 OK\r\nContent-Length: 5": None,
}


@pytest.mark.parametrize(("text", "length"), [*REQUEST_HEADS.items(), *RESPONSE_HEADS.items()])
async def test_only_bodies_with_a_length_need_no_parser(text: str, length: int | None) -> None:
    head = text.encode() + b"\r\n\r\n"
    loop = asyncio.get_running_loop()
    make = HttpResponseParser if text.startswith("HTTP") else HttpRequestParser
    [(message, _)], _, _ = make(BaseProtocol(loop), loop, 1 << 16).feed_data(head)
    assert isinstance(message, RawRequestMessage | RawResponseMessage)
    assert announced(head, message) == length
    assert announced(head.replace(b"\r\n", b"\n", 1), message) is None
