"""Policy for a client on stdio, in front of a child and in front of a server over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.edge.governed_stdio import local, remote
from tests.edge.governed_world import (
    META,
    SAID_NO,
    block,
    call,
    cancel_task,
    done,
    drop,
    edit,
    govern,
    refuse_asks,
    request,
    result,
    sampling,
    stateless,
    text_of,
    wants_form,
)
from tests.edge.http_server_peers import INITIALIZED, Request, Stateful, answer, initialize, serving, streaming
from tests.edge.http_server_peers import block as event

from interpose.core.wire.message import Kind

pytestmark = pytest.mark.anyio
DECLINED = {"action": "decline"}
NOTICE = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}


def entries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "r.jsonl").read_bytes().splitlines()[1:]]


def own(folder: Path) -> list[Any]:
    """What interpose said by itself."""
    return [entry["message"] for entry in entries(folder) if entry.get("by") == "interpose"]


# --- a child ---------------------------------------------------------------------------------------------------------


async def seen(client: Any, ident: Any = 99) -> list[Any]:
    """What the child was sent before."""
    found: list[Any] = json.loads(text_of(await client.ask(call(ident, "seen"))))[:-1]
    return found


@pytest.mark.parametrize("wrap", [dict, stateless])
async def test_a_child_sees_nothing_of_what_is_blocked(
    wrap: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, block("tools/call", "deploy"), drop("notifications/progress"))
    async with local(tmp_path) as client:
        blocked = await client.ask(wrap(call(7)))
        assert (blocked["id"], text_of(blocked)) == (7, SAID_NO)
        client.say(NOTICE)
        assert await seen(client) == []


async def test_a_childs_sampling_is_refused_in_the_clients_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_asks("sampling"))
    async with local(tmp_path) as client:
        said = await client.ask(call(7, "ask"))
        assert json.loads(text_of(said))["error"]["code"] == -1
        assert said["id"] == 7
    assert [message["id"] for message in own(tmp_path)] == ["ask-1"]


async def test_messages_are_edited_both_ways_on_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(body: Any) -> None:
        body["params"]["name"] = "other"

    def mark(body: Any) -> None:
        body["result"]["content"][0]["text"] += " (edited)"

    govern(monkeypatch, edit(Kind.REQUEST, rename), edit(Kind.RESULT, mark))
    async with local(tmp_path) as client:
        said = await client.ask(call(7))
    assert text_of(said) == '{"called": "other", "arguments": {}} (edited)'


async def test_a_call_is_repeated_to_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch, refuse_asks("elicitation"))
    async with local(tmp_path) as client:
        said = await client.ask(stateless(call(7, "form")))
        assert said["id"] == 7
        assert json.loads(text_of(said)) == {"responses": {"env": DECLINED}, "state": "s-1"}
        said = await client.ask(stateless(call(8, "twice")))
        assert (said["id"], json.loads(text_of(said))["state"]) == (8, "s-2")


async def test_a_child_gets_a_request_that_nobody_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch, cancel_task)
    async with local(tmp_path) as client:
        said = await client.ask(stateless(request("tasks/get", 3, taskId="t-1")))
        assert said["result"]["status"] == "cancelled"
        assert [message["method"] for message in await seen(client)] == ["tasks/get", "tasks/cancel"]
        assert await client.rest() == b""


# --- a server over HTTP ----------------------------------------------------------------------------------------------


async def test_a_server_sees_nothing_of_what_is_blocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch, block("tools/call", "deploy"), drop("notifications/progress"))

    async def script(asked: Request) -> web.StreamResponse:
        return answer(result(asked.said["id"]))

    async with serving(script) as peer, remote(tmp_path, peer.url) as client:
        for message in (call(7), stateless(call(8))):
            blocked = await client.ask(message)
            assert (blocked["id"], text_of(blocked)) == (message["id"], SAID_NO)
        client.say(NOTICE)
        await client.ask(stateless(call(9, "other")))
        assert [each.said["id"] for each in peer.seen] == [9]


async def test_a_servers_sampling_is_refused_in_a_post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch, refuse_asks("sampling"))

    async def then(asked: Request) -> web.StreamResponse:
        if asked.verb == "GET":
            return web.Response(status=405)
        if asked.method != "tools/call":
            return web.Response(status=202)
        response = await streaming(asked, event(sampling(41)))
        await response.write(event(done(asked.said["id"])))
        return response

    async with serving(Stateful(then)) as peer, remote(tmp_path, peer.url) as client:
        await client.ask(initialize())
        client.say(INITIALIZED)
        assert await client.ask(call(7)) == done(7)
        await client.rest()
        [refusal] = [each for each in peer.of("POST") if "error" in each.said]
        assert (refusal.said["id"], refusal.said["error"]["code"]) == (41, -1)
        assert refusal.headers["mcp-session-id"] == "s-1"


async def test_a_request_is_edited_with_its_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(body: Any) -> None:
        body["params"]["name"] = "prüfe"

    govern(monkeypatch, edit(Kind.REQUEST, rename))

    async def script(asked: Request) -> web.StreamResponse:
        return answer(done(asked.said["id"]))

    async with serving(script) as peer, remote(tmp_path, peer.url) as client:
        assert await client.ask(stateless(call(7))) == done(7)
        assert peer.seen[0].headers["mcp-name"] == "=?base64?cHLDvGZl?="
        assert peer.seen[0].headers["content-length"] == str(len(peer.seen[0].raw))


@pytest.mark.parametrize("streams", [False, True])
async def test_a_call_is_repeated_over_http(streams: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch, refuse_asks("elicitation"))

    async def script(asked: Request) -> web.StreamResponse:
        state = asked.said["params"].get("requestState")
        following = {None: wants_form(asked.said["id"]), "s-1": wants_form(asked.said["id"], "s-2", "why")}
        message = following.get(state, done(asked.said["id"]))
        return await streaming(asked, event(message)) if streams else answer(message)

    async with serving(script) as peer, remote(tmp_path, peer.url) as client:
        assert await client.ask(stateless(call(7))) == done(7)
        assert [each.said["id"] for each in peer.seen] == [7, "interpose-1", "interpose-2"]
        assert peer.seen[2].said["params"]["inputResponses"] == {"why": DECLINED}
        assert peer.seen[2].headers["mcp-name"] == "deploy"
        assert peer.seen[2].headers["authorization"] == "Bearer a"
    facts = [(entry["kind"], entry.get("reason")) for entry in entries(tmp_path) if entry.get("channel") == "i2"]
    assert facts == [
        ("message", None),
        ("http-request", None),
        ("http-response", None),
        ("message", None),
        ("closed", "end"),
    ]


async def test_a_repeated_call_that_the_server_refuses_ends_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_asks("elicitation"))

    async def script(asked: Request) -> web.StreamResponse:
        if "requestState" in asked.said["params"]:
            return web.Response(status=503)
        return answer(wants_form(asked.said["id"]))

    async with serving(script) as peer, remote(tmp_path, peer.url) as client:
        said = await client.ask(stateless(call(7)))
    assert (said["id"], "HTTP 503" in said["error"]["message"]) == (7, True)


async def test_a_server_gets_a_request_that_nobody_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch, cancel_task)

    async def script(asked: Request) -> web.StreamResponse:
        if asked.method == "tasks/cancel":
            return answer(result(asked.said["id"], resultType="complete"))
        return answer(result(asked.said["id"], resultType="complete", taskId="t-1", status="working"))

    async with serving(script) as peer, remote(tmp_path, peer.url) as client:
        said = await client.ask(stateless(request("tasks/get", 3, taskId="t-1")))
        assert said["result"]["status"] == "cancelled"
        assert await client.rest() == b""
        assert peer.seen[1].said["params"] == {"taskId": "t-1", "_meta": META}
        assert (peer.seen[1].headers["mcp-method"], peer.seen[1].headers["mcp-name"]) == ("tasks/cancel", "t-1")
