"""Stateful sessions over HTTP in front of a child: who is let in, which stream says what, how a session ends."""

import asyncio
import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.edge.hosting_world import (
    BOTH,
    SECONDS,
    Events,
    call,
    hosting,
    kinds,
    messages,
    notification,
    opening,
    request,
)

pytestmark = pytest.mark.anyio


async def test_a_session_has_its_own_child_and_an_id(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        one, other = await world.open(), await world.open()
        assert one["Mcp-Session-Id"] != other["Mcp-Session-Id"]
        pids = {(await world.ask(call(1, "echo"), each))["result"]["pid"] for each in (one, other, one)}
        assert len(pids) == 2
    assert len(world.recordings()) == 2


async def test_an_answer_that_comes_first_is_json_and_what_comes_before_one_makes_a_stream(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        async with world.post(call(7, "echo", a=1), headers) as response:
            assert (response.status, response.content_type) == (200, "application/json")
            assert (await response.json())["result"]["arguments"] == {"a": 1}
        async with world.post(call(8, "progress", token="t"), headers) as response:
            assert response.content_type == "text/event-stream"
            assert response.headers["X-Accel-Buffering"] == "no"
            events = Events(response)
            assert (await events.message())["params"] == {"progressToken": "t", "progress": 1}
            assert (await events.message())["id"] == 8
            assert await events.message() is None


async def test_a_reply_carries_the_bytes_of_the_server(tmp_path: Path) -> None:
    line = '{"id" :  1,"jsonrpc":"2.0","result":{"n":1e2,"u":"\\u00e9"}}'
    async with hosting(tmp_path) as world:
        headers = await world.open()
        async with world.post(call(1, "raw", line=line), headers) as response:
            assert await response.text() == line


async def test_requests_that_are_not_fit_are_refused(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        session = await world.open()
        odd: list[tuple[Any, dict[str, str], int, int]] = [
            (b"{", BOTH, 400, -32700),
            (b"[]", BOTH, 400, -32600),
            (b"", BOTH, 400, -32700),
            (request(1, "ping"), BOTH, 400, -32600),
            (request(1, "ping"), {**BOTH, "Mcp-Session-Id": "unknown"}, 404, -32600),
            (opening(), {**BOTH, "Content-Type": "text/plain"}, 415, -32600),
            (opening(), {**BOTH, "Content-Encoding": "gzip"}, 415, -32600),
            (opening(), {**BOTH, "Accept": "application/json"}, 406, -32600),
            (request(1, "ping"), {**session, "Accept": "text/event-stream"}, 406, -32600),
            (request(1, "ping"), {**session, "MCP-Protocol-Version": "soon"}, 400, -32600),
            ([opening()], session, 400, -32600),
        ]
        for message, headers, status, code in odd:
            async with world.post(message, headers) as response:
                assert (response.status, (await response.json())["error"]["code"]) == (status, code), headers
        async with world.post(opening(), {**BOTH, "Content-Type": "Application/JSON; charset=utf-8"}) as response:
            assert response.status == 200
    assert [entry.status for entry in kinds(world.recordings()[0], "http-response")] == [200, 406, 400]


async def test_other_methods_and_paths_are_refused(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        session = await world.open()
        for method, path, headers, status in (
            ("PUT", "/mcp", BOTH, 405),
            ("GET", "/mcp", BOTH, 405),
            ("DELETE", "/mcp", BOTH, 405),
            ("POST", "/sse", BOTH, 405),
            ("GET", "/other", BOTH, 404),
            ("GET", "/mcp", {**session, "Accept": "application/json"}, 406),
            ("GET", "/mcp", {**session, "Mcp-Session-Id": "x"}, 404),
        ):
            async with world.http.request(method, world.url + path, headers=headers) as response:
                assert response.status == status
        async with world.http.get(world.url + "/mcp", headers=BOTH) as response:
            assert response.headers["Allow"] == "POST"


async def test_a_session_belongs_to_the_credentials_that_opened_it(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        mine = await world.open({"Authorization": "Bearer mine"})
        for credentials in ({"Authorization": "Bearer other"}, {"Authorization": ""}):
            async with world.post(request(1, "ping"), {**mine, **credentials}) as response:
                assert response.status == 404
        async with world.post(request(2, "ping"), mine) as response:
            assert response.status == 200
    [entries] = world.recordings()
    assert len([note for note in kinds(entries, "note") if "somebody else" in (note.text or "")]) == 2


async def test_notifications_and_answers_are_accepted_and_reach_the_server(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        async with world.post(notification("notifications/initialized"), headers) as response:
            assert (response.status, await response.read()) == (202, b"")
        async with world.post(call(1, "ask"), headers) as response:
            events = Events(response)
            asked = await events.message()
            assert (asked["id"], asked["method"]) == ("ask-1", "roots/list")
            answer = {"jsonrpc": "2.0", "id": "ask-1", "result": {"roots": []}}
            async with world.post(answer, headers) as accepted:
                assert accepted.status == 202
            assert (await events.message())["result"] == {"answered": {"roots": []}}


async def test_a_batch_passes_whole_and_its_reply_ends_with_its_last_answer(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        batch = [request(1, "ping"), notification("notifications/x"), request(2, "ping")]
        async with world.post(batch, headers) as response:
            assert response.content_type == "application/json"
            assert [part["id"] for part in await response.json()] == [1, 2]


async def test_a_batch_of_answers_to_several_posts_is_taken_apart(tmp_path: Path) -> None:
    parts = [json.dumps({"jsonrpc": "2.0", "id": ident, "result": {"n": ident}}) for ident in (1, 2)]
    async with hosting(tmp_path) as world:
        headers = await world.open()
        async with (
            world.post(call(1, "hold", token="a"), headers) as one,
            world.post(call(2, "hold", token="b"), headers) as two,
        ):
            first, second = Events(one), Events(two)
            assert [(await each.message())["method"] for each in (first, second)] == ["notifications/progress"] * 2
            async with world.post(call(3, "raw", line=f"[{parts[0]},{parts[1]}]"), headers) as response:
                assert (await response.json())["id"] == 3
            assert [(await each.message())["result"]["n"] for each in (first, second)] == [1, 2]


async def test_a_large_body_may_ask_before_it_comes(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        body = json.dumps(call(1, "size", text="x" * 900_000)).encode()
        async with world.http.post(world.url + "/mcp", data=body, headers=headers, expect100=True) as response:
            assert (await response.json())["result"] == {"size": 900_000}


async def test_with_one_call_open_a_message_goes_to_it_and_not_to_the_get_stream(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        async with world.http.get(world.url + "/mcp", headers=headers) as standing:
            async with world.post(call(1, "announce"), headers) as response:
                events = Events(response)
                assert (await events.message())["method"] == "notifications/tools/list_changed"
                assert (await events.message())["id"] == 1
            async with world.post(notification("test/say", uri="a:1"), headers) as response:
                assert response.status == 202
            assert (await Events(standing).message())["params"] == {"uri": "a:1"}
            async with world.http.get(world.url + "/mcp", headers=headers) as second:
                assert second.status == 409


async def test_what_has_no_stream_waits_for_one(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        for uri in ("a:1", "a:2"):
            async with world.post(notification("test/say", uri=uri), headers) as response:
                assert response.status == 202
        await world.recorded('{"uri": "a:2"}')
        async with world.http.get(world.url + "/mcp", headers=headers) as standing:
            events = Events(standing)
            assert [(await events.message())["params"]["uri"] for _ in range(2)] == ["a:1", "a:2"]


async def test_what_waits_too_long_is_dropped_and_noted(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        for uri in ("a" * 900_000, "b" * 900_000):
            async with world.post(notification("test/say", uri=uri), headers) as response:
                assert response.status == 202
        await world.recorded("was dropped")
        async with world.http.get(world.url + "/mcp", headers=headers) as standing:
            first = await Events(standing).message()
            assert first["params"]["uri"].startswith("b")
    notes = [entry.text or "" for entry in kinds(world.recordings()[0], "note")]
    assert any("was dropped" in note for note in notes)


async def test_progress_finds_its_request_among_many(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        async with world.post(call(1, "hold", token=1), headers) as one:
            first = Events(one)
            assert (await first.message())["params"]["progressToken"] == 1
            async with world.post(call(2, "progress", token="1"), headers) as two:
                second = Events(two)
                assert (await second.message())["params"]["progressToken"] == "1"
                assert (await second.message())["id"] == 2
            async with world.post(notification("test/release"), headers) as response:
                assert response.status == 202
            assert (await first.message())["result"] == {"released": True}


async def test_a_client_that_disconnects_does_not_cancel(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        response = await world.post(call(1, "hold", token=1), headers)
        await Events(response).message()
        response.close()
        await world.recorded('"reason":"disconnect"')
        async with world.post(notification("test/release"), headers) as accepted:
            assert accepted.status == 202
        assert (await world.ask(request(2, "ping"), headers))["id"] == 2
        seen = await world.ask(call(3, "seen"), headers)
        assert "notifications/cancelled" not in json.dumps(seen)
    [entries] = world.recordings()
    assert ("server", "stdio", {"jsonrpc": "2.0", "id": 1, "result": {"released": True}}) in messages(entries)
    assert [entry.channel for entry in kinds(entries, "closed") if entry.reason == "disconnect"] == ["x2"]
    assert any("request 1 could not be delivered" in (entry.text or "") for entry in kinds(entries, "note"))


async def test_delete_ends_the_session_and_its_child(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        standing = await world.http.get(world.url + "/mcp", headers=headers)
        async with world.http.delete(world.url + "/mcp", headers=headers) as response:
            assert response.status == 200
        async with world.post(request(1, "ping"), headers) as response:
            assert response.status == 404
        assert await Events(standing).message() is None
        standing.close()
    [entries] = world.recordings()
    assert [entry.text for entry in kinds(entries, "exit")] == ["0"]
    assert entries[-1].reason == "client ended the session"
    assert entries[-1].waiting == ()


async def test_a_child_that_exits_answers_what_waits_and_ends_the_session(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        async with world.post(call("held", "hold", token=1), headers) as held:
            events = Events(held)
            await events.message()
            async with world.post(call(5, "exit", status=3), headers) as response:
                failed = await response.json()
            assert (failed["id"], failed["error"]["code"]) == (5, -31000)
            assert "status 3" in failed["error"]["message"]
            assert (await events.message())["id"] == "held"
            assert await events.message() is None
        async with world.post(request(6, "ping"), headers) as response:
            assert response.status == 404
    [entries] = world.recordings()
    assert [entry.text for entry in kinds(entries, "exit")] == ["3"]
    assert entries[-1].reason == "server exited"
    assert len([note for note in kinds(entries, "note") if "answered request" in (note.text or "")]) == 2


async def test_a_refused_handshake_opens_nothing(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world, world.post(opening(refuse=True)) as response:
        assert "Mcp-Session-Id" not in response.headers
        assert (await response.json())["error"]["code"] == -32602
    [entries] = world.recordings()
    assert entries[-1].reason == "the handshake failed"


async def test_a_client_that_leaves_during_the_handshake_leaves_no_session(tmp_path: Path) -> None:
    async with hosting(tmp_path, silent=0.05) as world:
        async with world.post(opening(hold=True)) as response:
            await Events(response).block()
        await world.recorded('"kind":"end"')
    assert world.recordings()[0][-1].reason == "client disconnected"


async def test_a_session_that_cannot_be_recorded_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    async with hosting(folder, alarm="goes on unrecorded") as world:
        folder.write_text("in the way")
        async with world.post(opening()) as response:
            assert response.status == 200
        folder.unlink()


async def test_what_never_found_a_stream_is_noted(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open()
        async with world.post(notification("test/say", uri="a:1"), headers):
            await world.recorded('{"uri": "a:1"}}')
    assert "never delivered" in (kinds(world.recordings()[0], "note")[0].text or "")


async def test_a_command_that_cannot_start_is_said_to_the_client(tmp_path: Path) -> None:
    async with hosting(tmp_path, ("/no/such/command",)) as world, world.post(opening()) as response:
        assert response.status == 502
        assert "no such command" in (await response.json())["error"]["message"]
    [entries] = world.recordings()
    assert entries[-1].reason == "the server could not be started"


async def test_silence_makes_a_stream_with_comments(tmp_path: Path) -> None:
    async with hosting(tmp_path, silent=0.05) as world:
        headers = await world.open()
        async with world.post(call(1, "hold"), headers) as response:
            assert response.content_type == "text/event-stream"
            events = Events(response)
            assert await events.block() == ": keep-alive\n"
            assert await events.block() == ": keep-alive\n"
            async with world.post(notification("test/release"), headers):
                pass
            assert (await events.message())["result"] == {"released": True}


async def test_a_session_nobody_uses_is_ended(tmp_path: Path) -> None:
    async with hosting(tmp_path, idle=0.05) as world:
        headers = await world.open()
        with anyio.fail_after(SECONDS):
            while True:
                async with world.post(notification("notifications/x"), headers) as response:
                    if response.status == 404:
                        break
                await asyncio.sleep(0.2)
    assert world.recordings()[0][-1].reason == "nobody came for long"


async def test_an_exchange_is_recorded_with_its_facts(tmp_path: Path) -> None:
    async with hosting(tmp_path) as world:
        headers = await world.open({"Authorization": "Bearer secret"})
        await world.ask(call(1, "echo"), headers)
    [entries] = world.recordings()
    second = [entry for entry in entries if entry.channel == "x2"]
    assert [entry.kind for entry in second] == ["http-request", "message", "http-response", "closed"]
    assert (second[0].method, second[0].target, second[2].status) == ("POST", "/mcp", 200)
    said = [(end, channel) for end, channel, _ in messages(entries)]
    assert said == [("client", "x1"), ("server", "stdio"), ("client", "x2"), ("server", "stdio")]
    assert "Bearer secret" not in world.text()
    assert headers["Mcp-Session-Id"] not in world.text()


async def test_standard_error_is_passed_on_and_recorded(tmp_path: Path) -> None:
    heard: list[bytes] = []
    async with hosting(tmp_path, echo=heard.append) as world:
        await world.ask(call(1, "stderr"), await world.open())
    assert b"".join(heard) == b"a line of the child\n"
    assert [entry.text for entry in kinds(world.recordings()[0], "stderr")] == ["a line of the child"]


async def test_a_page_of_this_machine_may_talk_to_it(tmp_path: Path) -> None:
    origin = {"Origin": "http://localhost:6274"}
    async with hosting(tmp_path) as world:
        asked = {**origin, "Access-Control-Request-Headers": "content-type, mcp-session-id"}
        async with world.http.options(world.url + "/mcp", headers=asked) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == origin["Origin"]
            assert "DELETE" in response.headers["Access-Control-Allow-Methods"]
            assert response.headers["Access-Control-Allow-Headers"] == "content-type, mcp-session-id"
        async with world.post(opening(), {**BOTH, **origin}) as response:
            assert response.headers["Access-Control-Expose-Headers"] == "Mcp-Session-Id"
        async with world.http.options(world.url + "/mcp", headers={"Origin": "https://evil.example"}) as response:
            assert response.status == 403
