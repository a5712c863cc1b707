"""A large line is written while its bytes go on already: one at a time, whole or not at all, the same bytes as ever."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.edge.processes import peak_memory, python, run, shim

from interpose.core.events import Event, Frame, Received
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.recording.codec import chained, verify
from interpose.core.recording.entry import Header
from interpose.core.recording.recorder import Recorder
from interpose.core.wire.message import read
from interpose.edge.runner import Conversation
from interpose.edge.stores.jsonl import RecordingFile, RecordingReader
from interpose.edge.transports.stdio import StdioLink

MEGABYTE = 1 << 20
HEADER = Header("s", "2026-11-22T10:00:00Z", {"transport": "stdio"}, {"transport": "stdio", "name": "x"}, "test")
SMALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}'
CAT = ["cat"]


def large(size: int = 8 * MEGABYTE, ident: int = 7) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"t":"%b"}}' % (ident, b"x" * size)


def line(raw: bytes) -> Received:
    return Received(0.5, "client", "stdio", Frame(raw, read(raw), None, b"\n"))


def intact(path: Path) -> bool:
    with path.open("rb") as file:
        return all(good for _, good in verify(file))


def test_a_file_has_the_bytes_of_lines_that_are_closed_one_after_the_other(tmp_path: Path) -> None:
    recorder, file = Recorder(), RecordingFile(tmp_path / "r.jsonl")
    said: list[Event] = [line(raw) for raw in (SMALL, large(), large(ident=8), SMALL, large(ident=9))]
    opening = [recorder.header(HEADER)]
    for append in opening:
        file.append(append.pieces)
    file.flush()
    for event in said:
        file.append(recorder.record(event).pieces)  # type: ignore[arg-type]
        file.flush()
    file.append(recorder.trailer(9.0, "end", []).pieces)
    file.close()
    chain, written = b"", file.path.read_bytes()
    for each in written.splitlines(keepends=True):
        bare = each[: each.rindex(b',"chain":"')]
        chain, pieces = chained(chain, (bare,))
        assert b"".join(pieces) == each
    assert [json.loads(each).get("message", {}).get("id") for each in written.splitlines()[1:]] == [1, 7, 8, 1, 9, None]


def test_lines_that_are_closed_at_once_are_the_same(tmp_path: Path) -> None:
    late, prompt, file = Recorder(), Recorder(), RecordingFile(tmp_path / "r.jsonl")
    file.append(late.header(HEADER).pieces)
    expected = b"".join(prompt.header(HEADER).pieces)
    for raw in (large(), SMALL, large(), large()):  # added before any is written
        file.append(late.record(line(raw)).pieces)
        expected += b"".join(prompt.record(line(raw)).pieces)
    file.close()
    assert file.path.read_bytes() == expected


class Chunks:
    """A stream that comes in these pieces."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = [*chunks, b""]

    async def read(self, n: int) -> bytes:
        return self._chunks.pop(0)


class Witness:
    """Where bytes go: notes how many whole lines the recording has when the end of a line goes on."""

    def __init__(self, recording: Path) -> None:
        self._recording = recording
        self.found: list[int] = []
        self.went: list[bytes] = []

    def write(self, data: bytes | memoryview) -> None:
        self.went.append(bytes(data))
        if b"\n" in self.went[-1]:
            self.found.append(self._recording.read_bytes().count(b"\n"))

    async def drain(self) -> None:
        return

    def close(self) -> None:
        return

    async def wait_closed(self) -> None:
        return


