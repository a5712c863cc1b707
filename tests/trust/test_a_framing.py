"""Part A, 16 to 19: where a message begins and ends, on lines, in bodies and in event streams."""

import json
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from tests.edge.processes import SECONDS, entries, python, run, shim
from tests.edge.relay_world import CHUNKED, EVENTS, PING, post, relaying, reply
from tests.trust.edge import dispatched, enforce
from tests.trust.scene import DENY_DELETE, Scene, denied, dump, lives, passed

from interpose.core.wire.sse import BlockSplitter

pytestmark = pytest.mark.anyio

ANSWERS = python(
    "import sys, json\n"
    "for line in sys.stdin.buffer:\n"
    "    found = json.loads(line)\n"
    "    if 'id' in found:\n"
    "        print(json.dumps({'jsonrpc': '2.0', 'id': found['id'], 'result': {'saw': line.hex()}}), flush=True)"
)
NO_SAMPLING = '[[rule]]\nname = "no-sampling"\nask = "sampling"\ndo = "block"\n'
SAMPLING = dump({"id": 7, "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}})
LOG = dump({"method": "notifications/message", "params": {"level": "info", "data": "ok"}})
DONE = dump({"id": 1, "result": {"content": []}})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def call(ident: int, name: str) -> bytes:
    params = {"name": name, "arguments": {"é": "€ 𝄞"}}
    body = {"jsonrpc": "2.0", "id": ident, "method": "tools/call", "params": params}
    return json.dumps(body, ensure_ascii=False).encode() + b"\n"


def heard(tmp_path: Path, name: str, writes: Iterable[bytes]) -> tuple[Any, Any]:
    """What a client on stdio gets for bytes in such pieces, and what is recorded, in an order of its own."""
    policy, record = tmp_path / "p.toml", tmp_path / f"{name}.jsonl"
    policy.write_text(DENY_DELETE)
    with subprocess.Popen(
        shim(ANSWERS, "--policy", str(policy), record=record),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for piece in writes:
            process.stdin.write(piece)
            time.sleep(0.0005)
        process.stdin.close()
        answers = sorted(process.stdout.read().splitlines())
        assert process.wait(SECONDS) == 0
    kept = ("from", "channel", "kind", "message", "verdict", "by", "delivered")
    lines = [[str(entry.get(key)) for key in kept] for entry in entries(record) if entry["kind"] == "message"]
    return answers, sorted(lines)


def test_16_a_line_cut_anywhere_is_the_same_line(tmp_path: Path) -> None:
    size = len(call(1000, "delete_repo"))
    calls = [call(1000 + at, "delete_repo" if at % 2 else "de_ete_repo") for at in range(1, size)]
    halves = [piece for at, line in enumerate(calls, 1) for piece in (line[:at], line[at:])]
    single = [bytes([byte]) for byte in call(999, "delete_repo")]
    cut = heard(tmp_path, "cut", [*halves, *single])
    whole = heard(tmp_path, "whole", [*calls, call(999, "delete_repo")])
    assert cut == whole
    answers = [json.loads(answer)["result"] for answer in cut[0]]
    assert sum("isError" in answer for answer in answers) == size // 2 + 1
    assert sum("saw" in answer for answer in answers) == (size - 1) // 2


async def test_16_a_body_cut_anywhere_is_the_same_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, DENY_DELETE)
    sent = post(call(5, "delete_repo").rstrip(), "Accept: application/json, text/event-stream")
    async with relaying(tmp_path) as ends:
        client = await ends.client()
        answers = set()
        for cuts in [[at] for at in range(1, len(sent))] + [list(range(1, len(sent)))]:
            for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True):
                await client.say(sent[start:stop])
                await anyio.lowlevel.checkpoint()
            answers.add(await client.message())
        assert ends.is_idle_upstream
    [(_, body)] = answers
    assert json.loads(body)["result"]["isError"]
    [recorded] = ends.recordings()
    verdicts = [entry.verdict for entry in recorded if entry.kind == "message" and not entry.by]
    assert verdicts == [verdicts[0]] * len(sent)


STREAM = b"".join(
    (
        b"\xef\xbb\xbf: hello\n\n",
        b"id: 1\nretry: 500\ndata:" + LOG + b"\n\n",
        b"event: message\r\ndata: " + SAMPLING + b"\r\n\r\n",
        b"data: " + LOG.replace(b"ok", "ö€𝄞".encode()) + b"\r\r",
        b"data: " + SAMPLING[:12] + b"\ndata:" + SAMPLING[12:] + b"\n\n",
        b"data\n\n",
        b"data\ndata: " + LOG + b"\ndata\n\n",
        b": a comment\nx: y\nid\n\n",
        b"event: other\ndata: " + LOG + b"\n\n",
        b"event:message\n:\ndata:  " + SAMPLING + b"\n\n\n\n",
        b"data: " + SAMPLING,
    )
)


def judged(chunks: Iterable[bytes]) -> tuple[list[bytes], list[bytes], list[str]]:
    """What an event stream in such chunks comes to: at the client, at the server, and which rules acted."""
    scene, splitter = Scene(NO_SAMPLING), BlockSplitter()
    scene.call(1, channel="x1")
    found = [scene.block(block) for chunk in chunks for block in splitter.feed(chunk)]
    to_client = [piece for each in found for piece in each.client]
    return (
        to_client,
        [piece for each in found for piece in each.server],
        [rule for each in found for rule in each.rules],
    )


def test_17_an_event_stream_is_judged_as_its_reader_reads_it() -> None:
    assert [kind for kind, _ in dispatched(STREAM)] == ["message"] * 5 + ["other", "message"]
    whole = judged([STREAM])
    assert whole[2] == ["no-sampling"] * 3
    left = [event for event in dispatched(STREAM) if b"sampling" not in event[1].replace(b"\n", b"")]
    assert dispatched(b"".join(whole[0])) == left
    assert [json.loads(each)["id"] for each in whole[1]] == [7, 7, 7]


def test_17_an_event_stream_cut_anywhere_is_the_same_stream() -> None:
    whole = judged([STREAM])
    for at in range(1, len(STREAM)):
        assert judged([STREAM[:at], STREAM[at:]]) == whole, STREAM[:at]
    assert judged(bytes([byte]) for byte in STREAM) == whole


async def test_17_a_relay_hands_on_what_is_left_of_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, NO_SAMPLING)
    async with relaying(tmp_path) as ends:
        head = reply("200 OK", EVENTS, CHUNKED)
        client, server, _ = await ends.exchange(post(PING), head)
        began = await client.head()
        for at in range(0, len(STREAM), 3):
            await server.chunk(STREAM[at : at + 3])
        await server.chunk(b"data: " + DONE + b"\n\n"[:1])
        await server.chunk(b"")
        got = await client.body(began)
    assert [kind for kind, _ in dispatched(got)] == ["message"] * 3 + ["other"]
    assert b"sampling" not in got.replace(b"\n", b"")
    [recorded] = ends.recordings()
    rules = [hit["rule"] for entry in recorded for hit in (entry.verdict or {}).get("rules", ())]
    assert rules == ["no-sampling"] * 3


