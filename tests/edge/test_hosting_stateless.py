"""Stateless requests (2026-07-28) of many clients in front of one child: ids, streams, cancelling, restarting."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.edge.hosting_world import (
    BOTH,
    META,
    Events,
    World,
    call,
    hosting,
    kinds,
    messages,
    mirrored,
    notification,
    opening,
    request,
    stateless,
)

pytestmark = pytest.mark.anyio
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


async def result(world: World, message: dict[str, Any]) -> Any:
    async with world.send(message) as response:
        assert response.status == 200
        return await response.json()


async def test_all_requests_share_one_child_and_keep_their_ids(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        found: list[Any] = []

        async def ask(ident: Any) -> None:
            found.append(await result(world, call(ident, "echo", token="same", n=1)))

        async with anyio.create_task_group() as tasks:
            for ident in (1, 1, "1", 'a"b', 0, ""):
                tasks.start_soon(ask, ident)
        assert sorted(map(repr, (each["id"] for each in found))) == sorted(map(repr, (1, 1, "1", 'a"b', 0, "")))
        assert len({each["result"]["pid"] for each in found}) == 1
        below = [each["result"]["id"] for each in found]
        assert sorted(below) == [1, 2, 3, 4, 5, 6]
        assert [each["result"]["token"] for each in found] == below
    [entries] = world.recordings()
    heard = [said["id"] for end, _, said in messages(entries) if end == "client"]
    assert sorted(map(repr, heard)) == sorted(map(repr, (1, 1, "1", 'a"b', 0, "")))
    for entry in kinds(entries, "message"):
        if entry.end == "server":
            assert entry.channel.startswith("x")


async def test_nothing_else_of_a_message_is_changed(tmp_path: Path) -> None:
    meta = json.dumps(META)
    raw = (
        '{"params" : {"_meta":%s,"name":"seen", "n": 1.50e1, "id":9 },"method":"tools\\/call","id" :9,"jsonrpc":"2.0"}'
    )
    async with hosting(tmp_path) as world:
        headers = mirrored(stateless(call(9, "seen")))
        async with world.post((raw % meta).encode(), headers) as response:
            body = await response.json()
        assert body["id"] == 9
        [seen] = body["result"]["seen"]
        assert (seen["id"], seen["params"]["id"], seen["params"]["n"]) == (1, 9, 15.0)


async def test_progress_goes_to_its_own_client_with_its_own_token(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world, world.send(call(1, "hold", token="t")) as one:
        first = Events(one)
        assert (await first.message())["params"]["progressToken"] == "t"
        async with world.send(call(1, "progress", token="t")) as two:
            second = Events(two)
            assert (await second.message())["params"] == {"progressToken": "t", "progress": 1}
            assert (await second.message())["id"] == 1
        async with world.send(notification("test/release")) as response:
            assert response.status == 202
        assert await first.message() == {"jsonrpc": "2.0", "id": 1, "result": {"released": True}}


async def test_a_subscription_is_known_by_the_id_of_its_client(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        await result(world, call(1, "echo"))
        async with world.send(request("listen-1", "subscriptions/listen", notifications={})) as response:
            events = Events(response)
            assert (await events.message())["params"]["_meta"] == {SUBSCRIPTION: "listen-1"}
            async with world.send(notification("test/end-listen")) as accepted:
                assert accepted.status == 202
            assert await events.message() is None


async def test_a_client_that_leaves_cancels_and_a_late_answer_is_noted(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        response = await world.send(call("mine", "hold", token=1))
        await Events(response).message()
        response.close()
        await world.recorded("x1 is cancelled")
        seen = (await result(world, call(2, "seen")))["result"]["seen"]
        [cancel] = [each for each in seen if each["method"] == "notifications/cancelled"]
        assert cancel["params"]["requestId"] == 1
        async with world.send(notification("test/release")) as accepted:
            assert accepted.status == 202
        await world.recorded("could not be delivered")
    [entries] = world.recordings()
    late = {"jsonrpc": "2.0", "id": "mine", "result": {"released": True}}
    assert ("server", "x1", late) in messages(entries)


async def test_a_posted_cancel_reaches_nobody(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        async with world.send(notification("notifications/cancelled", requestId=1)) as response:
            assert response.status == 202
        seen = (await result(world, call(1, "seen")))["result"]["seen"]
        assert [each["method"] for each in seen] == ["tools/call"]


async def test_headers_must_say_what_the_body_says(tmp_path: Path) -> None:
    message = stateless(call(4, "echo"))
    right = mirrored(message)
    bare = request(4, "tools/list")
    odd: list[tuple[Any, dict[str, str], int, int]] = [
        (message, BOTH, 400, -32020),
        (message, {**right, "Mcp-Method": "tools/list"}, 400, -32020),
        (message, {**right, "Mcp-Name": "other"}, 400, -32020),
        (message, {**right, "MCP-Protocol-Version": "2025-11-25"}, 400, -32020),
        (bare, {**right, "Mcp-Method": "tools/list"}, 400, -32602),
        (request(4, "server/discover"), BOTH, 400, -32602),
        ([message], right, 400, -32600),
        ({"jsonrpc": "2.0", "id": 4, "result": {}}, right, 400, -32600),
        (message, {**right, "Accept": "application/json"}, 406, -32600),
    ]
    async with hosting(tmp_path) as world:
        for body, headers, status, code in odd:
            async with world.post(body, headers) as response:
                assert (response.status, (await response.json())["error"]["code"]) == (status, code), headers
    assert world.recordings() == []


async def test_the_status_follows_the_error(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        for method, status in (("tools/unheard-of", 404), ("server/discover", 400)):
            async with world.send(request(1, method)) as response:
                assert (response.status, (await response.json())["error"]["code"]) == (status, -32601)


async def test_a_client_without_json_gets_a_stream(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        message = stateless(call(1, "echo"))
        async with world.post(message, {**mirrored(message), "Accept": "text/event-stream"}) as response:
            assert response.content_type == "text/event-stream"
            assert (await Events(response).message())["id"] == 1


async def test_a_log_goes_to_who_asked_for_one_and_never_to_another_principal(tmp_path: Path) -> None:
    level = {"_meta": {"io.modelcontextprotocol/logLevel": "info"}}

    def logging(ident: int) -> dict[str, Any]:
        return request(ident, "tools/call", name="log", arguments={"data": "mine"}, **level)

    def waiting(ident: int) -> dict[str, Any]:
        held = call(ident, "hold", token="t")
        return {**held, "params": {**held["params"], "_meta": {**level["_meta"], "progressToken": "t"}}}

    async with hosting(tmp_path) as world:
        async with world.send(call(1, "hold", token="t")) as quiet:
            events = Events(quiet)
            await events.message()
            async with world.send(logging(2)) as response:
                assert (await Events(response).message())["params"]["data"] == "mine"
            message = stateless(waiting(3))
            headers = {**mirrored(message), "Authorization": "Bearer other"}
            async with world.post(message, headers) as other:
                await Events(other).message()
                async with world.send(logging(4)) as response:
                    assert (await response.json())["id"] == 4
        await world.recorded("notification notifications/message could not be delivered")


async def test_a_client_that_takes_nothing_is_cut_off_and_the_others_are_served(tmp_path: Path) -> None:
    async with hosting(tmp_path, stalled=0.2) as world:
        stuck = await world.send(call(1, "flood", token="t", count=300))
        assert (await result(world, call(2, "echo")))["id"] == 2
        stuck.close()
    [entries] = world.recordings()
    assert [entry.channel for entry in kinds(entries, "closed") if entry.reason == "disconnect"] == ["x1"]


async def test_a_child_that_exits_is_started_again_when_it_is_needed(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        failed = await result(world, call(1, "exit", status=7))
        assert failed["error"]["code"] == -31000
        assert "status 7" in failed["error"]["message"]
        assert (await result(world, call(1, "echo")))["result"]["id"] == 1
    first, second = world.recordings()
    assert [entry.text for entry in kinds(first, "exit")] == ["7"]
    assert [entry.text for entry in kinds(second, "spawn")] == ["started again: the one before exited with status 7"]


async def test_both_eras_and_a_handshake_with_the_wrong_header_share_an_endpoint(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        shared = (await result(world, call(1, "echo")))["result"]["pid"]
        async with world.post(opening(), {**BOTH, "MCP-Protocol-Version": "2026-07-28"}) as response:
            assert response.status == 200
            headers = {**BOTH, "Mcp-Session-Id": response.headers["Mcp-Session-Id"]}
        assert (await world.ask(call(1, "echo"), headers))["result"]["pid"] != shared
        async with world.http.get(world.url + "/mcp", headers=BOTH) as response:
            assert (response.status, response.headers["Allow"]) == (405, "POST")
