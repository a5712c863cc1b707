"""Statuses, headers, methods and targets through a relay: nothing added, nothing lost, nothing followed."""

from pathlib import Path

import pytest
from tests.edge.relay_world import (
    CHUNKED,
    EVENTS,
    JSON,
    PING,
    PONG,
    Ends,
    kinds,
    post,
    relaying,
    reply,
    request,
    said,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]


CHALLENGE = 'WWW-Authenticate: Bearer resource_metadata="http://up.example/.well-known/oauth-protected-resource"'
REPLIES = {
    "202": reply("202 Accepted", body=b""),
    "204": reply("204 No Content"),
    "304": reply("304 Not Modified", 'ETag: "x"'),
    "400": reply("400 Bad Request", JSON, body=b'{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"},"id":null}'),
    "401": reply("401 Unauthorized", CHALLENGE, "WWW-Authenticate: Basic", body=b"sign in"),
    "403": reply("403 Forbidden", body=b""),
    "404": reply("404 Not Found", "Content-Type: text/plain", body=b"no such thing"),
    "405": reply("405 Method Not Allowed", "Allow: GET, POST", body=b""),
    "406": reply("406 Not Acceptable", JSON, body=b"{}"),
    "409": reply("409 Conflict", body=b""),
    "421": reply("421 Misdirected Request", body=b"Invalid Host header"),
    "429": reply("429 Too Many Requests", "Retry-After: 7", body=b""),
    "500": reply("500 Internal Server Error", "Content-Type: text/plain", body=b"it broke"),
    "odd status": reply("299 Höchst merkwürdig", body=b""),
    "no reason": reply("200 ", body=b""),
    "json": reply("200 OK", JSON, body=PONG),
    "json in pretty print": reply("200 OK", JSON, body=b'{\r\n "jsonrpc": "2.0",\n "id": 1, "result": {}\n}\n'),
    "names and values as they are": reply("200 OK", "x-lower: A", "X-UPPER: b", "x-EMPTY:", "X-Lower: c", body=b"."),
    "date and server": reply("200 OK", "date: yesterday", "server: me", body=b"."),
    "cookies": reply("200 OK", "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2", body=b"."),
    "cors": reply("200 OK", "Access-Control-Expose-Headers: Mcp-Session-Id", "X-Accel-Buffering: no", body=b"."),
}


def without_empty_blank(head: bytes) -> bytes:
    """An empty header value may or may not have a blank before it."""
    return head.replace(b"x-EMPTY: \r\n", b"x-EMPTY:\r\n")


@pytest.mark.parametrize("answer", REPLIES.values(), ids=REPLIES)
async def test_a_reply_passes_to_the_byte(answer: bytes, tmp_path: Path) -> None:
    async with relaying(tmp_path, alarm="wants a sign-in" if b"resource_metadata" in answer else "") as ends:
        client, server, _ = await ends.exchange(post(PING), answer)
        head, body = await client.message()
        assert without_empty_blank(head) + body == answer
        await client.say(post(PING))
        await server.message()
        await server.say(reply("200 OK", JSON, body=PONG))
        assert await client.message() == (reply("200 OK", JSON, body=PONG)[: -len(PONG)], PONG), "the connection lives"


