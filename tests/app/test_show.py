"""`interpose show` as people and scripts run it: finished recordings, damaged ones, ones that grow, and pipes."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from tests.core.formats.tape import Tape
from tests.core.formats.test_transcript import stateful

SECONDS = 30


def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        command(*arguments), capture_output=True, timeout=SECONDS, check=False, env=surroundings(**environment)
    )


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", "from interpose.app.cli.main import main; main()", "show", *map(str, arguments)]


def surroundings(**more: str) -> dict[str, str]:
    return {**os.environ, "TZ": "UTC", "PYTHONIOENCODING": "utf-8", **more}


def shown(*arguments: object) -> list[str]:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return stateful().write(tmp_path / "r.jsonl")


def test_a_recording_is_told_in_plain_text(recording: Path) -> None:
    rows = shown(recording)
    assert rows[0].endswith("· client inspector 3 · 2026-01-02 10:00:00 UTC")
    assert rows[1].startswith("10:00:00.100    #1 → initialize")
    assert rows[-1].rstrip("─").endswith("1 no JSON-RPC · client closed after 0:02 ")
    assert "\x1b" not in "".join(rows)


def test_options_choose_what_is_told(recording: Path) -> None:
    assert [row[13:35].rstrip() for row in shown("--method", "tools/list", recording)[1:-1]] == ["   #2 → tools/list"]
    assert all("←" in row or "→" not in row for row in shown("--from", "server", recording)[1:-1])
    assert len(shown("--errors", recording)) == 6
    assert "                     entry 1, 202 bytes" in shown("--full", recording)


def test_programs_get_json_lines(recording: Path) -> None:
    kinds = [json.loads(row)["type"] for row in shown("--json", recording)]
    assert (kinds[0], kinds[-1]) == ("session", "end")
    assert set(kinds) == {"session", "request", "notification", "stderr", "noise", "fact", "end"}


def test_full_and_json_exclude_each_other(recording: Path) -> None:
    done = run("--full", "--json", recording)
    assert (done.returncode, done.stderr.decode().startswith("interpose: --full is for people")) == (2, True)


def test_a_file_that_is_not_there_or_no_recording_is_a_usage_error(tmp_path: Path) -> None:
    assert run(tmp_path / "nothing.jsonl").returncode == 2
    (tmp_path / "other.jsonl").write_text('{"a":1}\n')
    for more in ((), ("--follow",)):
        done = run(tmp_path / "other.jsonl", *more)
        assert (done.returncode, b"line 1: not a recording" in done.stderr) == (2, True)


def test_a_torn_tail_is_told_after_what_is_there(tmp_path: Path) -> None:
    tape = stateful()
    path = tmp_path / "torn.jsonl"
    path.write_bytes(b"".join(tape.lines[:14]) + tape.lines[14][:40])
    rows = shown(path)
    assert rows[1] == "─ waiting at the last line ".ljust(160, "─")
    assert rows[2] == "USER       s#2  elicitation/create form     0:00  blocks #3 tools/call plan 3/3"
    assert rows[-1] == "! line 15: cut off while it was being written; everything before it is here"


def test_a_changed_line_and_a_missing_end_are_told(tmp_path: Path) -> None:
    tape = stateful()
    tape.lines[5] = tape.lines[5].replace(b"tools/list", b"tools/lost")
    path = tmp_path / "changed.jsonl"
    path.write_bytes(b"".join(tape.lines[:-1]))
    assert shown(path)[-2:] == [
        "! line 6: changed after it was recorded, or the line before it is gone",
        "! the recording has no last line: the session still runs, or interpose was killed",
    ]


def test_damage_in_the_middle_is_an_error_after_what_came_before_it(tmp_path: Path) -> None:
    tape = stateful()
    tape.lines[8] = b"{nonsense}\n"
    done = run(tape.write(tmp_path / "damaged.jsonl"))
    assert done.returncode == 2
    assert b"line 9: damaged" in done.stderr
    assert "#2 → tools/list" in done.stdout.decode()


def test_a_large_message_is_told_by_its_beginning(tmp_path: Path) -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "big"})
    tape.server(id=1, result={"content": [{"type": "text", "text": "lorem " * 100_000}]}).ends()
    assert "586 KB: lorem lorem" in shown(tape.write(tmp_path / "big.jsonl"))[3]


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    tape = Tape().opens()
    for number in range(1, 3000):
        tape.client(id=number, method="tools/call", params={"name": "echo"}).server(id=number, result={})
    path = tape.ends().write(tmp_path / "long.jsonl")
    with subprocess.Popen(command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert (process.wait(SECONDS), process.stderr.read()) == (0, b"")


def test_a_terminal_without_unicode_gets_ascii(recording: Path) -> None:
    done = run(recording, PYTHONIOENCODING="ascii")
    assert done.stdout.isascii()
    assert b"#1 > initialize" in done.stdout


class Growing:
    """A recording that is written while somebody follows it; lines come in two pieces."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self.process = subprocess.Popen(
            command("--follow", *options, path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=surroundings()
        )
        self.out: IO[bytes] = self.process.stdout  # type: ignore[assignment]
        self.err: IO[bytes] = self.process.stderr  # type: ignore[assignment]

    def write(self, lines: list[bytes]) -> None:
        with open(self.path, "ab", buffering=0) as file:
            for line in lines:
                file.write(line[: len(line) // 2])
                file.write(line[len(line) // 2 :])

    def next(self) -> str:
        return self.out.readline().decode().rstrip("\n")


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Growing]:
    growing = Growing(tmp_path / "later.jsonl")
    yield growing
    growing.process.kill()
    growing.process.communicate()


def test_following_waits_for_the_file_tells_lines_as_they_come_and_ends_by_itself(follow: Growing) -> None:
    tape = stateful()
    assert follow.err.readline().decode().endswith("later.jsonl is not there yet: waiting for it\n")
    follow.write(tape.lines[:2])
    assert follow.next().startswith("interpose · probe · stdio python probe.py · 2026-01-02")
    assert follow.next().startswith("10:00:00.100    #1 → initialize                             …")
    assert follow.next().startswith("waiting on SERVER: #1 initialize, ")
    writer = threading.Thread(target=follow.write, args=(tape.lines[2:],))
    writer.start()
    assert follow.next().startswith(
        "10:00:00.200    #1 ← initialize                             ok              100 ms"
    )
    rest = follow.out.read().decode().splitlines()
    writer.join()
    assert follow.process.wait(SECONDS) == 0
    assert rest[-1].rstrip("─").endswith("client closed after 0:02 ")
    answers = [row.split() for row in rest if "s#1 →" in row]
    assert answers == [["10:00:00.900", "s#1", "→", "sampling/createMessage", "ok", "100", "ms", "m1:", "because"]]


def test_following_stops_quietly_when_interrupted(follow: Growing) -> None:
    follow.write(stateful().lines[:3])
    assert [follow.next()[:20] for _ in range(3)][1:] == ["10:00:00.100    #1 →", "10:00:00.200    #1 ←"]
    follow.process.send_signal(signal.SIGINT)
    out, err = follow.process.communicate(timeout=SECONDS)
    assert (follow.process.returncode, b"Traceback" in err) == (0, False)
    assert out == b""


def test_following_names_the_damaged_line(follow: Growing) -> None:
    follow.write([*stateful().lines[:3], b"{nonsense}\n"])
    _, err = follow.process.communicate(timeout=SECONDS)
    assert follow.process.returncode == 2
    assert b"line 4: damaged" in err


def on_terminal(arguments: list[object], until: str, **environment: str) -> str:
    """What a terminal receives until a text has come."""
    parent, child = pty.openpty()
    with subprocess.Popen(
        command(*arguments), stdout=child, stderr=child, env=surroundings(TERM="xterm", **environment)
    ) as process:
        os.close(child)
        found, end = b"", time.monotonic() + SECONDS
        while until.encode() not in found and time.monotonic() < end:
            try:
                found += os.read(parent, 65_536)
            except OSError:  # a terminal that everybody has left
                break
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)
    os.close(parent)
    return found.decode()


def test_a_terminal_gets_colours_unless_it_asks_for_none(recording: Path) -> None:
    last = "closed after 0:02"
    assert "\x1b[31;1mtool error\x1b[0m" in on_terminal([recording], last)
    assert "\x1b" not in on_terminal([recording], last, NO_COLOR="1")


def test_following_on_a_terminal_keeps_what_waits_at_the_bottom(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"".join(stateful().lines[:14]))
    seen = on_terminal(["--follow", path], "Ctrl-C leaves", NO_COLOR="1")
    footer = seen[seen.index("─ waiting ") :].splitlines()
    assert footer[1].startswith("USER       s#2  elicitation/create form")
    assert footer[2].startswith("─ 1 waiting · 12 messages · ")
