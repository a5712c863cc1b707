"""The relay's own connections to a server: what is kept, what is not, and that nothing is left behind."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import anyio
import pytest
from tests.edge.relay_world import (
    CHUNKED,
    EVENTS,
    JSON,
    PING,
    PONG,
    Wire,
    closings,
    kinds,
    post,
    relaying,
    reply,
    request,
)

from interpose.edge.transports.upstream import UPSTREAM_ERRORS, Upstream, problem

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]

ANSWER = reply("200 OK", JSON, body=PONG)
STREAM = reply("200 OK", EVENTS, CHUNKED)


async def serve(server: Wire, answer: bytes = ANSWER) -> None:
    """Answer one request on a connection that is there."""
    await server.message()
    await server.say(answer)


async def test_an_answer_that_comes_byte_by_byte_is_whole(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(PING))
        server = await ends.server()
        await server.message()
        for byte in reply("200 OK", JSON, CHUNKED) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(PONG), PONG):
            await server.say(bytes([byte]))
        head, body = await client.message()
        assert (head, body) == (reply("200 OK", JSON, CHUNKED), PONG)


async def test_a_connection_serves_one_request_after_the_other(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), ANSWER)
        await client.message()
        for verb in ("POST", "GET", "HEAD", "DELETE"):
            await client.say(request(verb, body=PING if verb == "POST" else None))
            await serve(server, reply("200 OK", "Content-Length: 0"))
            await client.head()
        assert ends.is_idle_upstream


@pytest.mark.parametrize(
    "answer",
    [
        reply("200 OK", JSON, "Connection: close", body=PONG),
        ANSWER.replace(b"HTTP/1.1", b"HTTP/1.0"),
        ANSWER + ANSWER,
    ],
    ids=["that closes", "of http 1.0", "and one that nobody asked for"],
)
async def test_a_connection_of_no_more_use_is_closed(answer: bytes, tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), answer)
        assert (await client.message())[1] == PONG
        assert await server.rest() == b""
        await client.say(post(PING))
        await serve(await ends.server())
        assert (await client.message())[1] == PONG


async def test_what_comes_on_an_idle_connection_answers_nobody(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), ANSWER)
        await client.message()
        await server.say(reply("200 OK", JSON, body=b'{"forged":1}'))
        await asyncio.sleep(0.05)
        await client.say(post(PING))
        await serve(await ends.server())
        assert (await client.message())[1] == PONG


async def test_a_connection_that_the_server_closed_while_idle_is_not_used(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), ANSWER)
        await client.message()
        await server.close()
        await asyncio.sleep(0.05)
        await client.say(post(PING))
        await serve(await ends.server())
        assert (await client.message())[1] == PONG


async def test_only_what_is_safe_twice_is_sent_again_when_a_kept_connection_fails(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        for verb in ("GET", "POST"):
            client, server, _ = await ends.exchange(post(PING), ANSWER)
            await client.message()
            await client.say(request(verb, body=PING if verb == "POST" else None))
            await server.message()
            await server.close()
            if verb == "POST":
                assert b" 502 " in (await client.message())[0].splitlines()[0]
                assert ends.is_idle_upstream
            else:
                again = await ends.server()
                await serve(again, ANSWER)
                assert (await client.message())[1] == PONG
                await again.close()
                await asyncio.sleep(0.05)


async def test_a_new_connection_that_fails_is_the_servers_answer(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(request("GET"))
        await server.close()
        assert b" 502 " in (await client.message())[0].splitlines()[0]
        assert ends.is_idle_upstream


async def test_an_answer_goes_on_while_its_request_is_still_going_up(tmp_path: Path) -> None:
    large = b'{"jsonrpc":"2.0","method":"x","params":"' + b"x" * (20 << 20) + b'"}'
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(large))
        server = await ends.server()
        await server.head()
        await server.say(STREAM)
        await server.chunk(b": early\n\n")
        assert await client.head() == STREAM
        await client.hears(b": early\n\n")
        assert await server.exactly(len(large)) == large
        await server.chunk(b"")
        assert await client.hear_chunk() == b""
        await client.say(post(PING))
        assert (await server.message())[1] == PING, "the connection is good for another"


async def test_requests_that_wait_for_a_stream_go_up_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    session = "Mcp-Session-Id: s"
    async with relaying(tmp_path) as ends:
        await (await ends.client()).say(request("GET", session))
        streaming = await ends.server()
        await streaming.head()
        bodies = [b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % number for number in range(5)]
        clients = [await ends.client() for _ in bodies]
        for client, body in zip(clients, bodies, strict=True):
            await client.say(post(body, session))
            await ends.recorded(body.decode())
        await clients[2].close()
        await ends.recorded('"disconnect"')
        assert ends.is_idle_upstream
        await streaming.say(STREAM)
        del bodies[2]
        assert [(await (await ends.server()).message())[1] for _ in bodies] == bodies


async def test_a_client_that_does_not_read_holds_the_server_up(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), STREAM)
        await client.head()
        event = b"data: " + b"x" * 65536 + b"\n\n"
        sent = 0
        with anyio.move_on_after(1.0):
            while sent < 64 << 20:
                await server.chunk(event)
                sent += len(event)
        assert sent < 32 << 20, "no more is under way than buffers hold"
        heard = 0
        while heard < sent:
            heard += len(await client.hear_chunk())


async def test_many_exchanges_leave_no_connection_and_no_task_behind(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(PING), ANSWER)
        await client.message()
        tasks = len(asyncio.all_tasks())
        for _ in range(10_000):
            await client.say(post(PING))
            await server.message()
            await server.say(ANSWER)
            await client.message()
        assert ends.is_idle_upstream
        assert len(asyncio.all_tasks()) == tasks
    [entries] = ends.recordings()
    assert closings(entries) == [("server", "end")] * 10_001
    assert len(kinds(entries, "http-response")) == 10_001


async def test_a_name_that_leads_nowhere_says_why_without_the_address() -> None:
    taken = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    taken.close()
    upstream = Upstream(f"http://localhost:{port}")
    sending = upstream.send("POST", b"/mcp", [], PING)
    with pytest.raises(UPSTREAM_ERRORS) as caught:
        await sending.answer()
    sending.release()
    await upstream.aclose()
    assert problem(caught.value) == "Connection refused"
    both = "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0), [Errno 111] Connect call failed"
    assert problem(OSError(both)) == "Connection refused"


def _secured(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS, for 127.0.0.1; its certificate is `c.pem`."""
    files = ("-keyout", str(folder / "k.pem"), "-out", str(folder / "c.pem"))
    made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=t")
    names = ("-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(["openssl", "req", "-x509", *made, *files, *names], check=True, capture_output=True)
    secured = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secured.load_cert_chain(folder / "c.pem", folder / "k.pem")
    return secured


async def test_a_server_behind_tls_is_spoken_to_as_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secured = _secured(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "c.pem"))
    accepted: asyncio.Queue[Wire] = asyncio.Queue()
    server = await asyncio.start_server(
        lambda r, w: accepted.put_nowait(Wire(r, w)), "127.0.0.1", 0, limit=1 << 20, ssl=secured
    )
    upstream = Upstream(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    wire: Wire | None = None
    for size in (10, 3 << 20, 10):
        sending = upstream.send("POST", b"/mcp", [(b"Host", b"x")], b"x" * size)
        wire = wire or await accepted.get()
        head, answering = await wire.head(), asyncio.ensure_future(sending.answer())
        assert head.startswith(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:")
        if size < 1 << 16:
            assert await sending.under_way() == ""
        assert await wire.exactly(size) == b"x" * size
        await wire.say(ANSWER)
        answer = await answering
        assert (answer.status, await answer.content.readany()) == (200, PONG)
        sending.release()
    assert accepted.empty()
    await upstream.aclose()
    assert wire is not None
    assert await wire.rest() == b""
    await wire.close()
    server.close()
