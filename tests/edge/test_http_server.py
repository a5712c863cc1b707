"""A stateful server over Streamable HTTP (2025-03-26 to 2025-11-25): sessions, streams, order, back-pressure."""

from __future__ import annotations

import json

import anyio
from aiohttp import web
from tests.edge.http_server_peers import (
    INITIALIZED,
    Request,
    Stateful,
    answer,
    block,
    bounded,
    initialize,
    meeting,
    no_stream,
    opened,
    request,
    result,
    stalled,
    streaming,
)

from interpose.core.events import Closed, Received, Requested, Responded
from interpose.edge.transports.http_server import HttpServerLink


@bounded
async def test_a_session_is_learnt_from_the_handshake_and_ended_with_the_client() -> None:
    async with meeting(Stateful(no_stream)) as (client, peer):
        client.say(initialize(), INITIALIZED)
        assert (await client.hear())["result"]["protocolVersion"] == "2025-11-25"
        assert (await client.ask("ping", 1))["result"] == {"method": "ping"}
        assert await client.rest() == []
    first, *others = peer.seen
    assert {"mcp-session-id", "mcp-protocol-version"}.isdisjoint(first.headers)
    assert [each.verb for each in others] == ["POST", "GET", "POST", "DELETE"]
    for each in others:
        assert each.headers["mcp-session-id"] == "s-1"
        assert each.headers["mcp-protocol-version"] == "2025-11-25"
    assert client.notes == []


@bounded
async def test_an_old_server_gets_no_version_header() -> None:
    async with meeting(Stateful(no_stream, "2025-03-26")) as (client, peer):
        client.say(initialize(), INITIALIZED, request("ping"))
        assert [(await client.hear())["id"] for _ in range(2)] == [0, 1]
    assert all("mcp-protocol-version" not in each.headers for each in peer.seen)


