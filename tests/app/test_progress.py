"""Long reading says how far it is: to a person at a terminal, and to nobody else."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.edge.processes import INTERPOSE, SECONDS

from interpose.core.effects import Append
from interpose.core.events import Frame, Received
from interpose.core.interposer import Interposer
from interpose.core.recording.entry import Header
from interpose.core.wire.message import read

CALLS, LATE = 12_000, 50
GOLDEN = Path(__file__).parents[2] / "recordings"
NOTE = '[[rule]]\nname = "{}"\ntool = "never"\ndo = "block"\n'


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that takes a while to read."""
    folder = tmp_path_factory.mktemp("long")
    core = Interposer()
    effects = core.open(Header("a1b2", "2026-11-22T10:00:00Z", {}, {"name": "srv"}, "test"))
    for number in range(CALLS):
        asked = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%s"}}' % (
            number,
            b"late" if number >= CALLS - LATE else b"early",
        )
        answer = b'{"jsonrpc":"2.0","id":%d,"result":{"content":[]}}' % number
        effects += core.feed(Received(number / 100, "client", "stdio", Frame(asked, read(asked))))
        effects += core.feed(Received(number / 100, "server", "stdio", Frame(answer, read(answer))))
    effects += core.close(CALLS / 100, "end")
    lines = [b"".join(effect.pieces) for effect in effects if isinstance(effect, Append)]
    (folder / "long.jsonl").write_bytes(b"".join(lines))
    (folder / "again.jsonl").write_bytes(b"".join(lines))
    for name in ("one", "two"):
        (folder / f"{name}.toml").write_text(NOTE.format(name))
    return folder


@pytest.fixture
def screen() -> Iterator[tuple[int, int]]:
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def seen(words: list[str], folder: Path, screen: tuple[int, int], *, both: bool = False) -> tuple[str, bytes]:
    """What a command shows on a terminal that is its standard error, and what it prints into a file.

    With `both` the terminal is its standard output, too.
    """
    shown, output = b"", folder / "output"
    with (
        open(output, "wb") as file,
        subprocess.Popen(
            [*INTERPOSE, *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=screen[1] if both else file,
            stderr=screen[1],
            env={**os.environ, "TERM": "xterm"},
        ) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)
        deadline = time.monotonic() + SECONDS
        while process.poll() is None or select.select([screen[0]], [], [], 0.1)[0]:
            assert time.monotonic() < deadline
            if select.select([screen[0]], [], [], 0.1)[0]:
                shown += os.read(screen[0], 1 << 16)
        assert process.returncode in (0, 1), shown
    return shown.decode(), output.read_bytes()


LONG = [
    ("rehearsing", ["rehearse", "long.jsonl", "--policy", "one.toml"]),
    ("rehearsing", ["rehearse", "long.jsonl", "--policy", "one.toml", "--against", "two.toml"]),
    ("comparing", ["learn", "long.jsonl", "again.jsonl"]),
    ("exporting", ["export", "long.jsonl", "--format", "har"]),
    ("exporting", ["export", "long.jsonl", "--format", "html", "-o", "page.html"]),
]


@pytest.mark.parametrize(("doing", "words"), LONG)
def test_a_person_sees_how_far_it_is_until_it_is_over(
    doing: str, words: list[str], long: Path, screen: tuple[int, int]
) -> None:
    shown, printed = seen(words, long, screen)
    assert f"{doing} [#" in shown
    assert "% of " in shown
    assert shown.rindex("\x1b[K") > shown.rindex(doing)
    assert b"\x1b" not in printed


@pytest.mark.parametrize(("doing", "words"), LONG)
def test_nobody_else_hears_of_it(doing: str, words: list[str], long: Path) -> None:
    done = subprocess.run([*INTERPOSE, *words], cwd=long, capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode in (0, 1)
    assert doing.encode() not in done.stderr
    assert b"\x1b" not in done.stdout


def test_what_is_found_meanwhile_stands_on_lines_of_its_own(long: Path, screen: tuple[int, int]) -> None:
    (long / "some.toml").write_text(NOTE.format("some").replace("never", "late"))
    shown, _ = seen(["rehearse", "long.jsonl", "--policy", "some.toml"], long, screen, both=True)
    assert "rehearsing" in shown
    found = [line.rpartition("\x1b[K")[2] for line in shown.split("\n") if "tools/call" in line]
    assert len(found) == LATE
    assert not any("rehearsing" in line for line in found)


def test_an_export_to_the_terminal_itself_is_not_interrupted(long: Path, screen: tuple[int, int]) -> None:
    shown, _ = seen(["export", "long.jsonl", "--format", "otlp"], long, screen, both=True)
    assert "exporting" not in shown


def test_tests_are_counted(long: Path, screen: tuple[int, int]) -> None:
    golden = sorted(map(str, GOLDEN.rglob("*.jsonl")))[:2]
    shown, printed = seen(["test", "--offline", *golden], long, screen)
    assert "testing" in shown
    assert "2/2" in shown
    assert b"2 recordings: 2 ok" in printed
    assert b"\x1b" not in printed
