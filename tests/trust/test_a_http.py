"""Part A, 3 and 4 over HTTP: bodies in other encodings and codings are read as the server would, or turned away."""

import gzip
import json
import resource
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.edge.governed_stdio import CHILD
from tests.edge.hosting_world import hosting
from tests.edge.relay_world import JSON, Ends, kinds, post, relaying, reply
from tests.trust.edge import enforce
from tests.trust.scene import DENY_DELETE

pytestmark = pytest.mark.anyio

ACCEPT = "Accept: application/json, text/event-stream"
TEXT = '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"%s","arguments":{}}}'
DENIED, ALLOWED = TEXT % "delete_repo", TEXT % "deploy"
DONE = b'{"jsonrpc":"2.0","id":2,"result":{"content":[]}}'
Encode = Callable[[str], bytes]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def utf_7(text: str) -> bytes:
    """The method behind letters of another alphabet, as some readers take it."""
    return text.replace("tools", "+AHQAbwBvAGwAcw-").encode()


ENCODINGS: dict[str, tuple[str, Encode]] = {
    "UTF-8 BOM": ("", lambda text: b"\xef\xbb\xbf" + text.encode()),
    "UTF-16": ("", lambda text: text.encode("utf-16")),
    "UTF-16LE": ("", lambda text: text.encode("utf-16-le")),
    "UTF-16BE": ("", lambda text: text.encode("utf-16-be")),
    "UTF-32": ("", lambda text: text.encode("utf-32")),
    "UTF-32LE": ("", lambda text: text.encode("utf-32-le")),
    "UTF-16LE, said": ("; charset=utf-16le", lambda text: text.encode("utf-16-le")),
    "UTF-16 BOM, said": ("; charset=utf-16", lambda text: text.encode("utf-16")),
    "UTF-32, said": ("; charset=utf-32", lambda text: text.encode("utf-32")),
    "UTF-7, said": ("; charset=utf-7", utf_7),
    "UTF-7 in quotes": ('; charset="UTF-7"', utf_7),
    "UTF-16, said but not so": ("; charset=utf-16le", str.encode),
    "Latin 1, said": ("; charset=latin1", lambda text: text.encode("latin-1")),
    "two charsets": ("; charset=utf-8; charset=utf-16le", lambda text: text.encode()),
}


async def refused(ends: Ends, sent: bytes) -> Any:
    """What the client gets for a request of which the server sees nothing: the status, and what is said."""
    client = await ends.client()
    await client.say(sent)
    head, body = await client.message()
    assert ends.is_idle_upstream
    status = int(head.split()[1])
    said = json.loads(body)
    assert said["error"]["code"] < 0
    return status, said


def body(name: str, text: str) -> bytes:
    """A POST of a text in an encoding."""
    parameter, encode = ENCODINGS[name]
    return post(encode(text), ACCEPT).replace(JSON.encode(), JSON.encode() + parameter.encode())


@pytest.mark.parametrize("name", ENCODINGS)
async def test_03_a_body_that_is_not_plain_utf_8_goes_nowhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, DENY_DELETE)
    async with relaying(tmp_path) as ends:
        for text in (DENIED, ALLOWED):
            await refused(ends, body(name, text))
    [entries] = ends.recordings()
    assert len(kinds(entries, "http-request")) == 2


@pytest.mark.parametrize("name", ENCODINGS)
async def test_03_a_body_that_is_not_plain_utf_8_is_turned_away_by_the_status(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, DENY_DELETE)
    async with relaying(tmp_path) as ends:
        status, _ = await refused(ends, body(name, ALLOWED))
        assert status in (400, 415)


async def host_hears(folder: Path, name: str, text: str) -> tuple[int, list[str]]:
    """The status that a host answers a body with, and the methods that its child heard."""
    parameter, encode = ENCODINGS[name]
    async with hosting(folder, CHILD) as world:
        headers = await world.open()
        async with world.post(encode(text), {**headers, "Content-Type": f"application/json{parameter}"}) as response:
            status = response.status
        seen = await world.ask({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "seen"}}, headers)
    return status, [each["method"] for each in json.loads(seen["result"]["content"][0]["text"])]


@pytest.mark.parametrize("text", [DENIED, ALLOWED], ids=["denied", "allowed"])
@pytest.mark.parametrize("name", ENCODINGS)
async def test_03_a_host_turns_away_what_is_not_plain_utf_8(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, DENY_DELETE)
    status, methods = await host_hears(tmp_path, name, text)
    assert methods == ["initialize", "tools/call"]
    assert status in (400, 415)


def bare(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return coder.compress(data) + coder.flush()


READ: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("GZip", gzip.compress),
    ("x-gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    ("deflate", zlib.compress),
    ("deflate", bare),
]
NOT_READ: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("br", bytes),
    ("zstd", bytes),
    ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
    ("gzip, identity", gzip.compress),
    ("gzip", bytes),
    ("gzip", lambda data: gzip.compress(data)[:-5]),
    ("gzip", lambda data: gzip.compress(data) + b"x"),
    ("deflate", gzip.compress),
    ("unheard-of", bytes),
]


@pytest.mark.parametrize(("coding", "encode"), READ)
async def test_04_a_compressed_call_is_judged_like_a_plain_one(
    coding: str, encode: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, DENY_DELETE)
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(encode(DENIED.encode()), ACCEPT, f"Content-Encoding: {coding}"))
        _, body = await client.message()
        assert json.loads(body)["result"]["isError"]
        assert ends.is_idle_upstream
        coded = encode(ALLOWED.encode())  # once: gzip writes down the time
        sent = post(coded, ACCEPT, f"Content-Encoding: {coding}")
        client, _, received = await ends.exchange(sent, reply("200 OK", JSON, body=DONE))
        assert (await client.message())[1] == DONE
        assert ALLOWED.encode() in received or received.endswith(coded)


@pytest.mark.parametrize(("coding", "encode"), NOT_READ)
async def test_04_a_coding_that_is_not_read_is_turned_away(
    coding: str, encode: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, DENY_DELETE)
    async with relaying(tmp_path) as ends:
        for text in (DENIED, ALLOWED):
            status, _ = await refused(ends, post(encode(text.encode()), ACCEPT, f"Content-Encoding: {coding}"))
            assert status in (400, 415)


async def test_04_two_headers_that_name_codings_are_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, DENY_DELETE)
    async with relaying(tmp_path) as ends:
        headers = ("Content-Encoding: gzip", "Content-Encoding: identity")
        status, _ = await refused(ends, post(gzip.compress(ALLOWED.encode()), ACCEPT, *headers))
        assert status in (400, 415)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
async def test_04_a_host_reads_no_coding(coding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, DENY_DELETE)
    async with hosting(tmp_path, CHILD) as world:
        headers = await world.open() | {"Content-Encoding": coding}
        async with world.post(gzip.compress(ALLOWED.encode()), headers) as response:
            assert response.status == 415


async def test_04_ten_megabytes_that_unfold_to_ten_gigabytes_stop_at_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, DENY_DELETE)
    bomb = gzip.compress(ALLOWED[:-1].encode()) + gzip.compress(b" " * (10 << 20)) * 1030
    assert len(bomb) > 10 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with relaying(tmp_path) as ends:
        status, _ = await refused(ends, post(bomb, ACCEPT, "Content-Encoding: gzip"))
        assert status in (400, 413, 415)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # kB
