"""Held, delayed and broken-off messages between HTTP clients and an HTTP server."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from tests.edge.governed_world import call, done, dump, event, result, sampling, stateless, text_of, wants_form
from tests.edge.held_world import ASK, CALL, EDIT, REPLY, SOON, enforce, failed, fault, patient
from tests.edge.relay_world import (
    CHUNKED,
    EVENTS,
    JSON,
    OPENED,
    OPENING,
    Ends,
    closings,
    kinds,
    post,
    relaying,
    reply,
    request,
)

from interpose.edge import judging

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]

BOTH = "Accept: application/json, text/event-stream"
SESSION = "Mcp-Session-Id: s-9"
LAST = "Connection: close"
OPEN_STREAM = reply("200 OK", EVENTS, CHUNKED)
TAKEN = reply("202 Accepted", LAST, body=b"")
DEPLOY = dump(call(arguments={"to": "prod"}))
DONE = dump(done())
OTHER = post(dump(call(2, "other")), BOTH, SESSION)
SAMPLING = ASK.replace("elicitation", "sampling").replace('on_timeout = "decline"\n', "")
ERAS = pytest.mark.parametrize("era", ["stateful", "stateless"])


def deploy(era: str) -> bytes:
    """The bytes of a call, with the headers that its era wants."""
    if era == "stateful":
        return post(DEPLOY, BOTH, SESSION)
    mirrored = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: deploy", "Mcp-Param-To: prod"]
    return post(dump(stateless(call(arguments={"to": "prod"}))), BOTH, *mirrored)


async def opened(ends: Ends) -> None:
    client, _, _ = await ends.exchange(post(OPENING, BOTH), reply("200 OK", JSON, SESSION, LAST, body=OPENED))
    await client.message()


# --- a request -------------------------------------------------------------------------------------------------------


@ERAS
@pytest.mark.parametrize("rules", [patient(CALL) + EDIT, fault("delay", seconds=SOON) + EDIT])
async def test_a_request_that_was_let_go_is_sent_up_as_it_is_now(
    rules: str, era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, rules, "approve")
    async with relaying(tmp_path) as ends:
        client, _, asked = await ends.exchange(deploy(era), reply("200 OK", JSON, body=DONE))
        head, _, body = asked.partition(b"\r\n\r\n")
        assert json.loads(body)["params"]["arguments"] == {"to": "test"}
        assert b"Content-Length: %d" % len(body) in head
        if era == "stateless":
            assert b"Mcp-Param-To: test" in head
        assert (await client.message())[1] == DONE


async def test_a_request_that_only_waited_keeps_its_bytes_and_its_coding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, CALL, "approve")
    odd = DEPLOY.replace(b'{"jsonrpc"', b'{ "jsonrpc"') + b"\n"
    async with relaying(tmp_path) as ends:
        _, _, asked = await ends.exchange(post(odd, BOTH, "ETag: e"), reply("200 OK", JSON, body=DONE))
        head, _, body = asked.partition(b"\r\n\r\n")
        assert (body, b"ETag: e" in head) == (odd, True)


@ERAS
@pytest.mark.parametrize("approver", ["decline", "nobody"])
async def test_a_request_that_nobody_approves_is_answered_and_the_server_sees_nothing(
    approver: str, era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, CALL, approver)
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(deploy(era))
        head, body = await client.message()
        assert (head.split(b"\r\n")[0], failed(json.loads(body))) == (b"HTTP/1.1 200 OK", True)
        assert ends.is_idle_upstream


async def test_a_client_that_takes_events_alone_is_refused_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, CALL)
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(DEPLOY, "Accept: text/event-stream"))
        _, body = await client.message()
        assert body.startswith(b"event: message\ndata: {")


async def test_nothing_goes_up_for_a_client_that_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, fault("delay", seconds=SOON))
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(deploy("stateful"))
        await ends.recorded('"decision":"hold"')
        client.reset()
        await ends.recorded('"abandon"')
        await asyncio.sleep(SOON * 1.5)
        assert ends.is_idle_upstream
    [entries] = ends.recordings()
    assert ("client", "disconnect") in closings(entries)


async def test_a_held_notification_is_taken_once_it_may_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = '[[rule]]\nname = "later"\nmethod = "notifications/progress"\ndo = "fault"\nfault = "delay"\nseconds = 0.2\n'
    enforce(monkeypatch, rule)
    notice = dump({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
    async with relaying(tmp_path) as ends:
        client, _, asked = await ends.exchange(post(notice, BOTH), TAKEN)
        assert asked.endswith(notice)
        assert (await client.message())[0].startswith(b"HTTP/1.1 202")


@pytest.mark.parametrize("decided", ["refused", "dropped"])
async def test_a_held_notification_that_never_goes_on_is_taken_too(
    decided: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = f'[[rule]]\nname = "later"\nmethod = "notifications/progress"\ndo = "hold"\ntimeout = {SOON}\n'
    enforce(monkeypatch, rule, "nobody" if decided == "refused" else "decline")
    notice = dump({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(notice, BOTH))
        assert (await client.message())[0].startswith(b"HTTP/1.1 202")
        assert ends.is_idle_upstream


async def test_others_do_not_wait_for_a_held_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, patient(CALL))
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(deploy("stateful"))
        await ends.recorded('"decision":"hold"')
        other, _, _ = await ends.exchange(OTHER, reply("200 OK", JSON, body=dump(done(2))))
        assert (await other.message())[1] == dump(done(2))


# --- a reply ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("approver", "refused"), [("approve", False), ("decline", True), ("nobody", True)])
@pytest.mark.parametrize("streams", [False, True])
async def test_a_held_reply_keeps_its_exchange_open(
    streams: bool, approver: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, REPLY, approver)
    answer = OPEN_STREAM if streams else reply("200 OK", JSON, "X-Own: 1", body=DONE)
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(deploy("stateful"), answer)
        if streams:
            await server.chunk(event(done()))
            await server.chunk(b"")
        head, body = await client.message()
        message = body.partition(b"data: ")[2] if streams else body
        assert failed(json.loads(message)) is refused
        if not streams:
            assert b"X-Own: 1" in head
        if not refused:
            assert message.rstrip() == DONE
        assert b"Content-Type: text/event-stream" in head or not streams


async def test_a_held_reply_is_lost_to_a_client_that_left_and_the_session_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, patient(REPLY))
    async with relaying(tmp_path) as ends:
        client, _, _ = await ends.exchange(deploy("stateful"), reply("200 OK", JSON, LAST, body=DONE))
        await ends.recorded('"decision":"hold"')
        client.reset()
        await ends.recorded('"abandon"')
        other, _, _ = await ends.exchange(OTHER, reply("200 OK", JSON, body=dump(done(2))))
        assert (await other.message())[1] == dump(done(2))


@pytest.mark.parametrize("streams", [False, True])
async def test_a_client_that_waits_for_a_held_reply_hears_that_it_is_still_there(
    streams: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_SILENT", 0.05)
    enforce(monkeypatch, REPLY)
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(
            deploy("stateful"), OPEN_STREAM if streams else reply("200 OK", JSON, body=DONE)
        )
        if streams:
            await server.chunk(event(done()))
            await server.chunk(b"")
        head, body = await client.message()
        assert b"Content-Type: text/event-stream" in head
        assert body.count(b": keep-alive\n\n") >= 2
        assert failed(json.loads(body.rpartition(b"data: ")[2]))


async def test_a_held_reply_outlives_a_server_that_breaks_off_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("delay", "result", SOON))
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(deploy("stateful"), OPEN_STREAM)
        await server.chunk(event(done()))
        await ends.recorded('"decision":"hold"')
        server.reset()
        _, body = await client.message()
        assert body == event(done())


# --- what the server asks --------------------------------------------------------------------------------------------


async def test_an_ask_that_was_approved_reaches_the_client_while_the_server_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_SILENT", 0.05)
    enforce(monkeypatch, SAMPLING.replace('"hold"', '"fault"\nfault = "delay"').replace("timeout", "seconds"))
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(deploy("stateful"), OPEN_STREAM)
        await server.chunk(event(sampling()))
        await client.head()
        heard = b""
        while b"data: " not in heard:
            heard += await client.hear_chunk()
        assert b": keep-alive\n\n" in heard
        assert heard.endswith(event(sampling()))
        answering, _, asked = await ends.exchange(post(dump(result(41)), BOTH, SESSION), TAKEN)
        assert asked.endswith(dump(result(41)))
        assert (await answering.message())[0].startswith(b"HTTP/1.1 202")
        await server.chunk(event(done()))
        await server.chunk(b"")
        await client.hears(event(done()))


@pytest.mark.parametrize("approver", ["decline", "nobody"])
async def test_an_ask_that_nobody_approves_is_answered_in_the_clients_place(
    approver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, SAMPLING, approver)
    async with relaying(tmp_path) as ends:
        await opened(ends)
        client, server, _ = await ends.exchange(deploy("stateful"), OPEN_STREAM)
        await server.chunk(event(sampling()))
        errand = await ends.server()
        head, body = await errand.message()
        assert (json.loads(body)["id"], "error" in json.loads(body)) == (41, True)
        assert b"Mcp-Session-Id: s-9" in head
        await errand.say(TAKEN)
        await server.chunk(event(done()))
        await server.chunk(b"")
        assert (await client.message())[1] == event(done())


async def test_an_ask_on_the_standing_stream_waits_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, SAMPLING, "approve")
    async with relaying(tmp_path) as ends:
        await opened(ends)
        client, server, _ = await ends.exchange(request("GET", "Accept: text/event-stream", SESSION), OPEN_STREAM)
        await server.chunk(event(sampling()))
        await client.head()
        await client.hears(event(sampling()))


@pytest.mark.parametrize("then", ["", fault("delay", "result", SOON)])
async def test_a_round_of_questions_that_is_refused_late_goes_on_in_the_clients_exchange(
    then: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to what interpose asks on its own may have to wait, too."""
    enforce(monkeypatch, ASK + then)
    async with relaying(tmp_path) as ends:
        client, _, _ = await ends.exchange(deploy("stateless"), reply("200 OK", JSON, LAST, body=dump(wants_form())))
        errand = await ends.server()
        head, body = await errand.message()
        again = json.loads(body)
        assert again["params"]["inputResponses"] == {"env": {"action": "decline"}}
        assert b"Mcp-Name: deploy" in head
        await errand.say(reply("200 OK", JSON, LAST, body=dump(done(again["id"]))))
        _, body = await client.message()
        assert (json.loads(body)["id"], text_of(json.loads(body))) == (1, "done")


