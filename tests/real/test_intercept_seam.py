"""The seam between mitmdump and interpose, byte by byte: MCP is judged as it streams, all else is left alone."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from tests.edge.relay_world import CHUNKED, EVENTS, JSON, OPENED, OPENING, Wire, reply
from tests.real.tls.authority import Authority
from tests.real.tls.world import Interception, Server, intercepting, serving

pytestmark = pytest.mark.real

BOTH = "Accept: application/json, text/event-stream"
VERSION = "MCP-Protocol-Version: 2025-11-25"
RULES = """
name = "seam"
[[rule]]
name = "no-keys"
do = "redact"
all = true
find = ["secrets"]
[[rule]]
name = "not-this"
tool = "rm"
do = "block"
"""
KEY = "AKIA" + "IOSFODNN7EXAMPLQ"
CALL = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"rm","arguments":{}}}'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> tuple[Path, Path]:
    return authority.sign("server")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Interception]:
    """An interception that only records."""
    with intercepting(tmp_path_factory.mktemp("plain"), authority) as interception:
        yield interception


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Interception]:
    folder = tmp_path_factory.mktemp("governed")
    (folder / "rules.toml").write_text(RULES)
    with intercepting(folder, authority, "--policy", str(folder / "rules.toml")) as interception:
        yield interception


def request(server: Server, method: str, path: str, *headers: str, body: bytes | None = None) -> bytes:
    length = [] if body is None else [f"Content-Length: {len(body)}"]
    lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{server.port}", *headers, *length, "", ""]
    return "\r\n".join(lines).encode() + (body or b"")


async def exchange(client: Wire, server: Server, sent: bytes, *answer: bytes) -> tuple[Wire, bytes]:
    """Send a request and answer it: the server's wire, and what reached it."""
    await client.say(sent)
    wire = await server.wire()
    head, body = await wire.message()
    await wire.say(*answer)
    return wire, head + body


def event(text: str) -> bytes:
    message = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": text}}
    return b"event: message\ndata: " + json.dumps(message).encode() + b"\n\n"


