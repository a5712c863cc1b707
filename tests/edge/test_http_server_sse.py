"""A server that speaks only HTTP+SSE (2024-11-05): found by its refusal of the handshake, its stream is the session."""

from __future__ import annotations

import anyio
import pytest
from aiohttp import web
from tests.edge.http_server_peers import (
    INITIALIZED,
    Client,
    Peer,
    Request,
    answer,
    bounded,
    initialize,
    meeting,
    opened,
    request,
    result,
    streaming,
)

from interpose.core.events import Told


def event(name: str, data: str) -> bytes:
    return f"event: {name}\r\ndata: {data}\r\n\r\n".encode()


class SseServer:
    """Answers on its one stream whatever is posted to the endpoint it named."""

    def __init__(self, endpoint: str = "/messages?session=1", refusal: int = 405) -> None:
        self._endpoint = endpoint
        self._refusal = refusal
        self._stream: web.StreamResponse
        self.over = anyio.Event()

    async def __call__(self, said: Request) -> web.StreamResponse:
        if said.verb == "GET":
            self._stream = await streaming(said, b": hello\n\n", event("endpoint", self._endpoint))
            await self.over.wait()
            return self._stream
        if said.http.path != "/messages":
            return web.Response(status=self._refusal, text="no")
        return await self.hear(said)

    async def hear(self, said: Request) -> web.StreamResponse:
        if said.method == "refuse me":
            return web.Response(status=400, text="Could not parse message")
        if "id" in said.said:
            reply = opened(said.said, "2024-11-05") if said.method == "initialize" else result(said.said)
            await self._stream.write(event("message", web.json_response(reply).text or ""))
        return web.Response(status=202, text="Accepted")


async def greet(client: Client) -> None:
    client.say(initialize(), INITIALIZED)
    assert (await client.hear())["result"]["protocolVersion"] == "2024-11-05"


@pytest.mark.parametrize("refusal", [400, 404, 405])
@bounded
async def test_the_handshake_finds_the_endpoint(refusal: int) -> None:
    async with meeting(SseServer(refusal=refusal)) as (client, peer):
        await greet(client)
        assert await client.ask("tools/list", 1) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        client.say(request("ping", 2), request("ping", 3))
        assert [(await client.hear())["id"] for _ in range(2)] == [2, 3]
        assert await client.rest() == []
    assert [each.verb for each in peer.seen] == ["POST", "GET", *["POST"] * 5]
    assert {each.http.path_qs for each in peer.seen[2:]} == {"/messages?session=1"}


@bounded
async def test_a_server_that_is_probed_first_is_found_too() -> None:
    async with meeting(SseServer()) as (client, _):
        assert "error" in await client.ask("server/discover", "probe")
        await greet(client)


@bounded
async def test_an_absolute_endpoint_of_the_same_origin_is_taken() -> None:
    server = SseServer("")

    async def script(said: Request) -> web.StreamResponse:
        server._endpoint = f"http://{said.http.host}/messages?a=1"
        return await server(said)

    async with meeting(script) as (client, peer):
        await greet(client)
    assert peer.seen[-1].http.path_qs == "/messages?a=1"


@pytest.mark.parametrize("endpoint", ["http://example.test/messages", "//example.test/messages", "http://[broken"])
@bounded
async def test_an_endpoint_of_another_origin_is_refused(endpoint: str) -> None:
    async with meeting(SseServer(endpoint), (("Authorization", "Bearer t"),)) as (client, _):
        client.say(initialize())
        error = (await client.hear())["error"]
        assert "names an endpoint in another origin" in error["message"]
        assert await client.rest() == []


@bounded
async def test_a_refused_handshake_stays_refused_where_there_is_no_stream() -> None:
    refusal = {"jsonrpc": "2.0", "id": 0, "error": {"code": -32602, "message": "version"}}

    async def script(said: Request) -> web.StreamResponse:
        return answer(refusal, 400) if said.verb == "POST" else web.Response(status=405)

    async with meeting(script) as (client, peer):
        client.say(initialize())
        assert await client.hear() == refusal
        assert await client.rest() == []
    assert [each.verb for each in peer.seen] == ["POST", "GET"]


@bounded
async def test_a_stream_that_names_no_endpoint_is_none_of_this_kind() -> None:
    async def script(said: Request) -> web.StreamResponse:
        if said.verb == "POST":
            return web.Response(status=400)
        return await streaming(said, event("message", "{}"))

    async with meeting(script) as (client, _):
        client.say(initialize())
        assert (await client.hear())["error"]["data"] == {"interpose": {"status": 400}}


@bounded
async def test_a_refusal_of_the_stateless_era_is_no_reason_to_look_for_a_stream() -> None:
    refusal = {
        "jsonrpc": "2.0",
        "id": 0,
        "error": {"code": -32022, "message": "v", "data": {"supported": ["2026-07-28"]}},
    }

    async def script(said: Request) -> web.StreamResponse:
        return answer(refusal, 400)

    async with meeting(script) as (client, peer):
        client.say(initialize())
        assert await client.hear() == refusal
    assert len(peer.seen) == 1


@bounded
async def test_a_message_that_the_endpoint_refuses_is_answered() -> None:
    async with meeting(SseServer()) as (client, _):
        await greet(client)
        error = (await client.ask("refuse me", 5))["error"]
        assert error["data"] == {"interpose": {"status": 400}}
        assert (await client.ask("ping", 6))["result"] == {}


@bounded
async def test_the_end_of_the_stream_is_the_end_of_the_session() -> None:
    class Silent(SseServer):
        async def hear(self, said: Request) -> web.StreamResponse:
            if said.method == "tools/call":
                self.over.set()
                return web.Response(status=202)
            return await super().hear(said)

    async with meeting(Silent()) as (client, peer):
        await greet(client)
        error = (await client.ask("tools/call", 1))["error"]
        assert "the server ended its stream, and with it the session" in error["message"]
        while await client.more():
            pass
        assert client.link.failed is not None
        assert "/messages" in client.link.failed
    told(client, peer)


def told(client: Client, peer: Peer) -> None:
    """Nothing more was tried, and the recording says what happened."""
    assert peer.of("DELETE") == []
    assert [event.text for event in client.events if isinstance(event, Told)][-1].startswith("answered tools/call")
