"""A stateless server over HTTP (2026-07-28): mirrored headers, cancelling by closing, subscriptions, probing."""

from __future__ import annotations

import json

import anyio
from aiohttp import web
from tests.edge.http_server_peers import (
    META,
    VERSION,
    Request,
    Stateful,
    answer,
    block,
    bounded,
    cut,
    initialize,
    meeting,
    no_stream,
    request,
    result,
    stateless,
    streaming,
)

from interpose.core.events import Closed

CANCELLED = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
SCHEMA = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
LISTEN = stateless("subscriptions/listen", "l1", notifications={"toolsListChanged": True})
ACK = request("notifications/subscriptions/acknowledged", None, notifications={"toolsListChanged": True})


@bounded
async def test_headers_mirror_the_body() -> None:
    async with meeting(no_stream) as (client, peer):
        client.say(stateless("tools/call", 1, name="größe"), stateless("server/discover", 2))
        assert sorted([(await client.hear())["id"] for _ in range(2)]) == [1, 2]
        assert await client.rest() == []
    call, discover = peer.seen
    assert call.headers["mcp-protocol-version"] == "2026-07-28"
    assert call.headers["mcp-method"] == "tools/call"
    assert call.headers["mcp-name"] == "=?base64?Z3LDtsOfZQ==?="
    assert discover.headers["mcp-method"] == "server/discover"
    assert "mcp-name" not in discover.headers
    assert all(each.verb == "POST" and "mcp-session-id" not in each.headers for each in peer.seen)


@bounded
async def test_arguments_are_mirrored_as_the_list_of_tools_says() -> None:
    schemas = [SCHEMA, {"type": "object"}]

    async def script(said: Request) -> web.StreamResponse:
        if said.method == "tools/list":
            return answer(result(said.said, tools=[{"name": "deploy", "inputSchema": schemas.pop(0)}]))
        return await no_stream(said)

    async with meeting(script) as (client, peer):
        call = {"name": "deploy", "arguments": {"region": "eu"}}
        for ident, (method, params) in enumerate([("tools/list", {}), ("tools/call", call)] * 2):
            client.say(stateless(method, ident, **params))
            await client.hear()
    assert [each.headers.get("mcp-param-region") for each in peer.of("POST", "tools/call")] == ["eu", None]


@bounded
async def test_cancelling_closes_the_stream_and_is_not_posted() -> None:
    closed = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        stream = await streaming(said, block(request("notifications/progress", None)))
        try:
            await anyio.sleep_forever()
        finally:
            closed.set()
        return stream

    async with meeting(script) as (client, peer):
        assert (await client.ask("tools/call", 1, _meta=META))["method"] == "notifications/progress"
        client.say(CANCELLED)
        await closed.wait()
        event = await client.closed("x1")
        assert isinstance(event, Closed)
        assert (event.end, event.reason) == ("client", "disconnect")
        assert await client.rest() == []
    assert len(peer.seen) == 1


@bounded
async def test_cancelling_before_anything_came_back_closes_the_connection() -> None:
    asked, closed = anyio.Event(), anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            closed.set()
        raise AssertionError

    async with meeting(script) as (client, peer):
        client.say(stateless("tools/call", 1))
        await asked.wait()
        client.say(CANCELLED)
        await closed.wait()
        assert await client.rest() == []
    assert len(peer.seen) == 1


@bounded
async def test_a_cancellation_that_crosses_the_answer_goes_nowhere() -> None:
    async with meeting(no_stream) as (client, peer):
        await client.ask("tools/call", 1, _meta=META)
        client.say(CANCELLED)
        await client.noted("came too late")
        assert (await client.ask("tools/call", 1, _meta=META))["id"] == 1  # an id may come again
    assert len(peer.seen) == 2


