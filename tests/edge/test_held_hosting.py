"""Held, delayed and broken-off messages between HTTP clients and children on stdio."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.edge.governed_stdio import CHILD
from tests.edge.governed_world import call, stateless, text_of
from tests.edge.held_world import ASK, CALL, EDIT, REPLY, SOON, enforce, failed, fault, patient
from tests.edge.hosting_world import BOTH, STATELESS, Events, World, hosting, kinds, mirrored

pytestmark = pytest.mark.anyio

SAMPLING = ASK.replace("elicitation", "sampling").replace('on_timeout = "decline"\n', "")
ERAS = pytest.mark.parametrize("era", ["stateful", "stateless"])
Headers = dict[str, str] | None


async def begin(world: World, era: str) -> Headers:
    return await world.open() if era == "stateful" else None


def post(world: World, message: Any, headers: Headers) -> Any:
    """POST a message, in the era of the session that the headers name."""
    whole = message if headers else stateless(message)
    return world.post(whole, headers or mirrored(whole))


async def ask(world: World, message: Any, headers: Headers) -> Any:
    """POST a message; what is answered."""
    async with post(world, message, headers) as response:
        assert response.status == 200
        return await (Events(response).message() if response.content_type == "text/event-stream" else response.json())


async def called(world: World, headers: Headers) -> list[str]:
    """The tools that the child was asked to run before."""
    seen = json.loads(text_of(await ask(world, call(99, "seen"), headers)))[:-1]
    return [each["params"]["name"] for each in seen if each["method"] == "tools/call"]


@ERAS
async def test_an_approved_call_goes_on_as_it_would_have(
    era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, patient(CALL) + EDIT, "approve")
    async with hosting(tmp_path, CHILD) as world:
        headers = await begin(world, era)
        said = await ask(world, call(7, arguments={"to": "prod"}), headers)
        assert json.loads(text_of(said)) == {"called": "deploy", "arguments": {"to": "test"}}
        assert await called(world, headers) == ["deploy"]


@ERAS
@pytest.mark.parametrize("approver", ["decline", "nobody"])
async def test_a_call_that_nobody_approves_is_refused_and_never_made(
    approver: str, era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, CALL, approver)
    async with hosting(tmp_path, CHILD) as world:
        headers = await begin(world, era)
        said = await ask(world, call(7), headers)
        assert (said["id"], failed(said)) == (7, True)
        assert await called(world, headers) == []


@ERAS
@pytest.mark.parametrize(("approver", "refused"), [("approve", False), ("decline", True), ("nobody", True)])
async def test_a_reply_that_is_held_waits_for_its_approval(
    approver: str, refused: bool, era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, REPLY, approver)
    async with hosting(tmp_path, CHILD) as world:
        headers = await begin(world, era)
        said = await ask(world, call(7), headers)
        assert (said["id"], failed(said)) == (7, refused)
        assert await called(world, headers) == ["deploy"]


@pytest.mark.parametrize(("approver", "asked"), [("approve", True), ("decline", False), ("nobody", False)])
async def test_what_a_child_asks_waits(
    approver: str, asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, SAMPLING, approver)
    async with hosting(tmp_path, CHILD) as world:
        headers = await world.open()
        async with world.post(call(7, "ask"), headers) as response:
            events = Events(response) if response.content_type == "text/event-stream" else None
            heard = await (response.json() if events is None else events.message())
            if asked and events is not None:
                assert heard["method"] == "sampling/createMessage"
                answer = {"jsonrpc": "2.0", "id": heard["id"], "result": {"role": "assistant"}}
                async with world.post(answer, headers) as taken:
                    assert taken.status == 202
                heard = await events.message()
        assert (heard["id"], "result" in json.loads(text_of(heard))) == (7, asked)


async def test_a_round_of_questions_that_is_refused_late_goes_on_for_the_client_that_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other clients are served meanwhile: what interpose asks the child late is still for the first."""
    enforce(monkeypatch, ASK)
    async with hosting(tmp_path, CHILD) as world:
        first = asyncio.create_task(ask(world, call(7, "form"), None))
        await world.recorded('"decision":"hold"')
        assert json.loads(text_of(await ask(world, call(7, "other"), None)))["called"] == "other"
        said = await first
        assert said["id"] == 7
        assert json.loads(text_of(said)) == {"responses": {"env": {"action": "decline"}}, "state": "s-1"}


@ERAS
async def test_a_call_whose_client_left_is_never_made(
    era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("delay", seconds=SOON))
    async with hosting(tmp_path, CHILD) as world:
        headers = await begin(world, era)
        leaving = asyncio.create_task(ask(world, call(7), headers))
        await world.recorded('"decision":"hold"')
        leaving.cancel()
        await world.recorded('"abandon"')
        await asyncio.sleep(SOON * 1.5)
        assert await called(world, headers) == []


@ERAS
@pytest.mark.parametrize("kind", ["request", "result"])
async def test_a_delayed_message_comes_when_its_time_is_over(
    kind: str, era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("delay", kind, SOON))
    async with hosting(tmp_path, CHILD) as world:
        headers = await begin(world, era)
        began = time.monotonic()
        assert not failed(await ask(world, call(7), headers))
        assert time.monotonic() - began >= SOON * 0.9


async def test_a_client_that_waits_for_an_approval_hears_that_it_is_still_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, CALL)
    async with hosting(tmp_path, CHILD, silent=0.05) as world, post(world, call(7), await world.open()) as response:
        text = await response.text()
    assert response.content_type == "text/event-stream"
    assert text.count(": keep-alive\n\n") >= 2
    assert failed(json.loads(text.rpartition("data: ")[2]))


async def test_a_held_notification_reaches_the_child_though_its_post_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = '[[rule]]\nname = "later"\nmethod = "notifications/progress"\ndo = "fault"\nfault = "delay"\nseconds = 0.1\n'
    enforce(monkeypatch, rule)
    notice = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}
    async with hosting(tmp_path, CHILD) as world:
        headers = await world.open()
        async with world.post(notice, headers) as response:
            assert response.status == 202
        await world.recorded('"release"')
        assert notice in json.loads(text_of(await ask(world, call(99, "seen"), headers)))


# --- what breaks off -------------------------------------------------------------------------------------------------


@ERAS
@pytest.mark.parametrize("kind", ["request", "result"])
async def test_an_exchange_that_is_broken_off_has_no_reply_and_the_session_goes_on(
    kind: str, era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("disconnect", kind))
    async with hosting(tmp_path, CHILD) as world:
        headers = await begin(world, era)
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(world, call(7), headers)
        assert await called(world, headers) == ["deploy"] * (kind == "result")
    closed = [(each.end, each.reason) for entries in world.recordings() for each in kinds(entries, "closed")]
    assert ("server", "fault: disconnect") in closed
    assert ("client", "disconnect") not in closed


async def test_a_notification_that_is_broken_off_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = '[[rule]]\nname = "no"\nmethod = "notifications/progress"\ndo = "fault"\nfault = "disconnect"\n'
    enforce(monkeypatch, rule)
    notice = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}
    async with hosting(tmp_path, CHILD) as world:
        with pytest.raises(aiohttp.ClientConnectionError):
            async with world.post(notice, {**BOTH, "MCP-Protocol-Version": STATELESS}):
                pass
        assert await called(world, None) == []
