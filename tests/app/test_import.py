"""`interpose import` as people run it: from another tool's file to recordings that show and verify."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.core.importing.captured import CORPUS, NAMES, entry, flow, har, request, result, tnetstring

from interpose.app.cli.main import cli
from interpose.core.errors import RecordingError, UsageError
from interpose.edge.stores.jsonl import RecordingReader

CAPTURES = [CORPUS / f"{name}.{kind}" for name in NAMES for kind in ("flow", "har")]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments], standalone_mode=False)


def opening(at: float, ident: str) -> dict[str, object]:
    return entry(at, request(1, "initialize"), result(1), answer_headers=[("Mcp-Session-Id", ident)])


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_an_imported_recording_shows_and_verifies(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = run("import", path, "-o", out)
    assert (done.exception, done.return_value) == (None, 0)
    assert re.fullmatch(rf"{re.escape(str(out))}: \d+ exchanges\n", done.stdout)
    assert out.stat().st_mode & 0o777 == 0o600
    verified, shown = run("audit", "--verify", out), run("show", out)
    assert (verified.exception, verified.return_value) == (None, 0)
    assert (shown.exception, shown.return_value) == (None, 0)
    assert "tools/call echo" in shown.stdout


def test_the_header_says_where_a_recording_comes_from_without_credentials(tmp_path: Path) -> None:
    url = "https://ada:pw@mcp.example/mcp?api_key=k&v=1"
    (tmp_path / "in.har").write_bytes(har(entry(0, request(1, "ping"), result(1), url=url), creator="Firefox"))
    run("import", tmp_path / "in.har", "-o", tmp_path / "out.jsonl")
    with RecordingReader(tmp_path / "out.jsonl") as reader:
        header = reader.header
    assert header.client == {"transport": "http"}
    address = "https://mcp.example/mcp?api_key=[scrubbed]&v=1"
    assert header.server == {"transport": "http", "name": "mcp.example", "url": address}
    assert (header.started, header.policies) == ("2023-11-14T22:13:20.000Z", [])
    assert re.fullmatch(r"interpose \S+, imported from a HAR file by Firefox", header.by)
    assert b"pw" not in (tmp_path / "out.jsonl").read_bytes()


def test_the_same_file_gives_the_same_recording(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        run("import", CAPTURES[0], "-o", tmp_path / name)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_a_recording_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("mine")
    assert run("import", CAPTURES[0], "-o", tmp_path / "out.jsonl").stdout.startswith(f"{tmp_path}/out.2.jsonl: ")
    assert (tmp_path / "out.jsonl").read_text() == "mine"


def test_without_a_name_the_recording_has_the_name_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("import", CORPUS / "legacy.flow").stdout.startswith("legacy.jsonl: ")
    assert [each.name for each in tmp_path.iterdir()] == ["legacy.jsonl"]


def test_several_sessions_want_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in.har").write_bytes(har(opening(0, "a"), opening(1, "b")))
    done = run("import", tmp_path / "in.har", "-o", tmp_path / "out.jsonl")
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).endswith("in.har: 2 sessions are in it, and one file is one session; name -o DIR/")
    assert [each.name for each in tmp_path.iterdir()] == ["in.har"]
    assert run("import", tmp_path / "in.har", "-o", f"{tmp_path}/new/").exception is None
    found = sorted(each.name for each in (tmp_path / "new").iterdir())
    assert found == ["20231114T221320Z-mcp.example.jsonl", "20231114T221321Z-mcp.example.jsonl"]


def test_what_is_no_mcp_is_counted(tmp_path: Path) -> None:
    page = entry(0, None, "<html>", url="https://mcp.example/", media_type="text/html")
    (tmp_path / "in.har").write_bytes(har(page, opening(1, "a")))
    command = [sys.executable, "-m", "interpose", "import", "in.har"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "in.jsonl: 1 exchange\n"
    assert done.stderr == "interpose: in.har: left out 1 exchange, which are no MCP\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (har(), r"in: no MCP in it; 0 exchanges of something else"),
        (tnetstring({"version": 21, "type": "tcp"}), "in: no MCP in it; 0 exchanges and 1 flow without HTTP of"),
        (tnetstring(flow(b"{}", b""))[:-9], r"in: offset 0: cut off, 9 bytes are missing"),
        (b'{"log": ', r"in: line 1, column 9: no JSON .*export it again"),
    ],
)
def test_a_file_that_cannot_be_imported_leaves_nothing_behind(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "in").write_bytes(content)
    done = run("import", tmp_path / "in", "-o", tmp_path / "out.jsonl")
    assert isinstance(done.exception, RecordingError)
    assert done.exception.exit_code == 2
    assert re.search(problem, str(done.exception))
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run("import", tmp_path / "nothing.har")
    assert str(done.exception) == f"{tmp_path}/nothing.har: cannot be read (No such file or directory)"
