"""Coded bodies through a relay: the bytes pass as they are, and what is in them can be read in the recording."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.edge.relay_world import CHUNKED, EVENTS, JSON, PING, PONG, kinds, post, relaying, reply, said

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]


def bare_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return coder.compress(data) + coder.flush()


def two_members(data: bytes) -> bytes:
    return gzip.compress(data[:10]) + gzip.compress(data[10:])


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("x-gzip", two_members),
    ("deflate", zlib.compress),
    ("deflate", bare_deflate),
]


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
async def test_a_coded_message_passes_as_it_is_both_ways_and_is_readable(
    coding: str, encode: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    coded = f"Content-Encoding: {coding}"
    async with relaying(tmp_path) as ends:
        answer = reply("200 OK", JSON, coded, body=encode(PONG))
        client, _, received = await ends.exchange(post(encode(PING), coded), answer)
        assert received.endswith(encode(PING))
        assert b"".join(await client.message()) == answer
    [entries] = ends.recordings()
    assert [message.get("method") for message in said(entries)] == ["ping", None]


@pytest.mark.parametrize("mode", [zlib.Z_SYNC_FLUSH, zlib.Z_NO_FLUSH])
async def test_a_coded_stream_passes_at_once_and_is_readable(mode: int, tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        head = reply("200 OK", EVENTS, "Content-Encoding: gzip", CHUNKED)
        client, server, _ = await ends.exchange(post(PING), head)
        assert await client.head() == head
        coder = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        for _ in range(5):
            piece = coder.compress(b"data: " + PONG + b"\n\n") + coder.flush(mode)
            if piece:
                await server.chunk(piece)
                await client.hears(piece)
        end = coder.flush()
        await server.chunk(end)
        await server.chunk(b"")
        assert await client.body(head) == end
    [entries] = ends.recordings()
    assert [message["id"] for message in said(entries, "server")] == [1] * 5


@pytest.mark.parametrize("kind", [JSON, EVENTS])
@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip"])
async def test_what_cannot_be_decoded_passes_and_is_recorded_as_it_came(kind: str, coding: str, tmp_path: Path) -> None:
    body = b"\x8b\x00\xff not really coded \x00"
    async with relaying(tmp_path) as ends:
        answer = reply("200 OK", kind, f"Content-Encoding: {coding}", body=body)
        client, _, received = await ends.exchange(post(body, f"Content-Encoding: {coding}"), answer)
        assert received.endswith(body)
        assert b"".join(await client.message()) == answer
    [entries] = ends.recordings()
    assert [entry.payload() for entry in kinds(entries, "data")] == [body, body]


@pytest.mark.parametrize("kind", [JSON, EVENTS])
async def test_a_body_that_would_unfold_beyond_bounds_passes_and_is_not_read(kind: str, tmp_path: Path) -> None:
    bomb = gzip.compress(b'{"x":"' + bytes(200 << 20), 1)
    async with relaying(tmp_path) as ends:
        answer = reply("200 OK", kind, "Content-Encoding: gzip", body=bomb)
        client, _, _ = await ends.exchange(post(PING), answer)
        assert b"".join(await client.message()) == answer
    [entries] = ends.recordings()
    assert b"".join(entry.payload() or b"" for entry in kinds(entries, "data")) == bomb
    assert said(entries, "server") == []


async def test_a_coded_body_that_is_cut_off_is_not_taken_for_a_message(tmp_path: Path) -> None:
    body = gzip.compress(PONG)[:-4]
    async with relaying(tmp_path) as ends:
        answer = reply("200 OK", JSON, "Content-Encoding: gzip", body=body)
        client, _, _ = await ends.exchange(post(PING), answer)
        assert b"".join(await client.message()) == answer
    [entries] = ends.recordings()
    assert [entry.payload() for entry in kinds(entries, "data")] == [body]
