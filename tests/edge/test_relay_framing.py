"""How requests are framed: chunks, lengths, waiting to be asked, several at once; what is ambiguous goes no further."""

from pathlib import Path

import pytest
from tests.edge.relay_world import CHUNKED, JSON, PING, PONG, post, relaying, reply, request, said

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(PING, "Expect: 100-continue").removesuffix(PING))
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.say(PING)
        server = await ends.server()
        head, body = await server.message()
        assert (body, b"expect" in head.lower()) == (PING, False)
        await server.say(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
        await server.say(reply("200 OK", JSON, body=PONG))
        assert b"".join(await client.message()) == reply("200 OK", JSON, body=PONG)


async def test_a_chunked_request_passes_chunked(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(request("POST", JSON, CHUNKED))
        for byte in PING:
            await client.chunk(bytes([byte]))
        await client.chunk(b"")
        server = await ends.server()
        head, body = await server.message()
        assert (body, b"content-length" in head.lower(), head.count(b"chunked")) == (PING, False, 1)
        await server.say(reply("202 Accepted", body=b""))
        await client.message()
        await client.say(request("POST", JSON, CHUNKED), b"0\r\n\r\n")
        assert (await server.message())[1] == b""
        await server.say(reply("400 Bad Request", body=b""))
        assert b" 400 " in (await client.head()).splitlines()[0]
    [entries] = ends.recordings()
    assert said(entries, "client")[0]["method"] == "ping"


@pytest.mark.parametrize("broken", [b"zz\r\n", b"5\r\nab", b"-1\r\n\r\n"])
async def test_a_broken_chunked_request_is_refused_and_not_forwarded(broken: bytes, tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(request("POST", JSON, CHUNKED), broken)
        if broken != b"5\r\nab":
            assert b" 400 " in (await client.head()).splitlines()[0]
        await client.close()
        assert ends.is_idle_upstream
    assert ends.recordings() == []


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", CHUNKED],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Transfer-Encoding: xchunked"],
        ["X-Bad: a\x00b"],
    ],
)
async def test_ambiguous_framing_is_refused_and_not_forwarded(headers: list[str], tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(request("POST", *headers), b"0\r\n\r\nGET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 400 " in (await client.head()).splitlines()[0]
        assert ends.is_idle_upstream


async def test_pipelined_requests_are_answered_in_their_order(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(*(post(PING, f"X-Number: {number}") for number in range(5)))
        server = await ends.server()
        for number in range(5):
            assert f"X-Number: {number}".encode() in (await server.message())[0]
            await server.say(reply("200 OK", JSON, body=b"%d" % number))
        assert [(await client.message())[1] for _ in range(5)] == [b"%d" % number for number in range(5)]
