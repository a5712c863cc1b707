"""A recorded server for live clients, over standard streams and over HTTP."""

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.edge.processes import INTERPOSE, SECONDS, entries, run, shim
from tests.edge.replaying_world import GOLDEN, Kept, Pieces, as_client, as_server, listening, name_of, report

from interpose.core.recording.entry import Header
from interpose.core.replay.options import Options
from interpose.core.replay.player import Said
from interpose.core.replay.report import Report
from interpose.core.replay.strict import server_player
from interpose.core.wire.message import Message
from interpose.edge.link import Clock
from interpose.edge.replaying.link import PlayerLink
from interpose.edge.replaying.reading import read_script
from interpose.edge.replaying.server import PlayedServerSession
from interpose.edge.runner import Conversation, stopwatch
from interpose.edge.stores.jsonl import RecordingReader
from interpose.edge.transports.stdio import StdioLink

DEMO_SERVER = [sys.executable, "-m", "interpose.app.demo.server"]
DEMO_CLIENT = [sys.executable, "-m", "interpose.app.demo.client"]
ERAS = ("stateful", "stateless")
ONE = GOLDEN[[name_of(path) for path in GOLDEN].index("2025-06-18/py-stdio-py.jsonl")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of the demo, one an era."""
    folder = tmp_path_factory.mktemp("demo")
    through = shim(DEMO_SERVER, record=folder / "{era}.jsonl")
    subprocess.run([*DEMO_CLIENT, "--", *through], capture_output=True, check=True, timeout=SECONDS)
    return folder


@pytest.mark.parametrize("era", ERAS)
def test_the_demos_client_cannot_tell_it_from_the_server(era: str, demo: Path, tmp_path: Path) -> None:
    told = tmp_path / "report.json"
    played = as_server(demo / f"{era}.jsonl", "--report", str(told), "--complete")
    outcome = run([*DEMO_CLIENT, "--era", era, "--", *played])
    assert outcome.returncode == 0, outcome.stderr.decode()
    assert report(told)["ok"], report(told)


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_a_recorded_client_and_a_recorded_server_play_with_each_other(path: Path, tmp_path: Path) -> None:
    told = tmp_path / "report.json"
    outcome = run(as_client(path, "--deadline", "10", "--", *as_server(path, "--report", str(told), "--complete")))
    assert outcome.returncode == 0, outcome.stderr.decode()
    assert report(told)["ok"], report(told)


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_a_recording_is_served_over_http_whatever_it_was_recorded_over(path: Path, tmp_path: Path) -> None:
    told = tmp_path / "report.json"
    with listening(path, "--report", str(told)) as (origin, _):
        outcome = run(as_client(path, "--upstream", f"{origin}/mcp", "--deadline", "10"))
    assert outcome.returncode == 0, outcome.stderr.decode()
    assert report(told)["ok"], report(told)


def test_it_is_served_over_http_with_sse_too() -> None:
    path = next(each for each in GOLDEN if each.match("2024-11-05/py-sse-py.jsonl"))
    with listening(path) as (origin, _):
        outcome = run(as_client(path, "--upstream", f"{origin}/sse", "--deadline", "10"))
    assert outcome.returncode == 0, outcome.stderr.decode()


def test_every_session_over_http_is_served_from_the_beginning() -> None:
    with listening(ONE) as (origin, process):
        for _ in range(3):
            assert run(as_client(ONE, "--upstream", f"{origin}/mcp", "--deadline", "10")).returncode == 0
        process.send_signal(2)
        _, said = process.communicate(timeout=SECONDS)
    assert said.decode().count("as recorded") == 3
    assert process.returncode == 0


def _client_bytes(path: Path) -> bytes:
    """All that a recorded client said, as one stream."""
    with RecordingReader(path) as reader:
        said = [entry.payload() for entry in reader if entry.kind == "message" and entry.end == "client"]
    return b"".join(each + b"\n" for each in said if each)


def _played(path: Path, seed: int) -> bytes:
    """What a recorded server writes when the client's bytes come in pieces, and everybody is late by chance."""
    chance = random.Random(seed)
    sizes = [chance.choice((1, 7, 64, 1000, 65536)) for _ in range(9)]
    turns = [chance.randrange(4) for _ in range(7)]
    kept = Kept(chance.randrange(4))

    async def session() -> None:
        clock = stopwatch()
        conversation = Conversation(Header("s", "", {}, {}, ""), None, clock, print)
        recorded = read_script(str(path), "server", Options())
        server = PlayerLink("server", server_player(recorded.script, recorded.options), clock)
        client = StdioLink("client", Pieces(_client_bytes(path), sizes, turns), kept, clock)
        await PlayedServerSession(conversation, server, client).run()
        recorded.close()

    asyncio.run(session())
    return bytes(kept.written)


def test_two_hundred_times_the_same_bytes_however_they_come() -> None:
    path = next(each for each in GOLDEN if each.match("2025-11-25/filesystem-stdio-py.jsonl"))
    first = _played(path, 0)
    assert first.count(b"\n") == 13
    for seed in range(1, 200):
        assert _played(path, seed) == first, f"seed {seed}"


CALL = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"nobody","arguments":{}}}\n'


