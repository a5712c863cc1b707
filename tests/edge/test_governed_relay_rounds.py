"""Calls that a relay repeats by itself (MRTR): the client's exchange stays open until there is an answer for it."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.edge.governed_world import META, call, done, dump, event, govern, refuse_asks, stateless, wants_form
from tests.edge.relay_world import CHUNKED, EVENTS, JSON, Ends, Wire, closings, kinds, post, relaying, reply

from interpose.edge import judging

pytestmark = pytest.mark.anyio

LAST = "Connection: close"
OPEN_STREAM = reply("200 OK", EVENTS, CHUNKED)
HEADERS = [
    "Accept: application/json, text/event-stream",
    "MCP-Protocol-Version: 2026-07-28",
    "Mcp-Method: tools/call",
    "Mcp-Name: deploy",
    "Mcp-Param-Ref: main",
    "Authorization: Bearer a",
    "Accept-Encoding: gzip",
]
CALL = dump(stateless(call(6, arguments={"ref": "main"})))
ANSWER = {"action": "decline"}


@pytest.fixture(autouse=True)
def _quiet(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    govern(monkeypatch, refuse_asks("elicitation"))
    yield
    assert capfd.readouterr().err == ""


def fields(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")[1:-2]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


async def asked(ends: Ends, *answer: bytes) -> tuple[Wire, Wire]:
    """A call whose first answer asks for a form: its client, and the server with the call repeated."""
    client, _, _ = await ends.exchange(post(CALL, *HEADERS), *answer)
    return client, await ends.server()


async def test_a_call_is_repeated_and_its_client_sees_one_answer(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await asked(ends, reply("200 OK", JSON, LAST, body=dump(wants_form(6))))
        head, body = await server.message()
        sent = json.loads(body)
        params = {"name": "deploy", "arguments": {"ref": "main"}, "_meta": META}
        params |= {"inputResponses": {"env": ANSWER}, "requestState": "s-1"}
        assert sent == {"jsonrpc": "2.0", "id": "interpose-1", "method": "tools/call", "params": params}
        found = fields(head)
        assert (found["mcp-method"], found["mcp-name"], found["mcp-param-ref"]) == ("tools/call", "deploy", "main")
        assert (found["authorization"], found["mcp-protocol-version"]) == ("Bearer a", "2026-07-28")
        assert found["content-length"] == str(len(body))
        assert "accept-encoding" not in found
        await server.say(reply("200 OK", JSON, LAST, body=dump(done("interpose-1"))))
        head, body = await client.message()
        assert json.loads(body) == done(6)
        assert (fields(head)["content-type"], fields(head)["content-length"]) == ("application/json", str(len(body)))
        await ends.recorded('"channel":"x1","kind":"closed","reason":"end"')
    [entries] = ends.recordings()
    own = [(entry.end, entry.kind) for entry in entries if entry.channel == "i1"]
    assert own == [
        ("client", "message"),
        ("client", "http-request"),
        ("server", "http-response"),
        ("server", "message"),
        ("server", "closed"),
    ]


async def test_an_event_stream_stays_open_with_comments_until_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_SILENT", 0.01)
    async with relaying(tmp_path) as ends:
        first = [reply("200 OK", EVENTS, CHUNKED, LAST), *chunks(b": hi\n\n" + event(wants_form(6)))]
        client, server = await asked(ends, *first)
        await client.head()
        await client.hears(b": hi\n\n: keep-alive\n\n")
        await server.message()
        await server.say(OPEN_STREAM, *chunks(event(done("interpose-1"))))
        heard = b""
        while piece := await client.hear_chunk():
            heard += piece
        comments, _, answer = heard.rpartition(b": keep-alive\n\n")
        assert set(comments.split(b"\n\n")) <= {b": keep-alive", b""}
        assert answer.endswith(b"data: " + dump(done(6)) + b"\n\n")


async def test_the_answer_does_not_wait_for_the_end_of_the_first_stream(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, first, _ = await ends.exchange(post(CALL, *HEADERS), OPEN_STREAM)
        await first.chunk(event(wants_form(6)))
        server = await ends.server()
        await server.message()
        await server.say(OPEN_STREAM)
        await server.chunk(event(done("interpose-1")))
        await client.head()
        await client.hears(event(done(6)))
        await first.chunk(b"")
        assert await client.hear_chunk() == b""


async def test_a_first_stream_that_breaks_off_after_its_last_word_does_no_harm(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, first, _ = await ends.exchange(post(CALL, *HEADERS), OPEN_STREAM)
        await first.chunk(event(wants_form(6)))
        server = await ends.server()
        await server.message()
        first.reset()
        await server.say(reply("200 OK", JSON, LAST, body=dump(done("interpose-1"))))
        await client.head()
        await client.hears(event(done(6)))
        assert await client.hear_chunk() == b""


async def test_further_rounds_belong_to_the_same_call(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await asked(ends, reply("200 OK", JSON, LAST, body=dump(wants_form(6))))
        await server.message()
        coded = gzip.compress(event(wants_form("interpose-1", "s-2", "why")))
        await server.say(reply("200 OK", EVENTS, "Content-Encoding: gzip", LAST, body=coded))
        again = await ends.server()
        _, body = await again.message()
        params = json.loads(body)["params"]
        assert (params["inputResponses"], params["requestState"]) == ({"why": ANSWER}, "s-2")
        await again.say(reply("200 OK", JSON, LAST, body=dump(done("interpose-2"))))
        assert json.loads((await client.message())[1]) == done(6)
    [entries] = ends.recordings()
    assert [entry.channel for entry in kinds(entries, "closed")] == ["i1", "i2", "x1"]


async def test_a_client_that_leaves_takes_the_repeated_call_with_it(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await asked(ends, reply("200 OK", JSON, LAST, body=dump(wants_form(6))))
        await server.message()
        await client.close()
        assert await server.rest() == b""
        await ends.recorded('"channel":"i1","kind":"closed","reason":"disconnect"')
    [entries] = ends.recordings()
    assert sorted(closings(entries)) == [("client", "disconnect"), ("client", "disconnect")]


@pytest.mark.parametrize("answer", [reply("503 Service Unavailable", LAST, body=b"later"), b""])
async def test_a_repeated_call_without_an_answer_ends_in_an_error(answer: bytes, tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await asked(ends, reply("200 OK", JSON, LAST, body=dump(wants_form(6))))
        await server.message()
        await server.say(answer)
        await server.close()
        head, body = await client.message()
        assert json.loads(body)["id"] == 6
        assert "the server did not answer" in json.loads(body)["error"]["message"]
        assert fields(head)["content-length"] == str(len(body))
        await ends.recorded("interpose's own, was not taken")


async def test_a_relay_that_stops_ends_what_it_asked(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        _, server = await asked(ends, reply("200 OK", JSON, LAST, body=dump(wants_form(6))))
        await server.message()
    assert '"reason":"interpose stopped"' in ends.text()


def chunks(data: bytes) -> list[bytes]:
    return [b"%x\r\n%b\r\n" % (len(data), data), b"0\r\n\r\n"]
