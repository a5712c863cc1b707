"""Held and delayed messages where the client is on stdio: in front of a child, and of a server over HTTP."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.edge.governed_stdio import Lines, local, remote
from tests.edge.governed_world import call, done, sampling, text_of
from tests.edge.held_world import ASK, CALL, EDIT, REPLY, SOON, enforce, failed, fault, patient, verdicts
from tests.edge.http_server_peers import INITIALIZED, Request, Stateful, answer, initialize, serving, streaming
from tests.edge.http_server_peers import block as event

pytestmark = pytest.mark.anyio

Seen = Callable[[], Awaitable[list[Any]]]
World = Callable[[Path], AbstractAsyncContextManager[tuple[Lines, Seen]]]
SAMPLING = ASK.replace("elicitation", "sampling").replace('on_timeout = "decline"\n', "")
CANCELLED = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
# Notes every line that it hears in a file, answers none, and stays when its input ends.
DEAF = "import sys,time\nfor line in sys.stdin: open(sys.argv[1],'a').write(line)\ntime.sleep(60)"


@asynccontextmanager
async def before_child(folder: Path) -> AsyncIterator[tuple[Lines, Seen]]:
    async with local(folder) as client:

        async def seen() -> list[Any]:
            heard: list[Any] = json.loads(text_of(await client.ask(call(99, "seen"))))[:-1]
            return heard

        yield client, seen


@asynccontextmanager
async def before_server(folder: Path) -> AsyncIterator[tuple[Lines, Seen]]:
    answered = asyncio.Event()
    answers: list[Any] = []

    async def script(said: Request) -> web.StreamResponse:
        if said.verb == "GET":
            return web.Response(status=405)
        if said.method is None:
            answers.append(said.said)
            answered.set()
            return web.Response(status=202)
        if said.method != "tools/call":
            return web.Response(status=202)
        ident, params = said.said["id"], said.said["params"]
        if params["name"] != "ask":
            told = {"called": params["name"], "arguments": params["arguments"]}
            return answer(done(ident, json.dumps(told)))
        stream = await streaming(said, event(sampling("ask-1")))
        await answered.wait()
        told = {name: answers[0][name] for name in ("result", "error") if name in answers[0]}
        await stream.write(event(done(ident, json.dumps(told))))
        return stream

    async with serving(Stateful(script)) as peer, remote(folder, peer.url) as client:
        await client.ask(initialize())

        async def seen() -> list[Any]:
            return [each.said for each in peer.of("POST") if each.method != "initialize"]

        yield client, seen


WORLDS = pytest.mark.parametrize("world", [before_child, before_server])


def entries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "r.jsonl").read_bytes().splitlines()[1:]]


@WORLDS
async def test_an_approved_call_goes_on_as_it_would_have(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, patient(CALL) + EDIT, "approve")
    async with world(tmp_path) as (client, seen):
        said = await client.ask(call(7, arguments={"to": "prod"}))
        assert json.loads(text_of(said)) == {"called": "deploy", "arguments": {"to": "test"}}
        assert [each["params"]["arguments"] for each in await seen()] == [{"to": "test"}]
    assert verdicts(entries(tmp_path)) == ["approve"]


@WORLDS
@pytest.mark.parametrize("approver", ["decline", "nobody"])
async def test_a_call_that_nobody_approves_is_refused_and_never_made(
    approver: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, CALL, approver)
    async with world(tmp_path) as (client, seen):
        began = time.monotonic()
        said = await client.ask(call(7))
        assert (said["id"], failed(said)) == (7, True)
        assert time.monotonic() - began >= (SOON * 0.9 if approver == "nobody" else 0)
        assert await seen() == []
    assert verdicts(entries(tmp_path)) == ["expire" if approver == "nobody" else "decline"]


@WORLDS
@pytest.mark.parametrize(("approver", "refused"), [("approve", False), ("decline", True), ("nobody", True)])
async def test_a_reply_that_is_held_waits_for_its_approval(
    approver: str, refused: bool, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, REPLY, approver)
    async with world(tmp_path) as (client, seen):
        said = await client.ask(call(7))
        assert (said["id"], failed(said)) == (7, refused)
        assert len(await seen()) == 1


@WORLDS
@pytest.mark.parametrize(("approver", "asked"), [("approve", True), ("decline", False), ("nobody", False)])
async def test_what_a_server_asks_waits_while_its_call_goes_on(
    approver: str, asked: bool, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, SAMPLING, approver)
    async with world(tmp_path) as (client, _):
        heard = await client.ask(call(7, "ask"))
        if asked:
            assert heard["method"] == "sampling/createMessage"
            heard = await client.ask({"jsonrpc": "2.0", "id": heard["id"], "result": {"role": "assistant"}})
        told = json.loads(text_of(heard))
        assert (heard["id"], "result" in told) == (7, asked)


@WORLDS
async def test_others_do_not_wait_for_a_held_call(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, CALL)
    async with world(tmp_path) as (client, _):
        client.say(call(7), call(8, "other"))
        assert [(await client.hear())["id"] for _ in range(2)] == [8, 7]


@WORLDS
async def test_a_client_that_cancels_a_held_call_hears_nothing_of_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, CALL)
    async with world(tmp_path) as (client, seen):
        client.say(call(7), CANCELLED)
        await asyncio.sleep(SOON * 1.5)
        assert (await client.ask(call(8, "other")))["id"] == 8
        assert [each["params"].get("name") for each in await seen()] == ["other"]


@WORLDS
@pytest.mark.parametrize("kind", ["request", "result"])
async def test_a_delayed_message_comes_when_its_time_is_over(
    kind: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("delay", kind, SOON))
    async with world(tmp_path) as (client, seen):
        began = time.monotonic()
        said = await client.ask(call(7))
        assert not failed(said)
        assert time.monotonic() - began >= SOON * 0.9
        assert len(await seen()) == 1
    assert verdicts(entries(tmp_path)) == ["release"]


async def test_two_delays_of_different_lengths_end_each_in_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = fault("delay", seconds=SOON * 2).replace('"deploy"', '"later"').replace('"trouble"', '"more"')
    enforce(monkeypatch, fault("delay", seconds=SOON) + later)
    async with local(tmp_path) as client:
        began = time.monotonic()
        client.say(call(7, "later"), call(8))
        assert [(await client.hear())["id"] for _ in range(2)] == [8, 7]
        assert time.monotonic() - began >= SOON * 1.8


async def test_a_client_that_closes_its_input_abandons_its_held_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps nobody waiting, though neither the hold nor the child would end soon; and it is never made."""
    enforce(monkeypatch, patient(CALL))
    log = tmp_path / "heard"
    began = time.monotonic()
    async with local(tmp_path, (sys.executable, "-c", DEAF, str(log))) as client:
        client.say(INITIALIZED, call(7))
        assert await client.rest() == b""
    assert time.monotonic() - began < 10
    assert [json.loads(line) for line in log.read_text().splitlines()] == [INITIALIZED]
    said = entries(tmp_path)
    assert verdicts(said) == ["abandon"]
    assert said[-1]["reason"] == "client closed"


# --- what breaks off -------------------------------------------------------------------------------------------------


@WORLDS
@pytest.mark.parametrize("kind", ["request", "result"])
async def test_a_session_that_is_broken_off_ends_after_what_was_said_before(
    kind: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("disconnect", kind))
    async with world(tmp_path) as (client, _):
        client.say(call(6, "other"))
        assert (await client.hear())["id"] == 6
        client.say(call(7), call(8, "never"))
        assert await client.end() == b""
    said = entries(tmp_path)
    assert (said[-1]["kind"], said[-1]["reason"]) == ("end", "fault: disconnect")
    delivered = [
        entry["message"].get("id") for entry in said if entry["kind"] == "message" and entry["from"] == "server"
    ]
    assert delivered[-1] == (6 if kind == "request" else 7)
    if kind == "request":
        assert "never" not in (tmp_path / "r.jsonl").read_text()
