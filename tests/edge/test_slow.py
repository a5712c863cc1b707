"""Messages that a policy makes slow, on every way out: their bytes come spread, in order, and what is behind waits."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.edge.governed_stdio import CHILD, local, remote
from tests.edge.governed_world import call, done, dump, event, stateless, text_of
from tests.edge.held_world import SOON, enforce, fault, is_slow, spread
from tests.edge.hosting_world import hosting, mirrored
from tests.edge.relay_world import CHUNKED, EVENTS, JSON, Wire, post, relaying, reply

pytestmark = pytest.mark.anyio

BOTH = "Accept: application/json, text/event-stream"
SLOW_CALL, SLOW_REPLY = fault("slow", seconds=SOON), fault("slow", "result", SOON)
CALL, DONE = dump(call(arguments={"text": "x" * 400})), dump(done(text="y" * 400))
OPEN_STREAM = reply("200 OK", EVENTS, CHUNKED)
# Says how its second request came: in how many pieces, within how many seconds.
COUNTING = """
import json, os, time
os.read(0, 65536)
print('{"jsonrpc": "2.0", "id": 6, "result": {}}', flush=True)
line, times = b"", []
while b"\\n" not in line:
    line += os.read(0, 65536)
    times.append(time.monotonic())
told = {"pieces": len(times), "seconds": times[-1] - times[0]}
print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": told}), flush=True)
os.read(0, 1)
"""


# --- stdio -----------------------------------------------------------------------------------------------------------


async def test_a_client_on_stdio_gets_a_slow_reply_in_pieces_and_the_next_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, SLOW_REPLY)
    async with local(tmp_path) as client:
        client.say(call(7, arguments={"text": "x" * 400}), call(8, "other"))
        heard = await spread(client.more, b'"other')
        assert is_slow(heard)
        assert [json.loads(line)["id"] for line in heard.data.splitlines()] == [7, 8]
    said = [json.loads(line) for line in (tmp_path / "r.jsonl").read_bytes().splitlines()]
    answered = [entry["at"] for entry in said if entry.get("from") == "server" and entry["kind"] == "message"]
    assert answered[1] - answered[0] < SOON, "the other direction waits for nothing"


async def test_a_child_gets_a_slow_request_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, SLOW_CALL)
    async with local(tmp_path, (sys.executable, "-c", COUNTING)) as client:
        await client.ask(call(6, "ready"))
        told = (await client.ask(call(7, arguments={"text": "x" * 400})))["result"]
        assert told["pieces"] >= 5
        assert told["seconds"] >= SOON * 0.8


async def test_a_client_that_leaves_in_the_middle_ends_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("slow", "result", 60.0))
    async with local(tmp_path) as client:
        client.say(call(7))
        await client.more()
        began = time.monotonic()
    assert time.monotonic() - began < 5


@asynccontextmanager
async def raw_server() -> AsyncIterator[tuple[str, "asyncio.Queue[Wire]"]]:
    accepted: asyncio.Queue[Wire] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: accepted.put_nowait(Wire(r, w)), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp", accepted


async def test_a_server_over_http_gets_a_slow_message_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, SLOW_CALL)
    asked = stateless(call(1, arguments={"text": "x" * 400}))
    async with raw_server() as (url, accepted), remote(tmp_path, url) as client:
        client.say(asked)
        server = await accepted.get()
        await server.head()
        heard = await spread(server.more, json.dumps(asked).encode()[-9:])
        assert is_slow(heard)
        assert json.loads(heard.data) == asked
        await server.say(reply("200 OK", JSON, "Connection: close", body=DONE))
        assert (await client.hear())["id"] == 1
        await server.close()


# --- relay -----------------------------------------------------------------------------------------------------------


async def test_a_relay_sends_a_slow_request_up_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, SLOW_CALL)
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        await client.say(post(CALL, BOTH))
        server = await ends.server()
        await server.head()
        heard = await spread(server.more, CALL[-9:])
        assert is_slow(heard)
        assert heard.data == CALL
        await server.say(reply("200 OK", JSON, body=DONE))
        assert (await client.message())[1] == DONE


async def test_a_relay_hands_a_slow_body_down_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, SLOW_REPLY)
    async with relaying(tmp_path) as ends:
        client, _, _ = await ends.exchange(post(CALL, BOTH), reply("200 OK", JSON, body=DONE))
        await client.head()
        heard = await spread(client.more, DONE[-9:])
        assert is_slow(heard)
        assert heard.data == DONE


async def test_a_body_that_was_edited_is_slow_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit = '[[rule]]\nname = "e"\ntool = "deploy"\nkind = "result"\ndo = "remove"\npath = "$.resultType"\n'
    enforce(monkeypatch, SLOW_REPLY + edit)
    async with relaying(tmp_path) as ends:
        client, _, _ = await ends.exchange(post(CALL, BOTH), reply("200 OK", JSON, body=DONE))
        await client.head()
        heard = await spread(client.more, b"}}")
        assert is_slow(heard)
        assert "resultType" not in json.loads(heard.data)["result"]


async def test_a_relay_hands_a_slow_event_down_in_pieces_and_the_next_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, SLOW_REPLY)
    after = b": after\n\n"
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(CALL, BOTH), OPEN_STREAM)
        await client.head()
        await server.chunk(event(done(text="y" * 400)) + after)
        heard = await spread(client.hear_chunk, after)
        assert is_slow(heard)
        assert heard.data == event(done(text="y" * 400)) + after


async def test_a_relays_client_that_leaves_in_the_middle_ends_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("slow", "result", 60.0))
    async with relaying(tmp_path) as ends:
        client, _, _ = await ends.exchange(post(CALL, BOTH), reply("200 OK", JSON, body=DONE))
        await client.head()
        await client.more()
        began = time.monotonic()
        client.reset()
        await ends.recorded('"disconnect"')
        assert time.monotonic() - began < 5


# --- a host of children ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [False, True])
async def test_a_host_says_a_slow_reply_in_pieces(
    streams: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, SLOW_REPLY)
    said: Any = stateless(call(7, arguments={"text": "x" * 400}))
    headers = mirrored(said) | ({"Accept": "text/event-stream"} if streams else {})
    async with hosting(tmp_path, CHILD) as world, world.post(said, headers) as response:
        heard = await spread(response.content.readany, b"}]}}")
        assert is_slow(heard)
        assert json.loads(heard.data.partition(b"data: ")[2] if streams else heard.data)["id"] == 7
    assert (response.content_type == "text/event-stream") is streams


async def test_a_hosts_client_that_leaves_in_the_middle_ends_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, fault("slow", "result", 60.0))
    said: Any = stateless(call(7))
    async with hosting(tmp_path, CHILD) as world:
        async with world.post(said, mirrored(said)) as response:
            await response.content.readany()
        await world.recorded('"disconnect"')
        other = stateless(call(8, "other"))
        async with world.post(other, mirrored(other)) as response:
            assert json.loads(text_of(await response.json()))["called"] == "other"