async def test_a_request_passes_to_the_byte_but_for_its_host(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        headers = ["accept: application/json, text/event-stream", "User-AGENT: x/1", "X-A: 1", "x-b: 2", "X-A: 3"]
        sent = request("POST", *headers, "MCP-Protocol-Version: 2025-11-25", "Mcp-Param-Größe: ü", JSON, body=PING)
        sent = sent.replace("Mcp-Param-Größe".encode(), b"Mcp-Param-Size")
        _, _, received = await ends.exchange(sent, reply("202 Accepted", body=b""))
        host = ends.upstream.removeprefix("http://").encode()
        assert received == sent.replace(b"Host: 127.0.0.1\r\n", b"Host: " + host + b"\r\n")


async def test_the_host_keeps_its_place_and_nothing_is_added_to_a_bare_request(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        sent = b"GET /mcp HTTP/1.1\r\nX-First: 1\r\nhost: localhost\r\nX-Last: 2\r\n\r\n"
        _, _, received = await ends.exchange(sent, reply("405 Method Not Allowed", body=b""))
        assert received == sent.replace(b"localhost", ends.upstream.removeprefix("http://").encode())


async def test_bytes_that_are_no_utf_8_survive_in_headers_both_ways(tmp_path: Path) -> None:
    odd = b"X-Obs: caf\xe9 \xff\x80 \xc3\xa9\r\n"
    async with relaying(tmp_path) as ends:
        sent = post(PING).replace(b"\r\n\r\n", b"\r\n" + odd + b"\r\n", 1)
        answer = reply("200 OK", JSON, body=PONG).replace(b"\r\n\r\n", b"\r\n" + odd + b"\r\n", 1)
        client, _, received = await ends.exchange(sent, answer)
        assert odd in received
        assert b"".join(await client.message()) == answer
    [entries] = ends.recordings()
    assert ("X-Obs", "caf\xe9 \xff\x80 \xc3\xa9") in kinds(entries, "http-request")[0].headers


async def test_headers_of_32_kb_pass_both_ways(tmp_path: Path) -> None:
    large = "X-Large: " + "x" * (32 << 10)
    async with relaying(tmp_path) as ends:
        client, _, received = await ends.exchange(post(PING, large), reply("200 OK", large, JSON, body=PONG))
        assert large.encode() in received
        assert b"".join(await client.message()) == reply("200 OK", large, JSON, body=PONG)


async def test_headers_of_the_connection_stay_on_it(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        hops = ["Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: 5", "TE: trailers", "Upgrade: h2c"]
        answer = reply("200 OK", "Connection: X-Back", "X-Back: 1", "Keep-Alive: timeout=5", "X-Stays: 1", body=b".")
        client, _, received = await ends.exchange(post(PING, *hops), answer)
        assert not any(name in received.lower() for name in (b"x-hop", b"keep-alive", b"te:", b"upgrade"))
        assert b"".join(await client.message()) == reply("200 OK", "X-Stays: 1", body=b".")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_passed_on_and_not_followed(status: str, tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        ours = f"http://127.0.0.1:{ends.port}"
        origin = ends.upstream
        host = origin.removeprefix("http://")
        for said_by_server, seen in [
            (f"{origin}/elsewhere?a=%2F#f", f"{ours}/elsewhere?a=%2F#f"),
            (origin, f"{ours}/"),
            (f"HTTP://{host}/up", f"{ours}/up"),
            (f"//{host}/x", f"{ours}/x"),
            ("/mcp/", "/mcp/"),
            ("sub", "sub"),
            ("http://elsewhere.example/mcp", "http://elsewhere.example/mcp"),
            (f"{origin}0/mcp", f"{origin}0/mcp"),
            (f"http://{host}.evil.example/", f"http://{host}.evil.example/"),
        ]:
            sent = post(PING).replace(b"Host: 127.0.0.1", f"Host: 127.0.0.1:{ends.port}".encode())
            client, server, _ = await ends.exchange(sent, reply(status, f"Location: {said_by_server}", body=b""))
            assert await client.head() == reply(status, f"Location: {seen}", body=b"")
            await server.close()
            await client.close()
        assert ends.is_idle_upstream


async def test_what_a_server_redirects_mcp_to_is_recorded_as_mcp(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        moved = reply("307 Temporary Redirect", f"Location: {ends.upstream}/v2/rpc", body=b"")
        client, server, _ = await ends.exchange(post(PING), moved)
        await client.head()
        for path in ("/v2/rpc", "/mcp/"):
            await client.say(post(PING, path=path))
            assert (await server.message())[0].startswith(f"POST {path} ".encode())
            await server.say(reply("200 OK", JSON, body=PONG))
            assert (await client.message())[1] == PONG
    assert len([message for entries in ends.recordings() for message in said(entries)]) == 5


@pytest.mark.parametrize(
    ("path", "target", "asked"),
    [
        ("/api/v1/mcp?key=1", "/mcp", "/api/v1/mcp?key=1"),
        ("/api/v1/mcp?key=1", "/mcp?a=b", "/api/v1/mcp?key=1&a=b"),
        ("/api", "/sse?", "/api?"),
        ("/api", "/mcp/", "/api/"),
        ("/", "/mcp", "/"),
        ("/mcp", "/mcp/", "/mcp/"),
        ("/mcp/", "/mcp", "/mcp/"),
        ("/mcp", "//double//slash/../%2e%2E/%c3%A9;p?q=%20+&&", "//double//slash/../%2e%2E/%c3%A9;p?q=%20+&&"),
        ("/mcp", "/a|b{c}\"d'e?x=[1]", "/a|b{c}\"d'e?x=[1]"),
    ],
)
async def test_a_target_reaches_the_server_as_it_is(path: str, target: str, asked: str, tmp_path: Path) -> None:
    async with relaying(tmp_path, path) as ends:
        _, _, received = await ends.exchange(request("GET", path=target), reply("200 OK", body=b"."))
        assert received.startswith(f"GET {asked} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize("target", ["http://127.0.0.1/mcp", "http://evil.example/", "*", "127.0.0.1:80"])
async def test_a_target_that_is_no_path_is_refused(target: str, tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(request("CONNECT" if target.endswith(":80") else "OPTIONS", path=target))
        head, body = await client.message()
        assert b" 400 " in head.splitlines()[0]
        assert b"interpose" in body or b"Bad Request" in head
        assert ends.is_idle_upstream


async def test_head_options_put_and_delete_pass_as_they_are(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        preflight = ["Origin: http://localhost:5173", "Access-Control-Request-Method: POST"]
        for method, headers, body, answer in [
            ("HEAD", [], None, reply("200 OK", JSON, "Content-Length: 77")),
            ("OPTIONS", preflight, None, reply("204 No Content", "Access-Control-Allow-Origin: *", "Vary: Origin")),
            ("PUT", [JSON], b"{}", reply("405 Method Not Allowed", "Allow: POST", body=b"")),
            ("DELETE", [], None, reply("405 Method Not Allowed", "Allow: POST", body=b"")),
            ("PATCH", ["Content-Length: 0"], None, reply("200 OK", body=b"")),
            ("GET", [], b"a body", reply("200 OK", body=b"")),
        ]:
            sent = request(method, *headers, body=body)
            client, server, received = await ends.exchange(sent, answer)
            assert received == sent.replace(b"127.0.0.1", ends.upstream.removeprefix("http://").encode(), 1)
            assert await client.exactly(len(answer)) == answer
            await client.say(post(PING))
            assert (await server.message())[1] == PING, "nothing is left over on the connection"
            await server.say(reply("202 Accepted", body=b""))
            await client.message()
            await server.close()
            await client.close()


SIGN_IN = [
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-authorization-server",
    "/authorize?code=c0de",
]
SIGN_IN += ["/token", "/register", "/"]


async def signing_in(ends: Ends) -> None:
    for path in SIGN_IN:
        form = "Content-Type: application/x-www-form-urlencoded"
        sent = request("POST", form, "Cookie: s3cret=1", body=b"code=c0de&client_secret=s3cret", path=path)
        answer = reply("200 OK", JSON, "Set-Cookie: t0ken=1", body=b'{"access_token":"t0ken"}')
        client, server, received = await ends.exchange(sent, answer)
        assert received.startswith(f"POST {path} ".encode())
        assert b"".join(await client.message()) == answer
        await server.close()
        await client.close()


async def test_signing_in_passes_and_nothing_of_it_is_recorded(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        await signing_in(ends)
        assert ends.text() == ""
        headers = ["Authorization: Bearer t0ken", "Cookie: s3cret=1"]
        client, _, received = await ends.exchange(post(PING, *headers), reply("200 OK", JSON, body=PONG))
        assert b"Authorization: Bearer t0ken\r\nCookie: s3cret=1\r\n" in received
        await client.message()
    assert not any(secret in ends.text() for secret in ("c0de", "s3cret", "t0ken", "well-known"))


async def test_what_is_no_mcp_streams_and_breaks_off_like_the_rest(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        streamed = reply("200 OK", EVENTS, CHUNKED)
        client, server, _ = await ends.exchange(request("GET", path="/other"), streamed)
        assert await client.head() == streamed
        await server.chunk(b"half an ev")
        await client.hears(b"half an ev")
        await server.chunk(b"ent\n\n")
        await client.hears(b"ent\n\n")
        server.reset()
        assert await client.rest() == b""
    assert ends.recordings() == []


async def test_headers_of_the_connection_stay_behind_with_those_that_they_name(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        for said, kept in (("keep-alive", [b"X-Hop: 1"]), ("Keep-Alive, X-Hop", [])):
            sent = post(PING, f"Connection: {said}", "X-Hop: 1", "TE: trailers", "X-End: 2")
            client, server, received = await ends.exchange(sent, reply("202 Accepted", body=b""))
            await client.message()
            await server.close()
            lines = received.split(b"\r\n")
            assert [line for line in lines if line.startswith((b"X-", b"TE", b"Conn"))] == [*kept, b"X-End: 2"]


async def test_a_length_is_said_in_the_usual_way(tmp_path: Path) -> None:
    length = b"Content-Length: %d\r\n" % len(PING)
    async with relaying(tmp_path) as ends:
        sent = post(PING).replace(length, b"Content-Length: 00%d\r\n" % len(PING))
        assert sent != post(PING)
        _, _, received = await ends.exchange(sent, reply("202 Accepted", body=b""))
        assert length in received
