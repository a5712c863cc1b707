"""Policy between HTTP clients and children on stdio."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.edge.governed_stdio import CHILD
from tests.edge.governed_world import (
    SAID_NO,
    block,
    call,
    cancel_task,
    drop,
    edit,
    govern,
    refuse_asks,
    request,
    stateless,
    text_of,
)
from tests.edge.hosting_world import BOTH, SECONDS, Events, World, hosting, messages, mirrored, opening

from interpose.core.wire.message import Kind

pytestmark = pytest.mark.anyio
DECLINED = {"action": "decline"}
NOTICE = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}


def headers_of(message: Any) -> dict[str, str]:
    named = {"Mcp-Name": message["params"]["taskId"]} if "taskId" in message["params"] else {}
    return {**mirrored(message), **named}


async def ask(world: World, message: Any, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """POST a message; the status of its answer, and what it says."""
    async with world.post(message, headers or headers_of(message)) as response:
        if response.content_type == "text/event-stream":
            return response.status, await Events(response).message()
        return response.status, await response.json()


async def seen(world: World, headers: dict[str, str] | None = None) -> list[Any]:
    """What the child was sent before."""
    message = call(99, "seen") if headers else stateless(call(99, "seen"))
    _, said = await ask(world, message, headers)
    found: list[Any] = json.loads(text_of(said))[:-1]
    return found


@pytest.mark.parametrize("era", ["stateful", "stateless"])
async def test_a_child_sees_nothing_of_what_is_blocked(
    era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, block("tools/call", "deploy"), drop("notifications/progress"))
    async with hosting(tmp_path, CHILD) as world:
        headers = await world.open() if era == "stateful" else None
        message = call(7) if era == "stateful" else stateless(call(7))
        status, blocked = await ask(world, message, headers)
        assert (status, blocked["id"], text_of(blocked)) == (200, 7, SAID_NO)
        async with world.post(NOTICE, headers or {**BOTH, "MCP-Protocol-Version": "2026-07-28"}) as response:
            assert response.status == 202
        assert [each["method"] for each in await seen(world, headers)] == ["initialize"] * (era == "stateful")


async def test_a_childs_sampling_is_refused_and_the_client_hears_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_asks("sampling"))
    async with hosting(tmp_path, CHILD) as world:
        headers = await world.open()
        status, said = await ask(world, call(7, "ask"), headers)
        assert (status, said["id"]) == (200, 7)
        assert json.loads(text_of(said))["error"]["code"] == -1


async def test_a_blocked_call_of_a_legacy_session_is_answered_on_its_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, block("tools/call"))
    async with hosting(tmp_path, CHILD) as world, world.http.get(world.url + "/sse", headers=BOTH) as stream:
        events = Events(stream)
        path = (await events.block()).partition("data: ")[2].strip()
        for message in (opening("2024-11-05"), call(7)):
            async with world.post(message, path=path) as response:
                assert response.status == 202
            heard = await events.message()
            assert heard["id"] == message["id"]
        assert text_of(heard) == SAID_NO


async def test_messages_are_edited_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(body: Any) -> None:
        body["params"]["name"] = "other"

    def mark(body: Any) -> None:
        body["result"]["content"][0]["text"] += " (edited)"

    govern(monkeypatch, edit(Kind.REQUEST, rename), edit(Kind.RESULT, mark))
    async with hosting(tmp_path, CHILD) as world:
        status, said = await ask(world, stateless(call(7)))
        assert (status, text_of(said)) == (200, '{"called": "other", "arguments": {}} (edited)')


async def test_a_call_is_repeated_to_the_shared_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch, refuse_asks("elicitation"))
    async with hosting(tmp_path, CHILD) as world:
        found: list[Any] = []

        async def one(name: str) -> None:
            status, said = await ask(world, stateless(call(7, name)))
            found.append((status, said["id"], json.loads(text_of(said))["state"]))

        async with anyio.create_task_group() as tasks:
            for name in ("form", "twice", "form"):
                tasks.start_soon(one, name)
        assert sorted(found) == [(200, 7, "s-1"), (200, 7, "s-1"), (200, 7, "s-2")]
    [entries] = world.recordings()
    own = [channel for end, channel, said in messages(entries) if str(said.get("id")).startswith("interpose-")]
    assert sorted(own) == sorted(2 * ["i1", "i2", "i3", "i4"])


async def test_the_reply_stays_open_with_comments_while_a_call_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_asks("elicitation"))
    async with hosting(tmp_path, CHILD, silent=0.02) as world:
        message = stateless(call(7, "silent"))
        async with world.post(message, headers_of(message)) as response:
            assert await Events(response).block() == ": keep-alive\n"


async def test_a_client_that_leaves_cancels_the_call_that_is_repeated_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_asks("elicitation"))
    async with hosting(tmp_path, CHILD) as world:
        message = stateless(call(7, "silent"))
        with anyio.move_on_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask, world, message)
                await world.recorded('"id":"interpose-1"')
                tasks.cancel_scope.cancel()
        await world.recorded("the server was told that x1 is cancelled")
        methods = [(each["method"], each["params"].get("requestId")) for each in await seen(world)]
    assert methods == [("tools/call", None), ("tools/call", None), ("notifications/cancelled", 2)]


async def test_the_child_gets_a_request_that_nobody_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch, cancel_task)
    async with hosting(tmp_path, CHILD) as world:
        _, said = await ask(world, stateless(request("tasks/get", 3, taskId="t-1")))
        assert said["result"]["status"] == "cancelled"
        assert [each["method"] for each in await seen(world)] == ["tasks/get", "tasks/cancel"]
    [entries] = world.recordings()
    assert [channel for end, channel, said in messages(entries) if said["id"] == "interpose-1"] == ["i1", "i1"]