def test_what_was_never_recorded_is_an_error_a_report_and_exit_1(tmp_path: Path) -> None:
    told = tmp_path / "report.xml"
    outcome = run(as_server(ONE, "--report", str(told)), CALL)
    assert outcome.returncode == 1
    [answer] = map(json.loads, outcome.stdout.splitlines())
    assert (answer["id"], answer["error"]["code"]) == (7, -31010)
    assert "never recorded: tools/call; the closest is tools/call (line " in outcome.stderr.decode()
    assert 'failures="1"' in told.read_text()


def test_what_was_never_asked_is_listed_and_fails_only_when_it_should() -> None:
    assert run(as_server(ONE)).returncode == 0
    outcome = run(as_server(ONE, "--complete"))
    assert outcome.returncode == 1
    assert "never asked for: initialize (line 2), tools/list" in outcome.stderr.decode()


def test_of_several_recordings_a_client_gets_the_one_it_goes_through(demo: Path) -> None:
    for era in ERAS:
        outcome = run([*DEMO_CLIENT, "--era", era, "--", *as_server(demo)])
        assert outcome.returncode == 0, outcome.stderr.decode()
        assert f"{era}.jsonl: as recorded" in outcome.stderr.decode()


def test_a_client_that_connected_twice_gets_each_of_its_sessions(tmp_path: Path) -> None:
    answers = ("one", "two")
    for answer in answers:
        path = tmp_path / f"{answer}.jsonl"
        lines = [line.replace(b"Echo: hello", f"Echo: {answer}".encode()) for line in _lines()]
        path.write_bytes(b"".join(lines))
    with listening(tmp_path, "--damaged") as (origin, _):
        for answer in answers:
            replayed = as_client(tmp_path / f"{answer}.jsonl", "--damaged", "--upstream", f"{origin}/mcp")
            outcome = run([*replayed, "--deadline", "10"])
            assert outcome.returncode == 0, outcome.stderr.decode()


def test_a_replay_can_be_recorded_and_plays_again(tmp_path: Path) -> None:
    kept = tmp_path / "again.jsonl"
    assert run(as_client(ONE, "--record", str(kept), "--", *as_server(ONE))).returncode == 0
    assert run(as_client(kept, "--", *as_server(ONE))).returncode == 0
    assert run(as_client(ONE, "--", *as_server(kept))).returncode == 0


