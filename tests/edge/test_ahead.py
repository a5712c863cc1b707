"""What a client says while interpose still loads: one line is with the server at once, and all is recorded in order."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.edge.processes import shim

from interpose.edge.stores.jsonl import RecordingReader
from interpose.edge.transports.ahead import Ahead, hand_on

LINE = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (b"", Ahead()),
        (LINE, Ahead(LINE, passed=True)),
        (LINE[:9], Ahead(LINE[:9], passed=True)),
        (LINE + LINE[:9], Ahead(LINE + LINE[:9], passed=True)),
        (LINE + LINE, Ahead(LINE + LINE)),
    ],
)
def test_a_single_line_goes_on_at_once_and_several_wait(said: bytes, found: Ahead) -> None:
    (source, client), (server, sink) = os.pipe(), os.pipe()
    os.write(client, said)
    assert hand_on(sink, source) == found
    os.set_blocking(server, False)
    if found.passed:
        assert os.read(server, 1000) == said
    else:
        with pytest.raises(BlockingIOError):
            os.read(server, 1000)
    for fd in (source, client, server, sink):
        os.close(fd)


def test_a_server_that_is_gone_already_is_left_to_the_session() -> None:
    (source, client), (server, sink) = os.pipe(), os.pipe()
    os.close(server)
    os.write(client, LINE)
    assert hand_on(sink, source) == Ahead(LINE)
    for fd in (source, client, sink):
        os.close(fd)


def test_a_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "said"
    path.write_bytes(LINE)
    with path.open("rb") as file:
        assert hand_on(-1, file.fileno()) == Ahead()
        assert file.read() == LINE


@pytest.mark.parametrize("count", [1, 2, 1.5])
@pytest.mark.parametrize("policy", [False, True])
def test_what_was_said_early_is_passed_once_and_recorded_first(count: float, policy: bool, tmp_path: Path) -> None:
    said = LINE * int(count) + LINE[: int(len(LINE) * (count % 1))]
    rules = ["--block", "sampling"] if policy else []
    record = tmp_path / "r.jsonl"
    source, client = os.pipe()
    os.write(client, said)
    command = shim([sys.executable, "-c", "import os\nwhile b := os.read(0, 9999): os.write(1, b)"], record=record)
    where = command.index("--")
    command[where:where] = rules
    with subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE) as process:
        os.close(source)
        os.write(client, LINE[len(LINE) // 2 :] + LINE if count % 1 else LINE)
        os.close(client)
        told = process.communicate(timeout=30)[0]
    assert told == LINE * (3 if count > 1 else 2)
    with RecordingReader(record) as reader:
        ends = [entry.end for entry in reader if entry.kind == "message"]
    assert ends.count("client") == ends.count("server") == told.count(b"\n")
    assert ends[0] == "client"
    assert reader.problems == []
