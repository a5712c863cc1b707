"""Event streams through a relay: every byte, every boundary, at once, and the way in which they end."""

from collections import Counter
from pathlib import Path

import pytest
from tests.edge.relay_world import (
    CHUNKED,
    EVENTS,
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

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]


STREAM = reply("200 OK", EVENTS, CHUNKED)
ODD_STREAMS = {
    "lf": b"event: message\ndata: " + PONG + b"\n\n",
    "crlf": b"event: message\r\ndata: " + PONG + b"\r\n\r\n",
    "cr": b"data: " + PONG + b"\r\r",
    "comments": b": ping\n\n:\n\ndata: " + PONG + b"\n\n: after\n\n",
    "retry": b"retry: 500\n\ndata: " + PONG + b"\n\n",
    "priming": b"id: a/1\ndata:\n\nid: 2\ndata: " + PONG + b"\n\n",
    "id only": b"id: 7\n\ndata: " + PONG + b"\n\n",
    "several data lines": b'data: {"jsonrpc":"2.0",\ndata:"id":1,"result":{}}\n\n',
    "bom": b"\xef\xbb\xbfdata: " + PONG + b"\n\n",
    "separators": 'data: {"jsonrpc":"2.0","id":1,"result":{"t":"\u2028\u0085\u2029é"}}\n\n'.encode(),
    "no json": b"data: hello\n\nevent: other\ndata: x\n\nfoo\n\ndata: " + PONG + b"\n\n",
    "no utf-8": b'data: {"jsonrpc":"2.0","id":1,"result":{"t":"\xff"}}\n\n',
    "unterminated": b"data: " + PONG + b"\n\ndata: {",
    "unterminated comment": b"data: " + PONG + b"\n\n: x",
    "leading blank lines": b"\n\r\n\rdata: " + PONG + b"\n\n",
    "nothing": b"",
}


async def streaming(ends: Ends) -> tuple[Wire, Wire]:
    """A call whose answer streams: client and server, the heads exchanged."""
    client, server, _ = await ends.exchange(post(PING), STREAM)
    assert await client.head() == STREAM
    return client, server