@pytest.mark.anyio
async def test_a_large_line_is_in_the_file_before_the_end_of_the_next_goes_on(tmp_path: Path) -> None:
    recording = RecordingFile(tmp_path / "r.jsonl")
    conversation = Conversation(HEADER, recording, lambda: 0.5, pytest.fail)
    witness = Witness(recording.path)
    pieces = [large(), b"\n", SMALL + b"\n", large(ident=8), b"\n", SMALL + b"\n", SMALL + b"\n" + SMALL + b"\n"]
    client = StdioLink("client", Chunks(*pieces), witness, lambda: 0.5)
    server = StdioLink("server", Chunks(), witness, lambda: 0.5)
    writing = asyncio.create_task(server.write_loop())
    await client.relay(conversation, server)
    await server.finish()
    await writing
    conversation.close("end")
    before_each = [1, 2, 3, 4]  # the header and all lines before it; whether it is there itself is a matter of luck
    assert [least <= found for least, found in zip(before_each, witness.found, strict=False)] == [True] * 4
    assert witness.found[4] == 7, "several lines that come together are all there before they go on"
    assert intact(recording.path)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "policy", ["", '[[rule]]\nname = "a"\nmethod = "x"\ndo = "block"'], ids=["observed", "governed"]
)
async def test_what_was_read_at_once_goes_on_in_portions_each_recorded_before(policy: str, tmp_path: Path) -> None:
    recording = RecordingFile(tmp_path / "r.jsonl")
    engine = Engine([read_policy(policy, "p.toml")], "s", b"key") if policy else None
    conversation = Conversation(HEADER, recording, lambda: 0.5, pytest.fail, engine)
    witness = Witness(recording.path)
    whole = b"".join([SMALL.replace(b"1", b"%d" % ident) + b" " * 1000 + b"\n" for ident in range(200)])
    client = StdioLink("client", Chunks(whole), witness, lambda: 0.5)
    server = StdioLink("server", Chunks(), witness, lambda: 0.5)
    conversation.deliver_to(client, server)
    await client.relay(conversation, server)
    assert b"".join(witness.went) == whole
    assert len(witness.went) >= 4
    gone = [b"".join(witness.went[:number]).count(b"\n") for number in range(1, len(witness.went) + 1)]
    assert [recorded - 1 for recorded in witness.found] == gone, "no more and no less than went on, and the header"
    conversation.close("end")
    assert intact(recording.path)


def test_a_recording_that_is_closed_while_a_large_line_is_written_has_all_of_it(tmp_path: Path) -> None:
    done = run(shim(CAT, record=tmp_path / "r.jsonl"), large() + b"\n")
    assert done.stdout == large() + b"\n"
    with RecordingReader(tmp_path / "r.jsonl") as reader:
        kinds = [entry.kind for entry in reader]
        assert (kinds.count("message"), kinds[-1], reader.problems) == (2, "end", [])


def test_a_disk_too_full_for_a_large_line_lacks_that_line_alone(tmp_path: Path) -> None:
    limited = ["sh", "-c", 'ulimit -f 2048; exec "$@"', "sh", *shim(CAT, record=tmp_path / "r.jsonl")]
    sent = SMALL + b"\n" + large() + b"\n" + SMALL + b"\n"
    done = run(limited, sent)
    assert (done.stdout, done.returncode) == (sent, 3)
    assert b"has gaps" in done.stderr
    assert done.stderr.count(b"\n") == 1
    with RecordingReader(tmp_path / "r.jsonl") as reader:
        found = [entry.payload() for entry in reader if entry.kind == "message"]
    assert found == [SMALL] * 4


ANSWERS_AT_LENGTH = """
import os, sys
for line in sys.stdin.buffer:
    ident = line[line.index(b'"id":') + 5 : line.index(b',"method"')]
    result = b'{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}'
    if b'"initialize"' not in line[:100]:
        result = b'{"t":"' + b"y" * len(line) + b'"}'
    answer = memoryview(b'{"jsonrpc":"2.0","id":' + ident + b',"result":' + result + b'}\\n')
    while answer:
        answer = answer[os.write(1, answer):]
"""
INITIALIZE = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
    b'"clientInfo":{"name":"c","version":"1"}}}'
)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_large_lines_one_after_the_other_take_the_memory_of_two(tmp_path: Path) -> None:
    size = 8 * MEGABYTE
    command = shim(python(ANSWERS_AT_LENGTH), record=tmp_path / "r.jsonl")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for said in (INITIALIZE, *(large(size, ident) for ident in range(2, 22))):
            process.stdin.write(said + b"\n")
            process.stdin.flush()
            assert len(process.stdout.readline()) > len(said) - 100
        peak = peak_memory(process.pid) - 30 * MEGABYTE  # what it takes without a line
        process.stdin.close()
    assert peak / size < 2.3, peak / size
    assert intact(tmp_path / "r.jsonl")