@bounded
async def test_a_session_id_on_a_refusal_is_not_learnt() -> None:
    refused: list[Request] = []

    async def script(said: Request) -> web.StreamResponse:
        if said.method == "tools/list" and not refused:
            refused.append(said)
            return answer(
                {"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "no session"}},
                400,
                Mcp_Session_Id="dead",
            )
        if said.method == "initialize":
            return answer(opened(said.said))
        return await no_stream(said)

    async with meeting(script) as (client, peer):
        assert (await client.ask("tools/list"))["error"]["code"] == -32600
        client.say(initialize(), request("ping", 2))
        assert [(await client.hear())["id"] for _ in range(2)] == [0, 2]
    assert all("mcp-session-id" not in each.headers for each in peer.seen)
    assert peer.of("DELETE") == []


@bounded
async def test_what_is_said_before_the_handshake_is_answered_waits_for_it() -> None:
    asked, go = anyio.Event(), anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        if said.method == "initialize":
            asked.set()
            await go.wait()
        return await Stateful(no_stream)(said)

    async with meeting(script) as (client, peer):
        client.say(initialize(), INITIALIZED, request("ping", 1), request("ping", 2))
        await asked.wait()
        assert len(peer.seen) == 1
        go.set()
        assert sorted([(await client.hear())["id"] for _ in range(3)]) == [0, 1, 2]
    assert [each.method for each in peer.of("POST")] == ["initialize", "notifications/initialized", "ping", "ping"]


@bounded
async def test_the_servers_own_stream_is_open_before_the_next_message_goes_up() -> None:
    streams: list[web.StreamResponse] = []
    push = request("roots/list", "s7")
    answered = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        if said.verb == "GET":
            streams.append(await streaming(said))
            await answered.wait()
            return streams[0]
        if said.method == "tools/call":
            await streams[0].write(block(push))
            await answered.wait()
            return answer(result(said.said, done=True))
        assert said.said == {"jsonrpc": "2.0", "id": "s7", "result": {"roots": []}}
        answered.set()
        return web.Response(status=202)

    async with meeting(Stateful(script)) as (client, peer):
        client.say(initialize(), INITIALIZED, request("tools/call", 1))
        await client.hear()
        assert await client.hear() == push
        client.say({"jsonrpc": "2.0", "id": "s7", "result": {"roots": []}})
        assert (await client.hear())["result"] == {"done": True}
    assert [each.verb for each in peer.seen][:5] == ["POST", "POST", "GET", "POST", "POST"]


@bounded
async def test_answers_go_up_while_the_stream_of_the_call_stays_open() -> None:
    elicited = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        if said.method == "tools/call":
            stream = await streaming(said, block(request("elicitation/create", 1)))
            await elicited.wait()
            await stream.write(block(result(said.said, done=True)))
            return stream
        if said.verb == "POST":
            elicited.set()
            return web.Response(status=202)
        return web.Response(status=405)

    async with meeting(Stateful(script)) as (client, _):
        client.say(initialize(), INITIALIZED, request("tools/call", 1))
        await client.hear()
        assert (await client.hear())["method"] == "elicitation/create"
        client.say({"jsonrpc": "2.0", "id": 1, "result": {"action": "decline"}})
        assert await client.hear() == {"jsonrpc": "2.0", "id": 1, "result": {"done": True}}
        assert await client.rest() == []


@bounded
async def test_posts_begin_in_order_and_are_answered_in_any() -> None:
    late = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        if said.said["id"] == 0:
            await late.wait()
        return answer(result(said.said))

    async with meeting(script) as (client, peer):
        client.say(*(request("ping", number) for number in range(40)))
        first = [(await client.hear())["id"] for _ in range(39)]
        assert sorted(first) == list(range(1, 40))
        late.set()
        assert (await client.hear())["id"] == 0
        assert len(peer.seen) == 40


@bounded
async def test_a_large_message_is_written_before_a_later_one_begins() -> None:
    async with meeting(no_stream) as (client, peer):
        peer.reading = anyio.Event()
        client.say(request("big", 1, text="x" * (32 << 20)), request("small", 2))
        await stalled()
        assert peer.began == 1
        peer.reading.set()
        assert sorted([(await client.hear())["id"] for _ in range(2)]) == [1, 2]
    assert all(int(each.headers["content-length"]) == len(each.raw) for each in peer.seen)


@bounded
async def test_a_line_break_after_the_json_is_no_part_of_the_message() -> None:
    async def script(said: Request) -> web.StreamResponse:
        return web.Response(text=json.dumps(result(said.said)) + "\r\n", content_type="application/json")

    async with meeting(script) as (client, _):
        client.say(request("ping"))
        message = await client.hear_message()
        assert message.raw == json.dumps(result({"id": 1})).encode()
        frame = next(event.frame for event in client.events if isinstance(event, Received))
        assert frame.tail == b"\r\n"


@bounded
async def test_a_pretty_printed_body_and_odd_text_reach_the_client_on_one_line() -> None:
    text = '{\r\n  "jsonrpc": "2.0",\n  "id": 1,\n  "result": {"text": "a\u2028b\u0085c", "n": 1.0e2, "s": "\\/"}\n}'

    async def script(said: Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="application/json")

    async with meeting(script) as (client, _):
        client.say(request("ping"))
        message = await client.hear_message()
        assert message.raw == text.encode()
        assert await client.rest() == []


@bounded
async def test_text_that_looks_like_a_line_end_is_none_in_an_event() -> None:
    raw = 'data: {"jsonrpc":"2.0","id":1,"result":{"text":"a\u2028b\u0085c"}}\r\n\r\n: ping\n\n'.encode()

    async def script(said: Request) -> web.StreamResponse:
        return await streaming(said, raw[:40], raw[40:])

    async with meeting(script) as (client, _):
        assert (await client.ask("ping"))["result"]["text"] == "a\u2028b\u0085c"
        await client.closed("x1")
    blocks = [event.frame.raw for event in client.events if isinstance(event, Received)]
    assert b"".join(blocks) == raw


@bounded
async def test_a_batch_goes_up_as_it_is_and_each_request_is_answered_once() -> None:
    batch = b'[ {"jsonrpc":"2.0","id":"a","method":"ping"}, {"jsonrpc":"2.0","id":2,"method":"ping"}]'

    async def script(said: Request) -> web.StreamResponse:
        return answer([result(each) for each in said.said if each["id"] == "a"])

    async with meeting(script) as (client, peer):
        client.say(batch)
        assert await client.hear() == [{"jsonrpc": "2.0", "id": "a", "result": {}}]
        assert (await client.hear())["id"] == 2
        assert await client.rest() == []
    assert peer.seen[0].raw == batch


@bounded
async def test_every_exchange_is_told_with_its_status() -> None:
    async with meeting(Stateful(no_stream)) as (client, _):
        client.say(initialize(), INITIALIZED)
        await client.hear()
        await client.rest(grace=5)
    told = [(event.channel, event.method) for event in client.events if isinstance(event, Requested)]
    assert told == [("x1", "POST"), ("x2", "POST"), ("x3", "GET"), ("x4", "DELETE")]
    assert [event.status for event in client.events if isinstance(event, Responded)] == [200, 202, 405, 204]
    assert [event.reason for event in client.events if isinstance(event, Closed)] == ["end"] * 4


@bounded
async def test_the_users_headers_go_with_every_request() -> None:
    async with meeting(Stateful(no_stream), (("Authorization", "Bearer t"), ("X-Team", "a"))) as (client, peer):
        client.say(initialize(), INITIALIZED)
        await client.hear()
        await client.rest(grace=5)
    assert len(peer.seen) == 4
    assert {(each.headers["authorization"], each.headers["x-team"]) for each in peer.seen} == {("Bearer t", "a")}


@bounded
async def test_a_call_under_way_may_end_after_the_clients_end_of_input() -> None:
    asked = anyio.Event()

    async def script(said: Request) -> web.StreamResponse:
        if said.method != "tools/call":
            return await no_stream(said)
        stream = await streaming(said)
        asked.set()
        await finishing.wait()
        await stream.write(block(result(said.said)))
        return stream

    finishing = anyio.Event()
    async with meeting(Stateful(script)) as (client, peer):
        client.say(initialize(), INITIALIZED, request("tools/call", 1))
        await client.hear()
        await asked.wait()
        await client.link.finish()
        finishing.set()
        assert (await client.hear())["id"] == 1
        assert await client.rest() == []
    assert len(peer.of("DELETE")) == 1


@bounded
async def test_a_call_that_takes_too_long_does_not_hold_up_the_end() -> None:
    async def script(said: Request) -> web.StreamResponse:
        await anyio.sleep_forever()
        raise AssertionError

    async with meeting(Stateful(script)) as (client, peer):
        client.say(initialize(), INITIALIZED, request("tools/call", 1))
        await client.hear()
        with anyio.fail_after(5):
            assert await client.rest(grace=0.05) == []
    assert len(peer.of("DELETE")) == 1


@bounded
async def test_nothing_is_read_faster_than_it_is_taken() -> None:
    count, size = 600, 1 << 16
    written = 0

    async def script(said: Request) -> web.StreamResponse:
        nonlocal written
        stream = await streaming(said)
        for number in range(count):
            await stream.write(block(request("notifications/message", None, number=number, text="x" * size)))
            written += 1
        await stream.write(block(result(said.said)))
        return stream

    async with meeting(script) as (client, _):
        client.say(request("tools/call"))
        before = -1
        while before != written:  # until the server can write nothing more
            before = written
            await stalled()
        assert 0 < written * size < 24 << 20  # our bound, and what sockets hold
        numbers = [(await client.hear())["params"]["number"] for _ in range(count)]
        assert numbers == list(range(count))
        assert (await client.hear())["id"] == 1


@bounded
async def test_a_client_that_says_nothing_more_is_waited_for_no_longer_than_the_queue_is_full() -> None:
    link = HttpServerLink("http://127.0.0.1:9/mcp", lambda: 0.0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.room()
        await link.finish(0)
        await link.room()
        assert await link.receive() == []
    assert json.dumps(link.failed) == "null"
