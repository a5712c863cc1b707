"""`interpose learn` as people run it: from recordings of one scenario to options that the next comparison finds."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.core.formats.tape import Tape

from interpose.app.cli.main import cli
from interpose.core.errors import RecordingError, UsageError
from interpose.core.replay.options import read_options


def run(command: str, *arguments: object) -> Result:
    return CliRunner().invoke(cli, [command, *map(str, arguments)], standalone_mode=False)


def process(*arguments: object) -> tuple[int, str, str]:
    """Status, standard output and what people read."""
    command = [sys.executable, "-m", "interpose", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=60, text=True)
    return done.returncode, done.stdout, done.stderr


def day(path: Path, text: str, **more: bool) -> Path:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "get_time"})
    tape.server(id=1, result={"content": [{"type": "text", "text": text}], **more})
    return tape.ends().write(path)


@pytest.fixture
def days(tmp_path: Path) -> list[Path]:
    return [day(tmp_path / f"{name}.jsonl", f"it is {name}") for name in ("monday", "tuesday", "friday")]


def test_options_are_printed_and_do_what_they_say(days: list[Path], tmp_path: Path) -> None:
    assert run("diff", days[0], days[2]).return_value == 1
    status, text, said = process("learn", days[0], days[1])
    assert (status, said) == (0, "interpose: 1 path and 0 notifications vary by themselves\n")
    assert read_options(text, "stdout").ignore == ("tools/call get_time $.result.content[*].text",)
    assert '# 1 time: "it is monday" and "it is tuesday"' in text
    (tmp_path / "o.toml").write_text(text)
    assert run("diff", days[0], days[2], "--options", tmp_path / "o.toml").return_value == 0


def test_options_are_written_where_the_next_comparison_finds_them(days: list[Path]) -> None:
    status, text, said = process("learn", *days, "--write")
    beside = days[0].with_suffix(".replay.toml")
    assert (status, text) == (0, "")
    assert said == f"interpose: 1 path and 0 notifications vary by themselves; written to {beside}\n"
    assert run("diff", days[0], days[2]).return_value == 0
    before = beside.read_text()
    assert isinstance(run("learn", *days, "--write").exception, UsageError)
    assert beside.read_text() == before
    assert run("learn", *days, "--write", "--force").return_value == 0
    assert read_options(beside.read_text(), "b").ignore == read_options(before, "a").ignore


def test_options_are_written_to_a_file(days: list[Path], tmp_path: Path) -> None:
    assert run("learn", *days, "-o", tmp_path / "o.toml").return_value == 0
    assert read_options((tmp_path / "o.toml").read_text(), "o").ignore
    assert isinstance(run("learn", *days, "-o", tmp_path / "none" / "o.toml").exception, UsageError)
    assert isinstance(run("learn", *days, "-o", tmp_path / "x.toml", "--write").exception, UsageError)


def test_another_outcome_is_told_and_not_put_aside(days: list[Path], tmp_path: Path) -> None:
    failed = day(tmp_path / "failed.jsonl", "it is monday", isError=True)
    status, _, said = process("learn", days[0], failed)
    assert (status, said) == (1, "interpose: 0 paths and 0 notifications vary by themselves; 1 difference left\n")


def test_one_recording_teaches_nothing(days: list[Path], tmp_path: Path) -> None:
    assert isinstance(run("learn", days[0]).exception, UsageError)
    (tmp_path / "x.jsonl").write_text("{}\n")
    assert isinstance(run("learn", days[0], tmp_path / "x.jsonl").exception, RecordingError)


def test_two_runs_of_the_demo_are_the_same_session(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert process("demo", "--record", tmp_path / name)[0] == 0
    for era in ("stateful.jsonl", "stateless.jsonl"):
        one, two = tmp_path / "one" / era, tmp_path / "two" / era
        assert run("diff", one, two).return_value == 0
        status, _, said = process("learn", one, two)
        assert (status, said) == (0, "interpose: 0 paths and 0 notifications vary by themselves\n")