@bounded
async def test_a_subscription_stays_open_beside_other_calls_and_may_end_with_a_result() -> None:
    changed = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        if said.method != "subscriptions/listen":
            changed.set()
            return await no_stream(said)
        stream = await streaming(said, block(ACK), b": alive\n\n")
        await changed.wait()
        await stream.write(block(request("notifications/tools/list_changed", None)))
        await stream.write(block(result(said.said, resultType="complete")))
        return stream

    async with meeting(script) as (client, _):
        client.say(LISTEN)
        assert await client.hear() == ACK
        client.say(stateless("tools/call", 1))
        heard = [await client.hear() for _ in range(3)]
        assert sorted(str(each.get("id")) for each in heard) == ["1", "None", "l1"]
        assert await client.rest() == []


@bounded
async def test_a_subscription_that_breaks_off_is_noted_and_ended_as_stdio_ends_it() -> None:
    heard = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        stream = await streaming(said, block(ACK))
        await heard.wait()
        cut(said)
        return stream

    async with meeting(script) as (client, peer):
        client.say(LISTEN)
        assert await client.hear() == ACK
        heard.set()
        await client.noted('subscription "l1" ended without')
        ended = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "l1"}}
        assert await client.hear() == ended
        assert await client.rest() == []
    assert len(peer.seen) == 1


@bounded
async def test_a_subscription_that_is_refused_gets_its_error() -> None:
    async def script(said: Request) -> web.StreamResponse:
        return web.Response(status=429, text="slow down")

    async with meeting(script) as (client, _):
        client.say(LISTEN)
        assert (await client.hear())["error"]["data"] == {"interpose": {"status": 429}}


@bounded
async def test_an_open_subscription_does_not_hold_up_the_end() -> None:
    async def script(said: Request) -> web.StreamResponse:
        stream = await streaming(said, block(ACK))
        await anyio.sleep_forever()
        return stream

    async with meeting(script) as (client, peer):
        client.say(LISTEN)
        await client.hear()
        assert await client.rest(grace=60) == []
    assert peer.of("DELETE") == []


@bounded
async def test_a_probe_of_a_stateful_server_fails_at_once_and_the_handshake_follows() -> None:
    async def script(said: Request) -> web.StreamResponse:
        if said.headers.get("mcp-session-id") is None:
            body = {"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "Missing session ID"}}
            return answer(body, 400, Mcp_Session_Id="dead")
        return await no_stream(said)

    async with meeting(Stateful(script)) as (client, peer):
        assert (await client.ask("server/discover", 1, _meta=META))["error"]["code"] == -32600
        client.say(initialize(2))
        assert (await client.hear())["result"]["protocolVersion"] == VERSION
        assert (await client.ask("tools/list", 3))["result"] == {"method": "tools/list"}
    assert {"mcp-method", "mcp-protocol-version", "mcp-session-id"}.isdisjoint(peer.seen[1].headers)
    assert peer.seen[2].headers["mcp-protocol-version"] == VERSION


@bounded
async def test_a_notification_in_a_stateless_conversation_says_its_version() -> None:
    async with meeting(no_stream) as (client, peer):
        await client.ask("server/discover", 1, _meta=META)
        client.say({"jsonrpc": "2.0", "method": "notifications/custom"})
        await client.closed("x2")
    assert peer.seen[1].headers["mcp-protocol-version"] == "2026-07-28"
    assert peer.seen[1].headers["mcp-method"] == "notifications/custom"


@bounded
async def test_a_broken_stream_of_a_stateless_call_is_not_resumed() -> None:
    async def script(said: Request) -> web.StreamResponse:
        return await streaming(said, block(request("notifications/progress", None), ident="e1"))

    async with meeting(script) as (client, peer):
        await client.ask("tools/call", 1, _meta=META)
        error = (await client.hear())["error"]
        assert error["code"] == -31000
        assert await client.rest() == []
    assert [each.verb for each in peer.seen] == ["POST"]
    assert json.loads(peer.seen[0].raw)["id"] == 1
