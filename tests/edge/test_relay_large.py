"""Large bodies through a relay: what is only glimpsed at passes, is recorded and is waited for like any other."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.edge.relay_world import JSON, OPENED, OPENING, Ends, Wire, post, relaying, reply, said

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]

CODED = "Content-Encoding: gzip"
SESSION = "Mcp-Session-Id: s"
TEXT = "x" * (1 << 20)
CALL: dict[str, Any] = {"method": "tools/call", "params": {"name": "echo", "arguments": {"text": TEXT}}}
DONE: dict[str, Any] = {"result": {"content": [{"type": "text", "text": TEXT}]}}
TASK = {"taskId": "t", "status": "working", "createdAt": "x", "lastUpdatedAt": "x", "ttl": 1}
FAILED: dict[str, Any] = {"error": {"code": -32000, "message": TEXT}}


def dump(ident: int, said: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": ident} | said).encode()


async def opened(ends: Ends) -> tuple[Wire, Wire]:
    """A client and the server, once they agreed on a session."""
    client, server, _ = await ends.exchange(post(OPENING), reply("200 OK", JSON, SESSION, body=OPENED))
    await client.message()
    return client, server


async def exchanged(client: Wire, server: Wire, asked: bytes, answer: bytes, *coding: str) -> None:
    """One more exchange, of which both ends see the very bytes."""
    encode = gzip.compress if coding else bytes
    request, response = encode(asked), reply("200 OK", JSON, *coding, body=encode(answer))
    await client.say(post(request, SESSION, *coding))
    assert (await server.message())[1] == request
    await server.say(response)
    assert b"".join(await client.message()) == response


@pytest.mark.parametrize("coding", [(), (CODED,)], ids=["plain", "coded"])
@pytest.mark.parametrize("answer", [DONE, FAILED, {"result": {}}], ids=["done", "failed", "small"])
async def test_a_large_call_passes_and_is_recorded_whole(
    answer: dict[str, Any], coding: tuple[str, ...], tmp_path: Path
) -> None:
    async with relaying(tmp_path) as ends:
        client, server = await opened(ends)
        for ident in (1, 2):
            await exchanged(client, server, dump(ident, CALL), dump(ident, answer), *coding)
    [entries] = ends.recordings()
    assert said(entries)[2:] == [json.loads(dump(ident, each)) for ident in (1, 2) for each in (CALL, answer)]
    assert entries[-1].waiting == ()


@pytest.mark.parametrize(
    ("name", "more", "left"),
    [
        ("tools/list", {"tools": []}, ["tools/call echo, task t, working, polled 0x"]),
        ("tasks/list", {"tasks": [TASK | {"status": "completed"}]}, []),
    ],
)
async def test_a_large_answer_that_is_more_than_plain_is_read(
    name: str, more: dict[str, Any], left: list[str], tmp_path: Path
) -> None:
    call = CALL | {"params": CALL["params"] | {"task": {"ttl": 1}}}
    async with relaying(tmp_path) as ends:
        client, server = await opened(ends)
        await exchanged(client, server, dump(1, call), dump(1, {"result": {"task": TASK, "padding": TEXT}}))
        padded = {"method": name, "params": {"padding": TEXT}}
        await exchanged(client, server, dump(2, padded), dump(2, {"result": more | {"padding": TEXT}}))
    [entries] = ends.recordings()
    assert [each["what"] for each in entries[-1].waiting] == left