@pytest.mark.parametrize("stream", ODD_STREAMS.values(), ids=ODD_STREAMS)
async def test_every_byte_of_a_stream_passes(stream: bytes, tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await streaming(ends)
        if stream:
            await server.chunk(stream)
        await server.chunk(b"")
        assert await client.body(STREAM) == stream
    [entries] = ends.recordings()
    assert closings(entries) == [("server", "end")]
    if stream and b"\xff" not in stream:
        assert [message["id"] for message in said(entries, "server")] == [1]


@pytest.mark.parametrize("name", ["lf", "crlf", "cr", "comments", "several data lines", "bom", "separators"])
async def test_a_stream_split_at_every_byte_passes_and_reads_the_same(name: str, tmp_path: Path) -> None:
    stream = ODD_STREAMS[name]
    async with relaying(tmp_path) as ends:
        client, server = await streaming(ends)
        for at in range(len(stream)):
            await server.chunk(stream[at : at + 1])
        await server.chunk(b"")
        assert await client.body(STREAM) == stream
        for at in range(1, len(stream), 7):
            await client.say(post(PING))
            await server.message()
            await server.say(STREAM)
            await server.chunk(stream[:at])
            await server.chunk(stream[at:])
            await server.chunk(b"")
            assert await client.message() == (STREAM, stream)
    [entries] = ends.recordings()
    answers = said(entries, "server")
    assert len(answers) == len(said(entries, "client"))
    assert all(answer == answers[0] for answer in answers)


async def test_each_event_reaches_the_client_before_the_server_says_the_next(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await streaming(ends)
        events = [b": ping\n\n", b"retry: 1\r\n\r\n", b"id: 1\ndata:\n\n", b"id: 2\n\n", b"data: x\r\r"]
        events += [b"data: %d\n\n" % number for number in range(20)]
        for event in events:
            await server.chunk(event)
            await client.hears(event)
        await server.chunk(b"data: " + PONG + b"\n\n")
        await server.chunk(b"")
        assert await client.body(STREAM) == b"data: " + PONG + b"\n\n"


async def test_events_that_come_in_one_piece_leave_one_by_one_in_order(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await streaming(ends)
        events = [b"data: %d\n\n" % number for number in range(50)]
        await server.chunk(b"".join(events))
        assert [await client.hear_chunk() for _ in events] == events


async def test_a_stream_that_breaks_off_is_not_ended_in_good_order(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await streaming(ends)
        await server.chunk(b"data: 1\n\ndata: cut")
        await client.hears(b"data: 1\n\n")
        server.reset()
        assert await client.rest() == b"9\r\ndata: cut\r\n", "what came is given, the end of the body is not"
    [entries] = ends.recordings()
    assert closings(entries) == [("server", "it broke off in the middle of its answer")]


async def test_a_stream_that_is_closed_without_its_last_chunk_is_passed_on_so(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await streaming(ends)
        await server.chunk(b"data: 1\n\n")
        await server.close()
        assert await client.rest() == b"9\r\ndata: 1\n\n\r\n"


async def test_a_stream_without_framing_ends_with_its_connection(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), reply("200 OK", EVENTS), b"data: 1\n\n")
        head = await client.head()
        assert head == STREAM
        await client.hears(b"data: 1\n\n")
        await server.close()
        assert await client.hear_chunk() == b""


async def test_a_client_of_http_1_0_gets_a_stream_that_its_connection_ends(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        old = post(PING).replace(b"HTTP/1.1", b"HTTP/1.0")
        client, server, received = await ends.exchange(old, STREAM)
        assert received.startswith(b"POST /mcp HTTP/1.1\r\n")
        assert await client.head() == reply("200 OK", EVENTS).replace(b"HTTP/1.1", b"HTTP/1.0")
        await server.chunk(b"data: 1\n\n")
        assert await client.exactly(9) == b"data: 1\n\n"
        await server.chunk(b"")
        assert await client.rest() == b""


async def test_a_stream_is_resumed_with_the_ids_of_the_server(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await streaming(ends)
        await server.chunk(b"id: s-1\nretry: 10\ndata:\n\n")
        await client.hears(b"id: s-1\nretry: 10\ndata:\n\n")
        await server.chunk(b"")
        assert await client.hear_chunk() == b""
        resuming = request("GET", "Accept: text/event-stream", "Last-Event-ID: s-1", "Mcp-Session-Id: abc")
        await client.say(resuming)
        assert b"\r\nLast-Event-ID: s-1\r\n" in await server.head()
        await server.say(STREAM)
        await server.chunk(b"id: s-2\ndata: " + PONG + b"\n\n")
        assert await client.head() == STREAM
        await client.hears(b"id: s-2\ndata: " + PONG + b"\n\n")
    ids = [entry.sse.id for each in ends.recordings() for entry in each if entry.sse is not None]
    assert ids == ["s-1", "s-2"]


async def test_a_legacy_stream_names_its_endpoint_so_that_a_client_finds_it_here(tmp_path: Path) -> None:
    async with relaying(tmp_path, "/sse") as ends:
        for said_by_server, address in [
            ("/messages/?session_id=1", "/messages/?session_id=1"),
            (f"{ends.upstream}/messages/?session_id=2", "/messages/?session_id=2"),
            ("messages?session_id=3", "/messages?session_id=3"),
        ]:
            client, server, _ = await ends.exchange(request("GET", "Accept: text/event-stream", path="/sse"), STREAM)
            assert await client.head() == STREAM
            await server.chunk(f"event: endpoint\ndata: {said_by_server}\n\n".encode())
            expected = said_by_server.removeprefix(ends.upstream)
            event = f"event: endpoint\ndata: {expected}\n\n".encode()
            await client.hears(event)
            poster, other, received = await ends.exchange(post(PING, path=address), reply("202 Accepted", body=b""))
            assert received.startswith(f"POST {address} HTTP/1.1\r\n".encode())
            assert (await poster.head()).startswith(b"HTTP/1.1 202 ")
            await server.chunk(b"event: message\ndata: " + PONG + b"\n\n")
            assert (await client.hear_chunk()).endswith(PONG + b"\n\n")
            await server.close()
            await other.close()
            assert await client.rest() == b""
            await client.close()
    recordings = ends.recordings()
    assert [[message["id"] for message in said(entries)] for entries in recordings] == [[1, 1]] * 3
    assert {entries[-1].reason for entries in recordings} == {"the stream ended"}


async def test_an_endpoint_below_a_path_of_the_upstreams_own_is_found_here(tmp_path: Path) -> None:
    async with relaying(tmp_path, "/deep/in/sse") as ends:
        client, server, received = await ends.exchange(request("GET", path="/sse"), STREAM)
        assert received.startswith(b"GET /deep/in/sse HTTP/1.1\r\n")
        assert await client.head() == STREAM
        await server.chunk(b"event: endpoint\r\ndata: messages?session=1\r\n\r\n")
        event = b"event: endpoint\r\ndata: /deep/in/messages?session=1\r\n\r\n"
        await client.hears(event)
        foreign = b"event: endpoint\ndata: http://elsewhere.example/messages\n\n"
        await server.chunk(foreign)
        await client.hears(foreign)


async def test_two_streams_of_one_session_stay_apart(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        one, first, _ = await ends.exchange(post(PING, "Mcp-Session-Id: s"), STREAM)
        other, second, _ = await ends.exchange(request("GET", "Mcp-Session-Id: s"), STREAM)
        assert await one.head() == await other.head() == STREAM
        for number in range(10):
            await second.chunk(b"data: b%d\n\n" % number)
            await first.chunk(b"data: a%d\n\n" % number)
            await one.hears(b"data: a%d\n\n" % number)
            await other.hears(b"data: b%d\n\n" % number)
    [entries] = ends.recordings()
    by_stream = Counter(entry.channel for entry in kinds(entries, "message") if entry.end == "server")
    assert by_stream == {"x1": 10, "x2": 10}