def test_a_policy_governs_a_replay_as_it_would_the_server(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('name = "p"\n[[rule]]\nname = "no-echo"\ntool = "echo"\ndo = "block"\n')
    kept = tmp_path / "kept.jsonl"
    outcome = run(as_client(ONE, "--", *as_server(ONE, "--policy", str(policy), "--record", str(kept))))
    assert outcome.returncode == 1
    assert "changed: the answer to tools/call" in outcome.stderr.decode()
    assert sum((line.get("verdict") or {}).get("decision") == "answer" for line in entries(kept)) > 0


def test_the_servers_standard_error_is_written_when_asked_for() -> None:
    path = next(each for each in GOLDEN if each.match("2025-11-25/everything-stdio-ts1.jsonl"))
    line = b"Starting default (STDIO) server..."
    assert line in run(as_server(path, "--stderr")).stderr
    assert line not in run(as_server(path)).stderr


# --- what cannot be played -------------------------------------------------------------------------------------------


def _lines() -> list[bytes]:
    return ONE.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1: not a recording"),
        (b'{"some":"json"}\n', "line 1: not a recording"),
        (b"\x00\x01 binary \xff", "line 1: not a recording"),
        (_lines()[0].replace(b'{"interpose":1,', b'{"interpose":99,'), "line 1: format 99 is newer"),
        (_lines()[0], "the recording has no last line"),
        (b"".join(_lines()[:20]), "the recording has no last line"),
        (b"".join(_lines()[:20]) + _lines()[20][:30], "line 21: cut off"),
        (b"".join(_lines()[:20]) + b"garbage\n" + b"".join(_lines()[21:]), "line 21: damaged"),
        (b"".join(_lines()).replace(b"Echo: hello", b"Echo: hullo"), "changed after it was recorded"),
    ],
    ids=["empty", "foreign", "binary", "newer", "header", "short", "torn", "damaged", "edited"],
)
@pytest.mark.parametrize("kind", ["server", "client"])
def test_a_recording_that_is_damaged_is_an_error_with_file_and_line(
    content: bytes, words: str, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_bytes(content)
    outcome = run([*INTERPOSE, "replay", kind, str(path), *(["--", "cat"] if kind == "client" else [])], CALL)
    assert outcome.returncode == 2, outcome.stderr.decode()
    assert str(path) in outcome.stderr.decode()
    assert words in outcome.stderr.decode()
    assert outcome.stdout == b""


def test_what_can_be_read_of_a_damaged_recording_plays_when_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "short.jsonl"
    path.write_bytes(b"".join(_lines()[:20]))
    assert run(as_client(path, "--damaged", "--", *as_server(path, "--damaged"))).returncode == 0


def test_a_recording_without_a_word_for_the_client_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "silent.jsonl"
    run(shim(["true"], record=path))
    outcome = run(as_server(path))
    assert outcome.returncode == 2
    assert "nothing to play" in outcome.stderr.decode()


def test_a_recording_that_changes_while_it_is_played_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(ONE.read_bytes())
    initialize = _client_bytes(ONE).partition(b"\n")[0] + b"\n"
    pipe = subprocess.PIPE
    with subprocess.Popen(as_server(path), stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(initialize)
        process.stdin.flush()
        assert b"result" in process.stdout.readline()
        path.write_bytes(b"")
        _, told = process.communicate(_client_bytes(ONE)[len(initialize) :], timeout=SECONDS)
    assert process.returncode == 2, told.decode()
    assert f"{path}: changed while it was played" in told.decode()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--timing", "fast"], "--timing fast: want instant, recorded or a speed such as x10"),
        (["--timing", "x0"], "--timing x0"),
        (["--ignore", "params.x"], "the path `params.x` has no `$`"),
        (["--options", "none.toml"], "none.toml cannot be read"),
        (["--policy", "none.toml"], "none.toml"),
    ],
)
def test_options_that_cannot_be_are_told(options: list[str], words: str) -> None:
    outcome = run(as_server(ONE, *options))
    assert outcome.returncode == 2
    assert words in outcome.stderr.decode()


def test_a_recordings_own_options_stand_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(ONE.read_bytes())
    (tmp_path / "session.replay.toml").write_text('[replay]\nmatch = "stict"\n')
    outcome = run(as_server(path))
    assert outcome.returncode == 2
    assert "session.replay.toml:2: `match` is `stict`" in outcome.stderr.decode()


# --- time ------------------------------------------------------------------------------------------------------------


class Slow:
    """A player that says two things at the start, and polls."""

    waiting = None

    def begin(self) -> list[Said]:
        return [Said(b'{"n":1}', 3.0), Said(b'{"n":2}', 1.0), Said(b'{"n":3}', 0.0, poll=0.5)]

    def hear(self, message: Message) -> list[Said]:
        return []

    def end(self, reason: str) -> Report:
        raise AssertionError


def _out(link: PlayerLink) -> list[bytes]:
    taken: list[Any] = link._taken()
    return [event.frame.raw for event in taken]


@pytest.mark.parametrize(
    ("speed", "out"),
    [
        (None, {0.0: [b'{"n":1}', b'{"n":2}'], 0.5: [b'{"n":3}']}),
        (1.0, {0.0: [], 0.5: [b'{"n":3}'], 1.0: [b'{"n":2}'], 2.9: [], 3.0: [b'{"n":1}']}),
        (10.0, {0.05: [], 0.1: [b'{"n":2}'], 0.3: [b'{"n":1}'], 0.5: [b'{"n":3}']}),
    ],
)
def test_messages_come_out_when_they_are_due(speed: float | None, out: dict[float, list[bytes]]) -> None:
    now = 0.0
    clock: Clock = lambda: now  # noqa: E731 - a clock that this test moves
    link = PlayerLink("server", Slow(), clock, speed)
    for moment, expected in out.items():
        now = moment
        assert _out(link) == expected, moment