@pytest.mark.anyio
async def test_a_stream_is_edited_event_by_event_while_an_upload_goes_on(
    governed: Interception, certificate: tuple[Path, Path]
) -> None:
    async with serving(certificate) as server:
        client = await server.client(governed)
        upload = await server.client(governed)
        size = 1 << 20
        await upload.say(request(server, "POST", "/upload", f"Content-Length: {size}", "Content-Type: text/plain"))
        await upload.say(b"a" * (size // 2))
        uploaded = await server.wire()
        await uploaded.head()
        assert await uploaded.exactly(size // 2) == b"a" * (size // 2)
        await client.say(request(server, "POST", "/mcp", BOTH, JSON, VERSION, body=OPENING))
        wire = await server.wire()
        await wire.message()
        await wire.say(reply("200 OK", EVENTS, CHUNKED))
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 200 OK")
        await wire.chunk(b": keep-alive\n\n")
        await client.hears(b": keep-alive\n\n")
        await wire.chunk(event(f"the key is {KEY}"))
        edited = await client.hear_chunk()
        assert KEY.encode() not in edited
        assert edited.startswith(b"event: message\ndata: ")
        await wire.chunk(b": still here\n\n" + event("nothing to hide"))
        await client.hears(b": still here\n\n" + event("nothing to hide"))
        await upload.say(b"b" * (size // 2))
        assert await uploaded.exactly(size // 2) == b"b" * (size // 2)
        await uploaded.say(reply("200 OK", body=b"thanks"))
        assert (await upload.message())[1] == b"thanks"
        await wire.chunk(b"data: " + OPENED + b"\n\n")
        await client.hears(b"data: " + OPENED + b"\n\n")
        await wire.chunk(b"")
        assert await client.hear_chunk() == b""


@pytest.mark.anyio
async def test_a_blocked_call_is_answered_here_and_never_reaches_the_server(
    governed: Interception, certificate: tuple[Path, Path]
) -> None:
    async with serving(certificate) as server:
        client = await server.client(governed)
        await client.say(request(server, "POST", "/mcp", BOTH, JSON, VERSION, body=CALL))
        head, body = await client.message()
        assert head.startswith(b"HTTP/1.1 200")
        answer = json.loads(body.partition(b"data: ")[2] or body)
        assert answer["id"] == 7
        assert "Blocked by policy" in json.dumps(answer)
        assert server.is_idle


@pytest.mark.anyio
async def test_mcp_arrives_as_it_was_sent(plain: Interception, certificate: tuple[Path, Path]) -> None:
    async with serving(certificate) as server:
        client = await server.client(plain)
        lines = (
            "x-ODD:  Spaced",
            "Origin: https://page.example",
            BOTH,
            "Content-Type: application/json; charset=utf-8",
        )
        lines += ("Authorization: Bearer t0ken", "X-Obs: caf\xe9", "Interpose-Secret: forged", "x-odd: again")
        body = b'{ "jsonrpc" : "2.0","id":1.0e0 ,"method":"initialize"}'
        sent = request(server, "POST", "/a/b/mcp?x=%7e&y", *lines, body=body).decode("utf-8").encode("latin-1")
        said = reply("200 OK", JSON, "X-ODD:  Reply ", "Set-Cookie: a=1", "Set-Cookie: b=2", body=b' {"id":1} ')
        _, came = await exchange(client, server, sent, said)
        expected = sent.replace(b"Interpose-Secret: forged\r\n", b"").replace(b"x-ODD:  Spaced", b"x-ODD: Spaced")
        assert came == expected
        head, answer = await client.message()
        assert head + answer == said.replace(b"X-ODD:  Reply ", b"X-ODD: Reply")
        recorded = await plain.recorded('"initialize"', server.port)
        assert "t0ken" not in recorded
        assert "nterpose-" not in recorded


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("POST", "/v1/chat", ("Accept: text/event-stream", JSON), b'{"model":"x","stream":true}'),
        ("POST", "/rpc", ("Accept: application/json", JSON), b'{"jsonrpc":"2.0","id":1,"method":"eth_call"}'),
        ("POST", "/a2a", (BOTH, JSON), b'{"jsonrpc":"2.0","id":1,"method":"message/stream","params":{}}'),
        ("GET", "/.well-known/oauth-protected-resource/mcp", ("Accept: */*", VERSION), None),
        ("POST", "/register", (JSON, VERSION, "Accept: application/json"), b'{"client_name":"x"}'),
        ("POST", "/token", ("Content-Type: application/x-www-form-urlencoded",), b"grant_type=x&code=y"),
        ("GET", "/events", ("Accept: text/event-stream",), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_no_mcp_passes_to_the_byte_and_unrecorded(
    governed: Interception,
    certificate: tuple[Path, Path],
    method: str,
    path: str,
    headers: tuple[str, ...],
    body: bytes | None,
) -> None:
    async with serving(certificate) as server:
        client = await server.client(governed)
        sent = request(server, method, path, *headers, body=body)
        wire, came = await exchange(client, server, sent, reply("200 OK", EVENTS, CHUNKED))
        assert came == sent
        await client.head()
        for piece in (f"data: {KEY}\n\n".encode(), b": a comment\n\n"):
            await wire.chunk(piece)
            await client.hears(piece)
        await wire.chunk(b"")
        assert await client.hear_chunk() == b""
        assert not governed.text(server.port)


@pytest.mark.anyio
async def test_a_sign_in_is_asked_for_as_the_server_did(plain: Interception, certificate: tuple[Path, Path]) -> None:
    async with serving(certificate) as server:
        client = await server.client(plain)
        where = f'Bearer resource_metadata="https://localhost:{server.port}/.well-known/oauth-protected-resource"'
        said = reply("401 Unauthorized", f"WWW-Authenticate: {where}", body=b"")
        await exchange(client, server, request(server, "POST", "/mcp", BOTH, JSON, body=OPENING), said)
        assert await client.head() == said


@pytest.mark.anyio
async def test_a_redirect_is_the_servers_own(plain: Interception, certificate: tuple[Path, Path]) -> None:
    """However it is spelled: there is no address of ours that a client should know."""
    async with serving(certificate) as server:
        client = await server.client(plain)
        said = reply("307 Temporary Redirect", f"Location: https://LOCALHOST:{server.port}/sse/", body=b"")
        _, came = await exchange(client, server, request(server, "POST", "/sse", BOTH, JSON, body=OPENING), said)
        assert came.startswith(b"POST /sse HTTP/1.1")
        assert await client.head() == said


@pytest.mark.anyio
async def test_a_legacy_stream_names_the_servers_own_place(plain: Interception, certificate: tuple[Path, Path]) -> None:
    async with serving(certificate) as server:
        stream = await server.client(plain)
        await stream.say(request(server, "GET", "/old/sse", "Accept: text/event-stream"))
        wire = await server.wire()
        await wire.message()
        named = f"event: endpoint\ndata: https://localhost:{server.port}/old/messages?s=1\n\n".encode()
        await wire.say(reply("200 OK", EVENTS, CHUNKED))
        await wire.chunk(named)
        await stream.head()
        await stream.hears(named)
        poster = await server.client(plain)
        sent = request(server, "POST", "/old/messages?s=1", JSON, body=OPENING)
        _, came = await exchange(poster, server, sent, reply("202 Accepted", body=b"Accepted"))
        assert came == sent
        await wire.chunk(b"event: message\ndata: " + OPENED + b"\n\n")
        await stream.hears(b"event: message\ndata: " + OPENED + b"\n\n")
        recorded = await plain.recorded('"initialize"', server.port)
        assert '"client":{"transport":"sse"}' in recorded


@pytest.mark.anyio
@pytest.mark.parametrize("strict", [False, True], ids=["observed", "governed"])
async def test_a_legacy_stream_seen_too_late_is_told(
    strict: bool, plain: Interception, governed: Interception, certificate: tuple[Path, Path]
) -> None:
    """Only its first event says what it is. Under a policy nothing goes on unjudged; the next time it is known."""
    interception = governed if strict else plain
    named = b"event: endpoint\ndata: /talk\n\n"
    async with serving(certificate) as server:
        for known in (False, True):
            client = await server.client(interception)
            await client.say(request(server, "GET", "/odd", "Accept: text/event-stream"))
            wire = await server.wire()
            await wire.message()
            await wire.say(reply("200 OK", EVENTS, CHUNKED))
            await client.head()
            await wire.chunk(named)
            if known or not strict:
                await client.hears(named)
                await wire.chunk(b": more\n\n")
                await client.hears(b": more\n\n")
            else:
                await wire.chunk(b"")
                assert await client.hear_chunk() == b""
            await interception.says(f"https://localhost:{server.port}/odd is a stream of MCP, seen too late")
            assert bool(interception.text(server.port)) == known


@pytest.mark.anyio
async def test_a_bad_certificate_is_shown_and_recorded(plain: Interception, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    async with serving(stranger.sign("server")) as server:
        client = await server.client(plain)
        await client.say(request(server, "POST", "/mcp", BOTH, JSON, body=OPENING))
        head, body = await client.message()
        assert head.startswith(b"HTTP/1.1 502")
        assert b"CERTIFICATE_VERIFY_FAILED" in body
        await plain.recorded("CERTIFICATE_VERIFY_FAILED", server.port)


@pytest.mark.anyio
async def test_a_client_that_pins_fails_cleanly_and_that_is_recorded(
    plain: Interception, authority: Authority, certificate: tuple[Path, Path]
) -> None:
    async with serving(certificate) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await server.client(plain, ca=authority.certificate)
        await plain.says(f"https://localhost:{server.port}: the client broke off the TLS handshake")
        await plain.recorded("no TLS with the client", server.port)
        assert server.is_idle


@pytest.mark.anyio
async def test_host_and_connection_must_agree(plain: Interception, certificate: tuple[Path, Path]) -> None:
    """What one server is sent must not be judged as another's."""
    async with serving(certificate) as server:
        client = await server.client(plain)
        sent = request(server, "POST", "/mcp", BOTH, JSON, body=OPENING)
        await client.say(sent.replace(b"Host: localhost", b"Host: bank.example"))
        head, body = await client.message()
        assert head.startswith(b"HTTP/1.1 421")
        assert b"bank.example" in body
        assert server.is_idle


@pytest.mark.anyio
async def test_a_client_that_leaves_is_seen_upstream(plain: Interception, certificate: tuple[Path, Path]) -> None:
    """In 2026-07-28 that is how a request is cancelled."""
    async with serving(certificate) as server:
        client = await server.client(plain)
        await client.say(request(server, "POST", "/mcp", BOTH, JSON, VERSION, body=OPENING))
        wire = await server.wire()
        await wire.message()
        await wire.say(reply("200 OK", EVENTS, CHUNKED))
        await client.head()
        client.reset()
        assert await wire.rest() == b""


@pytest.mark.anyio
async def test_a_reply_that_breaks_off_breaks_off_for_the_client(
    plain: Interception, certificate: tuple[Path, Path]
) -> None:
    async with serving(certificate) as server:
        client = await server.client(plain)
        await client.say(request(server, "POST", "/mcp", BOTH, JSON, VERSION, body=OPENING))
        wire = await server.wire()
        await wire.message()
        await wire.say(reply("200 OK", EVENTS, CHUNKED))
        await wire.chunk(b": here\n\n")
        await client.head()
        await client.hears(b": here\n\n")
        wire.reset()
        assert not (await client.rest()).endswith(b"0\r\n\r\n")


@pytest.mark.anyio
async def test_many_at_once_stream_side_by_side(plain: Interception, certificate: tuple[Path, Path]) -> None:
    async with serving(certificate) as server:
        clients = [await server.client(plain) for _ in range(16)]
        for client in clients:
            await client.say(request(server, "POST", "/mcp", BOTH, JSON, VERSION, body=OPENING))
        wires = [await server.wire() for _ in clients]
        for wire in wires:
            await wire.message()
            await wire.say(reply("200 OK", EVENTS, CHUNKED))
            await wire.chunk(event("x"))
        with anyio.fail_after(10):
            await asyncio.gather(*(client.head() for client in clients))
            await asyncio.gather(*(client.hears(event("x")) for client in clients))