# --- what breaks off -------------------------------------------------------------------------------------------------


@ERAS
async def test_a_request_that_is_broken_off_sees_no_reply_and_the_session_goes_on(
    era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("disconnect"))
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(deploy(era))
        assert await client.rest() == b""
        assert ends.is_idle_upstream
        other, _, _ = await ends.exchange(OTHER, reply("200 OK", JSON, body=dump(done(2))))
        assert (await other.message())[1] == dump(done(2))
    closed = [each for entries in ends.recordings() for each in closings(entries)]
    assert ("server", "fault: disconnect") in closed
    assert ("client", "disconnect") not in closed


@pytest.mark.parametrize("streams", [False, True])
async def test_a_reply_that_is_broken_off_has_no_end(
    streams: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("disconnect", "result"))
    async with relaying(tmp_path) as ends:
        notice = event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}})
        client, server, _ = await ends.exchange(
            deploy("stateful"), OPEN_STREAM if streams else reply("200 OK", JSON, body=DONE)
        )
        if streams:
            await server.chunk(notice)
            await client.head()
            await client.hears(notice)
            await server.chunk(event(done()))
        assert await client.rest() == b""
    [entries] = ends.recordings()
    assert closings(entries) == [("server", "fault: disconnect")]
    assert len(kinds(entries, "message")) == 2 + streams


async def test_time_is_measured_from_when_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, fault("delay", seconds=SOON))
    async with relaying(tmp_path) as ends:
        began = time.monotonic()
        client, _, _ = await ends.exchange(deploy("stateful"), reply("200 OK", JSON, body=DONE))
        assert text_of(json.loads((await client.message())[1])) == "done"
        assert time.monotonic() - began >= SOON * 0.9
    [entries] = ends.recordings()
    assert [entry.decision for entry in kinds(entries, "decision")] == ["release"]