@pytest.mark.parametrize("junk", [b"not json", b"{", b'{"jsonrpc":"2.0"} x', b"\xff", b'"text"', b"[1]"])
def test_18_an_event_that_is_no_json_goes_nowhere_and_the_others_are_judged(junk: bytes) -> None:
    scene = Scene(NO_SAMPLING)
    scene.call(1, channel="x1")
    first = b"data: " + LOG + b"\n\n"
    passed(scene.event(first), "server", first)
    bad = scene.event(b"data: " + junk + b"\n\n")
    assert (bad.client, bad.server, bad.rules) == ([], [], ["gate"])
    assert bad.entries[0].verdict is not None
    denied(scene.event(b"data: " + SAMPLING + b"\n\n"), "server", 7, "no-sampling")
    last = b"data: " + DONE + b"\n\n"
    passed(scene.event(last), "server", last)
    lives(scene)
    watched = Scene().event(b"data: " + junk + b"\n\n")
    passed(watched, "server", b"data: " + junk + b"\n\n")
    assert watched.entries[0].flags


BREAKS = {"U+2028": "\u2028", "U+2029": "\u2029", "U+0085": "\x85", "U+000B": "\x0b", "U+001C": "\x1c"}


@pytest.mark.parametrize("odd", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("rules", ["", DENY_DELETE], ids=["watched", "enforced"])
def test_19_only_line_feeds_end_lines(odd: str, rules: str, tmp_path: Path) -> None:
    options = []
    if rules:
        (tmp_path / "p.toml").write_text(rules)
        options = ["--policy", str(tmp_path / "p.toml")]
    text = f'{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":"1{odd}2"}}}}\n'.encode()
    echo = python("import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(line); sys.stdout.flush()")
    done = run(shim(echo, *options, record=tmp_path / "r.jsonl"), text)
    if rules and odd < " ":  # no JSON string has it
        assert json.loads(done.stdout)["error"]["code"] == -32700
    else:
        assert done.stdout == text
    assert (
        len([entry for entry in entries(tmp_path / "r.jsonl") if entry.get("from") == "client" and not entry.get("by")])
        >= 1
    )


@pytest.mark.parametrize("odd", BREAKS.values(), ids=BREAKS)
def test_19_only_line_ends_of_the_standard_end_lines_of_an_event(odd: str) -> None:
    block = f'data: {{"jsonrpc":"2.0","method":"x/y","params":{{"a":"1{odd}2"}}}}\n\n'.encode()
    assert dispatched(block)[0][1] == block[6:-2]
    passed(Scene().event(block), "server", block)
    heard = Scene(NO_SAMPLING).event(block)
    assert heard.client == ([] if odd < " " else [block])
