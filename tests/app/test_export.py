"""`interpose export` as people and scripts run it."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.core.formats.tape import Tape

from interpose.app.cli.main import cli
from interpose.core.errors import RecordingError, UsageError
from interpose.edge.stores.jsonl import RecordingReader

FOLDER = Path(__file__).parents[2] / "recordings"
FILES = sorted(FOLDER.rglob("*.jsonl"))
STATEFUL = FOLDER / "2025-11-25" / "py-http-py.jsonl"
FORMATS = ("mermaid", "har", "html", "otlp")


def name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)


def child(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own, whose standard error people read."""
    command = [sys.executable, "-m", "interpose", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def over_http(path: Path) -> bool:
    with RecordingReader(path) as reader:
        return bool(reader.header.client["transport"] != "stdio")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_golden_recording_can_be_had_in_every_format(path: Path, kind: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    done = run("export", path, "--format", kind, "-o", target)
    assert (done.exception, done.return_value) == (None, 0)
    assert target.stat().st_size > 1000
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert run("export", path, "--format", kind).stdout == target.read_text()


@pytest.mark.parametrize("path", [path for path in FILES if over_http(path)], ids=name)
def test_a_har_file_is_imported_as_an_equal_recording(path: Path, tmp_path: Path) -> None:
    har, back = tmp_path / "s.har", tmp_path / "s.jsonl"
    assert run("export", path, "--format", "har", "-o", har).return_value == 0
    assert run("import", har, "-o", back).return_value == 0
    done = run("diff", "--json", path, back)
    kinds = {json.loads(line).get("kind") for line in done.stdout.splitlines()} - {None}
    assert (kinds, done.return_value) == (set(), 0)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_recording_is_an_error_with_its_line_and_leaves_no_file(kind: str, tmp_path: Path) -> None:
    lines = STATEFUL.read_bytes().splitlines(keepends=True)
    lines[9] = b'{"seq":9,"at":"never"}\n'
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_bytes(b"".join(lines))
    done = run("export", damaged, "--format", kind, "-o", tmp_path / "out")
    assert isinstance(done.exception, RecordingError)
    assert f"{damaged}, line 10: damaged" in str(done.exception)
    assert done.exception.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.jsonl"]


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_torn_is_told_as_far_as_it_goes(kind: str, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(STATEFUL.read_bytes()[:20_000])
    done = child("export", torn, "--format", kind)
    assert done.returncode == 0
    assert "cut off while it was being written" in done.stderr
    assert "tools/list" in done.stdout


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = run("export", STATEFUL, "--format", "har", "-o", tmp_path / "no" / "out.har")
    assert isinstance(done.exception, UsageError)
    assert "cannot be written (No such file or directory)" in str(done.exception)


def test_a_message_is_sent_again_by_its_number(tmp_path: Path) -> None:
    done = run("export", STATEFUL, "--format", "curl", "--message", 13)
    assert done.stdout.startswith("# fill in: <mcp-session-id>\ncurl --no-buffer --globoff --url http://127.0.0.1:")
    for wrong, why in (
        ((), "--message"),
        (("--message", 4), "from the server"),
        (("--message", 9999), "no entry 9999"),
    ):
        error = run("export", STATEFUL, "--format", "curl", *wrong).exception
        assert isinstance(error, UsageError)
        assert why in str(error)
    assert isinstance(run("export", STATEFUL, "--format", "har", "--message", 1).exception, UsageError)


def test_a_diagram_that_mermaid_will_not_draw_by_itself_says_so(tmp_path: Path) -> None:
    tape = Tape().opens()
    for number in range(500):
        tape.client(id=number + 1, method="tools/call", params={"name": "x" * 50, "arguments": {"a": "y" * 80}})
    done = child("export", tape.ends().write(tmp_path / "long.jsonl"), "--format", "mermaid")
    assert "Mermaid draws 50000 unless `maxTextSize` is raised" in done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m interpose export {STATEFUL} --format html | head -c 10"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_pipe_is_written_to_and_stays_one_and_a_file_is_replaced(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_text("old")
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert run("export", STATEFUL, "--format", "mermaid", "-o", pipe).return_value == 0
        assert reader.stdout is not None
        assert reader.stdout.read().startswith(b"sequenceDiagram")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert run("export", STATEFUL, "--format", "mermaid", "-o", file).return_value == 0
    assert file.read_text().startswith("sequenceDiagram")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "pipe"]
