"""Policy between HTTP clients and an HTTP server: what either side gets when messages are blocked, edited, answered."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.edge.governed_world import (
    META,
    SAID_NO,
    block,
    call,
    cancel_task,
    done,
    drop,
    dump,
    edit,
    event,
    govern,
    refuse_asks,
    refuse_calls_with_errors,
    result,
    sampling,
    stateless,
    text_of,
)
from tests.edge.governed_world import request as asking
from tests.edge.relay_world import (
    CHUNKED,
    EVENTS,
    JSON,
    OPENED,
    OPENING,
    Ends,
    Wire,
    kinds,
    post,
    relaying,
    reply,
    request,
    said,
)

from interpose.core.policy.verdict import Verdict
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]

BOTH = "Accept: application/json, text/event-stream"
SESSION = "Mcp-Session-Id: s-9"
OPEN_STREAM = reply("200 OK", EVENTS, CHUNKED)
TAKEN = reply("202 Accepted", body=b"")
ENDPOINT = b"event: endpoint\ndata: /messages?id=7\n\n"
LAST = "Connection: close"
CALL = dump(call())
STATELESS = dump(stateless(call()))
NOTICE = dump({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})


def mirrored(method: str = "tools/call", name: str = "deploy") -> list[str]:
    return [BOTH, "MCP-Protocol-Version: 2026-07-28", f"Mcp-Method: {method}", f"Mcp-Name: {name}"]


async def alone(ends: Ends, sent: bytes) -> tuple[bytes, bytes]:
    """What a client gets for a request of which the server sees nothing."""
    client = await ends.client()
    await client.say(sent)
    answer = await client.message()
    assert ends.is_idle_upstream
    return answer


async def opened(ends: Ends) -> None:
    client, _, _ = await ends.exchange(post(OPENING, BOTH), reply("200 OK", JSON, SESSION, LAST, body=OPENED))
    await client.message()


def fields(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")[1:-2]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


# --- blocked ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sent", "headers"), [(CALL, [BOTH]), (STATELESS, mirrored())])
async def test_a_blocked_call_is_answered_in_the_servers_place(
    sent: bytes, headers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, block("tools/call"))
    async with relaying(tmp_path) as ends:
        head, body = await alone(ends, post(sent, *headers))
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert fields(head)["content-type"] == "application/json"
        assert json.loads(body)["id"] == 1
        assert text_of(json.loads(body)) == SAID_NO
    [entries] = ends.recordings()
    assert [entry.kind for entry in entries][:4] == ["http-request", "message", "message", "http-response"]
    assert [entry.by for entry in kinds(entries, "message")] == ["", "interpose"]
    assert ("server", "end") in [(entry.end, entry.reason) for entry in kinds(entries, "closed")]


async def test_a_client_that_takes_events_alone_gets_the_answer_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, block("tools/call"))
    async with relaying(tmp_path) as ends:
        head, body = await alone(ends, post(CALL, "Accept: text/event-stream"))
    assert fields(head)["content-type"] == "text/event-stream"
    assert body.startswith(b"event: message\ndata: {")
    assert body.endswith(b"}\n\n")


def drop_answers(sighting: Sighting) -> Verdict | None:
    return Verdict("drop") if sighting.kind is Kind.RESULT else None


@pytest.mark.parametrize("sent", [NOTICE, dump({"jsonrpc": "2.0", "id": 41, "result": {}})])
async def test_what_needs_no_answer_is_taken_and_goes_nowhere(
    sent: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, drop("notifications/progress"), drop_answers)
    async with relaying(tmp_path) as ends:
        head, body = await alone(ends, post(sent, BOTH))
    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 202 Accepted", b"")


async def test_a_body_that_cannot_be_read_is_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch)
    async with relaying(tmp_path) as ends:
        head, _ = await alone(ends, post(b"\x1b\x00coded", BOTH, "Content-Encoding: br"))
        assert head.startswith(b"HTTP/1.1 415 ")
        head, _ = await alone(ends, request("POST", "Content-Type: text/plain", body=CALL))
        assert head.startswith(b"HTTP/1.1 415 ")


async def test_a_body_and_headers_that_differ_are_not_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch)
    async with relaying(tmp_path) as ends:
        head, body = await alone(ends, post(STATELESS, *mirrored(name="harmless")))
        assert head.startswith(b"HTTP/1.1 400 ")
        assert (json.loads(body)["id"], json.loads(body)["error"]["code"]) == (1, -32020)
        head, _ = await alone(ends, request("POST", f"{JSON}; charset=utf-7", BOTH, body=CALL))
        assert head.startswith(b"HTTP/1.1 415 ")
    [entries] = ends.recordings()
    assert [entry.status for entry in kinds(entries, "http-response")] == [400, 415]


async def test_a_policy_that_comes_into_force_governs_the_streams_that_are_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = govern(monkeypatch, refuse_asks("sampling"))
    rules.enforces = False
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(CALL, BOTH), OPEN_STREAM)
        assert await client.head() == OPEN_STREAM
        rules.enforces = True
        await server.chunk(event(sampling()) + event(done()))
        await client.hears(event(done()))
        assert json.loads((await (await ends.server()).message())[1])["id"] == 41
        await server.chunk(b"")
        assert await client.hear_chunk() == b""


async def test_a_blocked_call_of_a_legacy_session_is_answered_on_its_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, block("tools/call"))
    async with relaying(tmp_path, "/sse") as ends:
        stream, server, _ = await ends.exchange(request("GET", "Accept: text/event-stream", path="/sse"))
        await begin(stream, server)
        client = await ends.client()
        await client.say(post(CALL, path="/messages?id=7"))
        assert (await client.head()).startswith(b"HTTP/1.1 202 Accepted")
        answer = await stream.hear_chunk()
        assert answer.startswith(b"event: message\ndata: ")
        assert text_of(json.loads(answer.partition(b"data: ")[2])) == SAID_NO
        await server.chunk(b"")


async def begin(stream: Wire, server: Wire) -> None:
    """A legacy stream begins, with its endpoint."""
    await server.say(OPEN_STREAM)
    await server.chunk(ENDPOINT)
    await stream.head()
    await stream.hears(ENDPOINT)


# --- edited -----------------------------------------------------------------------------------------------------------


def shorten(body: Any) -> None:
    body["result"]["content"] = [{"type": "text", "text": "é"}]


LONG = dump(result(1, content=[{"type": "text", "text": "a secret " * 50}]))
SHORT = dump(result(1, content=[{"type": "text", "text": "é"}]))


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_an_edited_reply_has_the_length_of_what_is_sent(
    coding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, edit(Kind.RESULT, shorten))
    async with relaying(tmp_path) as ends:
        headers = [f"Content-Encoding: {coding}"] if coding else []
        came = gzip.compress(LONG) if coding else LONG
        answer = reply("200 OK", JSON, "X-Kept: 1", 'ETag: "1"', *headers, body=came)
        client, _, _ = await ends.exchange(post(CALL, BOTH), answer)
        head, body = await client.message()
    assert json.loads(body) == json.loads(SHORT)
    found = fields(head)
    assert (found["content-length"], found["x-kept"]) == (str(len(body)), "1")
    assert not {"content-encoding", "etag"} & found.keys()


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_a_reply_that_no_rule_touches_keeps_every_byte(
    coding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, block("tools/list"))
    async with relaying(tmp_path) as ends:
        headers = [f"Content-Encoding: {coding}"] if coding else []
        answer = reply("200 OK", JSON, *headers, body=gzip.compress(LONG) if coding else LONG)
        client, _, _ = await ends.exchange(post(CALL, BOTH), answer)
        assert b"".join(await client.message()) == answer


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_an_event_is_edited_and_its_neighbours_stay(
    coding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, edit(Kind.RESULT, shorten), drop("notifications/progress"))
    stream = b": hello\n\nid: 1\ndata:\n\n" + event(json.loads(NOTICE)) + b"id: 2\ndata: " + LONG + b"\n\n: bye\n\n"
    async with relaying(tmp_path) as ends:
        headers = [f"Content-Encoding: {coding}"] if coding else []
        body = gzip.compress(stream) if coding else stream
        client, _, _ = await ends.exchange(post(CALL, BOTH), reply("200 OK", EVENTS, *headers, body=body))
        head, heard = await client.message()
    assert (
        heard
        == b": hello\n\nid: 1\ndata:\n\nid: 2\ndata: "
        + json.dumps(json.loads(SHORT), separators=(",", ":")).encode()
        + b"\n\n: bye\n\n"
    )
    assert "content-encoding" not in fields(head)
    assert "content-length" not in fields(head)


@pytest.mark.parametrize("kind", [JSON, EVENTS])
async def test_a_reply_in_a_coding_that_nobody_reads_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch)
    async with relaying(tmp_path) as ends:
        answer = reply("200 OK", kind, "Content-Encoding: br", body=b"\x1b\x00")
        client, _, received = await ends.exchange(post(CALL, BOTH, "Accept-Encoding: br, gzip"), answer)
        assert b"Accept-Encoding: identity\r\n" in received
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")


async def test_a_refusal_that_is_no_message_keeps_its_head_and_loses_its_body(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch)
    async with relaying(tmp_path) as ends:
        answer = reply("401 Unauthorized", JSON, 'WWW-Authenticate: Bearer scope="x"', body=b'{"error":"expired"}')
        client, _, _ = await ends.exchange(post(CALL, BOTH), answer)
        head, body = await client.message()
    assert head.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert fields(head)["www-authenticate"] == 'Bearer scope="x"'
    assert body == b""


async def test_a_reply_that_became_an_error_comes_with_its_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_calls_with_errors)
    async with relaying(tmp_path) as ends:
        client, _, _ = await ends.exchange(post(CALL, BOTH), reply("200 OK", JSON, body=LONG))
        head, body = await client.message()
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body)["error"]["message"] == SAID_NO


def rename(body: Any) -> None:
    body["params"]["name"] = "prüfe"
    body["params"]["arguments"] |= {"region": "eu-west", "token": "***"}


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_the_headers_of_an_edited_request_say_what_its_body_says(
    coding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, edit(Kind.REQUEST, rename))
    sent = dump(stateless(call(arguments={"region": "us", "token": "sesame", "twice": "x", "again": "x", "n": 7})))
    params = ["Mcp-Param-Region: us", "Mcp-Param-Key: sesame", "Mcp-Param-X: x", "Mcp-Param-N: 7"]
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        headers = [f"Content-Encoding: {coding}"] if coding else []
        body = gzip.compress(sent) if coding else sent
        await client.say(post(body, *mirrored(), *params, *headers, "X-Other: 1"))
        head, received = await (await ends.server()).message()
    assert json.loads(received)["params"]["name"] == "prüfe"
    found = fields(head)
    assert found["mcp-name"] == "=?base64?cHLDvGZl?="
    assert (found["mcp-param-region"], found["mcp-param-key"], found["mcp-param-n"]) == ("eu-west", "***", "7")
    assert "mcp-param-x" not in found  # two arguments had this value: which of them is meant is not certain
    assert (found["x-other"], found["mcp-method"], found["mcp-protocol-version"]) == ("1", "tools/call", "2026-07-28")
    assert "content-encoding" not in found
    assert "sesame" not in head.decode() + received.decode()


# --- answered in the client's place -----------------------------------------------------------------------------------


async def test_a_refused_request_of_the_server_is_answered_in_a_post_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_asks("sampling"))
    token = "Authorization: Bearer t-2"
    async with relaying(tmp_path) as ends:
        await opened(ends)
        client, server, _ = await ends.exchange(
            post(CALL, BOTH, SESSION, token, "MCP-Protocol-Version: 2025-11-25", "Mcp-Method: x"), OPEN_STREAM
        )
        assert await client.head() == OPEN_STREAM
        await server.chunk(b"id: 5\n" + event(sampling()) + b": still here\n\n")
        await client.hears(b": still here\n\n")
        other = await ends.server()
        head, body = await other.message()
        assert json.loads(body)["error"]["code"] == -1
        assert json.loads(body)["id"] == 41
        await other.say(TAKEN)
        found = fields(head)
        assert head.startswith(b"POST /mcp HTTP/1.1\r\n")
        assert (found["mcp-session-id"], found["authorization"]) == ("s-9", "Bearer t-2")
        assert (found["content-type"], found["accept"]) == ("application/json", BOTH.partition(": ")[2])
        assert found["mcp-protocol-version"] == "2025-11-25"
        assert "mcp-method" not in found
        await server.chunk(event(done()))
        await client.hears(event(done()))
        await server.chunk(b"")
        assert await client.hear_chunk() == b""
        await ends.recorded('"channel":"ia1","kind":"closed"')
    [entries] = ends.recordings()
    own = [(entry.kind, entry.status) for entry in entries if entry.channel == "ia1"]
    assert own == [("http-request", 0), ("http-response", 202), ("closed", 0)]
    assert "Bearer" not in ends.text()


async def test_a_refusal_that_the_server_does_not_take_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_asks("sampling"))
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(CALL, BOTH, SESSION), OPEN_STREAM)
        await server.chunk(event(sampling()) + event(done()))
        other = await ends.server()
        await other.message()
        await other.say(reply("400 Bad Request", JSON, body=dump({"jsonrpc": "2.0", "id": 1, "result": {}})))
        await server.chunk(b"")
        assert await client.body(await client.head()) == event(done())
        await ends.recorded("was not taken: HTTP 400")


async def test_the_refusal_goes_to_the_endpoint_of_a_legacy_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, refuse_asks("sampling"))
    async with relaying(tmp_path, "/sse") as ends:
        get = request("GET", "Accept: text/event-stream", "Cookie: a=1", path="/sse")
        stream, server, _ = await ends.exchange(get)
        await begin(stream, server)
        await server.chunk(event(sampling()) + event(done()))
        await stream.hears(event(done()))
        head, body = await (other := await ends.server()).message()
        assert head.startswith(b"POST /messages?id=7 HTTP/1.1\r\n")
        assert fields(head)["cookie"] == "a=1"
        assert json.loads(body)["id"] == 41
        await other.say(TAKEN)
        await server.chunk(b"")


async def test_a_flood_of_refused_requests_is_answered_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    govern(monkeypatch, refuse_asks("sampling"))
    count = 150
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(CALL, BOTH, SESSION), OPEN_STREAM)
        await server.chunk(b"".join(event(sampling(ident)) for ident in range(count)) + event(done(1)))
        answered = []
        for _ in range(count):
            other = await ends.server()
            answered.append(json.loads((await other.message())[1])["id"])
            await other.say(reply("202 Accepted", LAST, body=b""))
        assert answered == list(range(count))
        await server.chunk(b"")
        assert await client.body(await client.head()) == event(done())


# --- a task ends with nobody waiting ----------------------------------------------------------------------------------


async def test_a_request_that_nobody_waits_for_goes_its_own_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, cancel_task)
    poll = dump(stateless(asking("tasks/get", 3, taskId="t-1")))
    task = result(3, resultType="complete", taskId="t-1", status="working")
    async with relaying(tmp_path) as ends:
        client, _, _ = await ends.exchange(
            post(poll, *mirrored("tasks/get", "t-1"), "Authorization: Bearer a"),
            reply("200 OK", JSON, LAST, body=dump(task)),
        )
        assert json.loads((await client.message())[1])["result"]["status"] == "cancelled"
        await client.close()
        head, body = await (other := await ends.server()).message()
        found = fields(head)
        assert (found["mcp-method"], found["mcp-name"], found["authorization"]) == ("tasks/cancel", "t-1", "Bearer a")
        cancel = {"jsonrpc": "2.0", "id": "interpose-1", "method": "tasks/cancel"}
        assert json.loads(body) == {**cancel, "params": {"taskId": "t-1", "_meta": META}}
        await other.say(reply("200 OK", JSON, body=dump(result("interpose-1", resultType="complete"))))
        await ends.recorded('"channel":"i1","kind":"closed","reason":"end"')
    [entries] = ends.recordings()
    assert [message["id"] for message in said(entries, "client")] == [3, "interpose-1"]
