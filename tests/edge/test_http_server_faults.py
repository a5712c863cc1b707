"""What a server does wrong over HTTP: each request gets one answer still, and streams go on where they broke."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from aiohttp import web
from tests.edge.http_server_peers import (
    INITIALIZED,
    Request,
    Stateful,
    answer,
    block,
    bounded,
    cut,
    initialize,
    linked,
    meeting,
    no_stream,
    request,
    result,
    serving,
    stateless,
    streaming,
)

from interpose.core.events import Received

NO_ID = {
    "jsonrpc": "2.0",
    "id": None,
    "error": {"code": -32022, "message": "old", "data": {"supported": ["2025-11-25"]}},
}
METADATA = 'resource_metadata="https://a.test/.well-known/oauth-protected-resource"'


def own(status: int) -> dict[str, Any]:
    return {"interpose": {"status": status}}


FAULTS: dict[str, tuple[Callable[[], web.Response], int, Any, str]] = {
    "text": (lambda: web.Response(status=500, text="oops"), -31000, own(500), "HTTP 500 from http://127.0.0.1"),
    "nothing": (lambda: web.Response(status=503), -31000, own(503), "HTTP 503"),
    "sign in": (lambda: web.Response(status=401), -31000, own(401), "--header"),
    "sign in elsewhere": (
        lambda: web.Response(status=401, headers={"WWW-Authenticate": f"Bearer {METADATA}"}),
        -31000,
        own(401),
        "`interpose intercept`",
    ),
    "accepted": (lambda: web.Response(status=202), -31000, own(202), "no JSON-RPC answer"),
    "a page": (lambda: web.Response(text="<html>", content_type="text/html"), -31000, own(200), "no JSON-RPC answer"),
    "empty": (lambda: web.Response(content_type="application/json"), -31000, own(200), "no JSON-RPC answer"),
    "other id": (lambda: answer({"jsonrpc": "2.0", "id": 99, "result": {}}), -31000, own(200), "no JSON-RPC answer"),
    "no id": (lambda: answer(NO_ID, 400), -32022, {"supported": ["2025-11-25"]}, "old (HTTP 400"),
    "no session": (lambda: web.Response(status=404, text="Not Found"), -31000, own(404), "HTTP 404"),
    "elsewhere": (
        lambda: web.Response(status=307, headers={"Location": "http://example.test/mcp?t=secret"}),
        -31000,
        own(307),
        "a redirect to http://example.test/mcp is not followed",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@bounded
async def test_a_request_that_is_not_answered_gets_an_error_with_its_id(fault: str) -> None:
    make, code, data, words = FAULTS[fault]

    async def script(said: Request) -> web.StreamResponse:
        return make()

    async with meeting(script, (("Authorization", "Bearer t"),)) as (client, peer):
        client.say(b'{"jsonrpc": "2.0", "method": "tools/list", "id":  "\\u0061/1" }')
        message = await client.hear_message()
        assert b'"id":"\\u0061/1",' in message.raw
        error = json.loads(message.raw)["error"]
        assert (error["code"], error["data"]) == (code, data)
        assert words in error["message"]
        assert await client.rest() == []
    assert len(peer.seen) == 1
    assert [note for note in client.notes if "in the server's place" in note]


@bounded
async def test_a_server_that_is_not_there_is_told_to_who_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    async with linked(f"http://user:secret@127.0.0.1:{port}/mcp?token=secret") as client:
        error = (await client.ask("tools/list", 7))["error"]
        assert error["code"] == -31000
        assert f"http://127.0.0.1:{port}/mcp: Connection refused" in error["message"]
        assert "secret" not in error["message"]
        assert await client.rest() == []


@bounded
async def test_a_connection_that_is_reset_before_the_answer_is_told_to_who_asked() -> None:
    async def script(said: Request) -> web.StreamResponse:
        cut(said)
        return web.Response()

    async with meeting(script) as (client, peer):
        assert (await client.ask("tools/call", 5))["error"]["code"] == -31000
        assert await client.rest() == []
    assert len(peer.seen) == 1


@bounded
async def test_an_error_with_the_requests_id_passes_as_it_is() -> None:
    raw = b'{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"no","data":1.0}}'

    async def script(said: Request) -> web.StreamResponse:
        return web.Response(status=404, body=raw, content_type="application/json")

    async with meeting(script) as (client, _):
        client.say(stateless("no/such", 3))
        assert (await client.hear_message()).raw == raw
        assert await client.rest() == []
    assert client.notes == []


@bounded
async def test_a_session_that_is_gone_is_said_to_be_and_a_new_one_can_begin() -> None:
    async def script(said: Request) -> web.StreamResponse:
        if said.headers.get("mcp-session-id") == "s-1" and said.method == "tools/call":
            server.session = "s-2"
            body = {"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32001, "message": "Session not found"}}
            return answer(body, 404)
        return await no_stream(said)

    server = Stateful(script)
    async with meeting(server) as (client, peer):
        client.say(initialize(), INITIALIZED)
        await client.hear()
        error = (await client.ask("tools/call", 1))["error"]
        assert error["code"] == -32001
        assert "the session is gone" in error["message"]
        client.say(initialize(2), INITIALIZED, request("tools/call", 3))
        assert (await client.hear())["id"] == 2
        assert (await client.hear())["result"] == {"method": "tools/call"}
    assert "mcp-session-id" not in peer.of("POST", "initialize")[1].headers
    assert peer.seen[-1].headers["mcp-session-id"] == "s-2"


@bounded
async def test_a_notification_that_is_refused_is_noted_and_nothing_is_delivered() -> None:
    async def script(said: Request) -> web.StreamResponse:
        return answer({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "bad"}}, 400)

    async with meeting(script) as (client, _):
        client.say({"jsonrpc": "2.0", "method": "notifications/progress"})
        await client.noted("notifications/progress was not taken: bad (HTTP 400")
        assert await client.rest() == []
    bodies = [event.frame.raw for event in client.events if isinstance(event, Received)]
    assert b"-32600" in bodies[0]


@bounded
async def test_a_stream_that_ends_without_an_answer_gives_an_error() -> None:
    async def script(said: Request) -> web.StreamResponse:
        return await streaming(said, b": nothing\n\n")

    async with meeting(script) as (client, peer):
        assert "ended its stream without an answer" in (await client.ask("tools/call"))["error"]["message"]
        assert await client.rest() == []
    assert len(peer.seen) == 1


@bounded
async def test_a_stream_that_is_reset_without_event_ids_gives_an_error() -> None:
    async def script(said: Request) -> web.StreamResponse:
        stream = await streaming(said, block(request("notifications/message", None)))
        await heard.wait()
        cut(said)
        return stream

    heard = anyio.Event()
    async with meeting(script) as (client, peer):
        assert (await client.ask("tools/call"))["method"] == "notifications/message"
        heard.set()
        assert (await client.hear())["error"]["code"] == -31000
        assert await client.rest() == []
    assert len(peer.seen) == 1


@bounded
async def test_a_broken_stream_goes_on_after_the_last_event_and_repeats_nothing() -> None:
    parts = [block(request("notifications/message", None, n=n), ident=f"e{n}", retry=60) for n in range(4)]
    heard = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        if said.verb == "POST":
            stream = await streaming(said, *parts[:2])
            await heard.wait()
            cut(said)
            return stream
        assert said.headers["last-event-id"] == "e1"
        return await streaming(said, *parts[1:], block(result({"id": 1}, done=True), ident="e4"))

    async with meeting(Stateful(script)) as (client, peer):
        client.say(initialize(), request("tools/call", 1))
        await client.hear()
        assert [(await client.hear())["params"]["n"] for _ in range(2)] == [0, 1]
        heard.set()
        assert [(await client.hear())["params"]["n"] for _ in range(2)] == [2, 3]
        assert (await client.hear())["result"] == {"done": True}
        assert await client.rest() == []
    assert "came again" in " ".join(client.notes)
    assert peer.of("GET")[0].headers["mcp-session-id"] == "s-1"


@bounded
async def test_a_server_may_close_after_priming_and_be_polled() -> None:
    polls: list[str] = []

    async def script(said: Request) -> web.StreamResponse:
        if said.verb == "POST":
            return await streaming(said, block(ident="p0", retry=50))
        polls.append(said.headers["last-event-id"])
        if len(polls) < 4:
            return await streaming(said, block(ident=f"p{len(polls)}"))
        return await streaming(said, block(result({"id": 1}), ident="end"))

    async with meeting(Stateful(script)) as (client, _):
        client.say(initialize(), request("tools/call", 1))
        await client.hear()
        start = anyio.current_time()
        assert await client.hear() == {"jsonrpc": "2.0", "id": 1, "result": {}}
        assert anyio.current_time() - start >= 4 * 0.05
        assert await client.rest() == []
    assert polls == ["p0", "p1", "p2", "p3"]


@bounded
async def test_resuming_is_given_up_after_two_tries() -> None:
    async def script(said: Request) -> web.StreamResponse:
        if said.verb == "POST":
            return await streaming(said, block(ident="p0", retry=50))
        return web.Response(status=503)

    async with meeting(Stateful(script)) as (client, peer):
        client.say(initialize(), request("tools/call", 1))
        await client.hear()
        error = (await client.hear())["error"]
        assert "could not be resumed: HTTP 503" in error["message"]
        assert error["data"] == own(503)
        assert await client.rest() == []
    assert len(peer.of("GET")) == 2


@bounded
async def test_the_servers_own_stream_is_opened_again_where_it_broke() -> None:
    async def script(said: Request) -> web.StreamResponse:
        if said.verb != "GET":
            return await no_stream(said)
        if len(peer.of("GET")) == 1:
            return await streaming(said, block(request("notifications/message", None, n=1), ident="g1", retry=50))
        stream = await streaming(said, block(request("notifications/message", None, n=2), ident="g2"))
        await anyio.sleep_forever()
        return stream

    async with meeting(Stateful(script)) as (client, peer):
        client.say(initialize(), INITIALIZED)
        await client.hear()
        assert [(await client.hear())["params"]["n"] for _ in range(2)] == [1, 2]
    assert [each.headers.get("last-event-id") for each in peer.of("GET")] == [None, "g1"]


@bounded
async def test_the_servers_own_stream_is_given_up_when_it_cannot_be_opened() -> None:
    async def script(said: Request) -> web.StreamResponse:
        if said.verb != "GET":
            return await no_stream(said)
        if len(peer.of("GET")) == 1:
            return await streaming(said, b"retry: 50\n\n")
        return web.Response(status=502)

    async with meeting(Stateful(script)) as (client, peer):
        client.say(initialize(), INITIALIZED)
        await client.noted("could not be opened again")
        assert len(peer.of("GET")) == 3
        assert (await client.hear())["id"] == 0
        assert (await client.ask("ping", 4))["id"] == 4


@bounded
async def test_a_refusal_of_the_servers_own_stream_is_noted() -> None:
    async def script(said: Request) -> web.StreamResponse:
        return await no_stream(said) if said.verb != "GET" else web.Response(status=400, text="no")

    async with meeting(Stateful(script)) as (client, peer):
        client.say(initialize(), INITIALIZED)
        await client.noted("stream is not open: HTTP 400")
    assert len(peer.of("GET")) == 1


@bounded
async def test_a_cancelled_call_of_a_session_is_cancelled_by_message_and_gets_no_error() -> None:
    cancelled = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        if said.method == "tools/call":
            stream = await streaming(said, block(request("notifications/message", None)))
            await cancelled.wait()
            return stream
        cancelled.set()
        return web.Response(status=202)

    async with meeting(Stateful(script)) as (client, peer):
        client.say(initialize(), request("tools/call", 1))
        await client.hear()
        await client.hear()
        client.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        await client.closed("x2")
        assert await client.rest() == []
    assert len(peer.of("POST", "notifications/cancelled")) == 1


@bounded
async def test_a_cancellation_that_crosses_the_answer_of_a_session_goes_up() -> None:
    async with meeting(Stateful(no_stream)) as (client, peer):
        client.say(initialize(), request("tools/call", 1))
        assert [(await client.hear())["id"] for _ in range(2)] == [0, 1]
        client.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        await client.closed("x3")
    assert peer.of("POST")[2].method == "notifications/cancelled"


@bounded
async def test_a_break_after_the_answer_harms_nobody() -> None:
    heard = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        stream = await streaming(said, block(result(said.said)))
        await heard.wait()
        cut(said)
        return stream

    async with meeting(script) as (client, _):
        assert (await client.ask("tools/call", 1))["id"] == 1
        heard.set()
        await client.closed("x1")
        assert await client.rest() == []
    assert client.notes == []


@bounded
async def test_an_answer_after_ours_is_left_out() -> None:
    stream: list[web.StreamResponse] = []

    async def script(said: Request) -> web.StreamResponse:
        if said.verb == "GET":
            stream.append(await streaming(said))
            await anyio.sleep_forever()
        return web.Response(status=202)

    async with meeting(Stateful(script)) as (client, _):
        client.say(initialize(), INITIALIZED, request("tools/call", 1))
        await client.hear()
        assert "error" in await client.hear()
        await stream[0].write(block(result({"id": 1})) + block(request("notifications/message", None)))
        assert (await client.hear())["method"] == "notifications/message"
    assert "came after interpose had answered" in " ".join(client.notes)


@bounded
async def test_a_redirect_within_the_origin_is_followed_and_remembered() -> None:
    async def script(said: Request) -> web.StreamResponse:
        if said.http.path == "/mcp":
            return web.Response(status=307, headers={"Location": "/mcp/"})
        return await no_stream(said)

    async with meeting(script) as (client, peer):
        assert (await client.ask("ping", 1))["id"] == 1
        assert (await client.ask("ping", 2))["id"] == 2
    assert [each.http.path for each in peer.seen] == ["/mcp", "/mcp/", "/mcp/"]
    assert peer.seen[0].raw == peer.seen[1].raw


@bounded
async def test_redirects_in_circles_end() -> None:
    async def script(said: Request) -> web.StreamResponse:
        return web.Response(status=308, headers={"Location": "/mcp"})

    async with meeting(script) as (client, peer):
        assert "circles" in (await client.ask("ping", 1))["error"]["message"]
    assert len(peer.seen) == 3


@bounded
async def test_garbage_goes_up_as_it_is() -> None:
    async with serving(no_stream_for_garbage) as peer, linked(peer.url) as client:
        client.say(b"hello there")
        await client.noted("was not taken")
        assert await client.rest() == []
    assert peer.seen[0].raw == b"hello there"


async def no_stream_for_garbage(said: Request) -> web.StreamResponse:
    return web.Response(status=400, text="no JSON")
