"""HTTP+SSE (2024-11-05) in front of a child: one stream is the session, POSTs are only accepted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.edge.hosting_world import (
    BOTH,
    Events,
    World,
    call,
    hosting,
    kinds,
    messages,
    notification,
    opening,
    request,
)

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def connected(world: World) -> AsyncIterator[tuple[Events, str]]:
    """An open stream and the path to post to."""
    async with world.http.get(world.url + "/sse", headers={"Accept": "text/event-stream"}) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        events = Events(response)
        first = (await events.block()).splitlines()
        assert first[0] == "event: endpoint"
        yield events, first[1].removeprefix("data: ")


async def test_every_message_comes_on_the_stream(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world, connected(world) as (events, path):
        assert path.startswith("/messages?session_id=")
        async with world.post(opening("2024-11-05"), path=path) as response:
            assert (response.status, await response.text()) == (202, "Accepted")
        assert await events.block() == (
            "event: message\n"
            'data: {"jsonrpc": "2.0", "id": 0, "result": {"protocolVersion": "2024-11-05", "capabilities": {}, '
            '"serverInfo": {"name": "puppet", "version": "1"}}}\n'
        )
        async with world.post(call(1, "ask"), path=path):
            assert (await events.message())["method"] == "roots/list"
        async with world.post({"jsonrpc": "2.0", "id": "ask-1", "result": {"roots": []}}, path=path):
            assert (await events.message())["id"] == 1
        async with world.post(notification("test/say", uri="a:1"), path=path):
            assert (await events.message())["params"] == {"uri": "a:1"}


async def test_posts_that_are_not_fit_are_refused(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world, connected(world) as (_, path):
        for message, target, headers, status in (
            (request(1, "ping"), "/messages", BOTH, 400),
            (request(1, "ping"), "/messages?session_id=x", BOTH, 404),
            (request(1, "ping"), path, {**BOTH, "Authorization": "Bearer other"}, 404),
            (request(1, "ping"), path, {"Content-Type": "text/plain"}, 415),
            (b"{", path, BOTH, 400),
        ):
            async with world.post(message, headers, target) as response:
                assert response.status == status
        async with world.http.get(world.url + "/sse", headers={"Accept": "application/json"}) as response:
            assert response.status == 406


async def test_the_session_ends_with_its_stream(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        async with connected(world) as (events, path), world.post(opening("2024-11-05"), path=path):
            await events.message()
        await world.recorded('"kind":"end"')
        async with world.post(request(1, "ping"), path=path) as response:
            assert response.status == 404
    [entries] = world.recordings()
    assert entries[-1].reason == "client disconnected"
    assert [entry.text for entry in kinds(entries, "exit")] == ["0"]
    [endpoint] = [entry for entry in kinds(entries, "data") if entry.sse and entry.sse.event == "endpoint"]
    assert endpoint.sse is not None
    assert endpoint.sse.data == "/messages?session_id=session-1"
    assert [channel for end, channel, _ in messages(entries)] == ["x2", "stdio"]


async def test_a_child_that_exits_answers_what_waits_and_ends_the_stream(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world, connected(world) as (events, path):
        async with world.post(call(1, "exit", status=4), path=path):
            failed = await events.message()
        assert (failed["id"], failed["error"]["code"]) == (1, -31000)
        assert await events.message() is None
