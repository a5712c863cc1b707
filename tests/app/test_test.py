"""`interpose test` as people run it: good, changed and damaged recordings, with and without servers."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.edge.processes import INTERPOSE, SECONDS, run, shim

GOLDEN = Path(__file__).parents[2] / "recordings"
SERVER = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        text = "TEXT" if asked["method"] == "tools/call" else ""
        result = {"content": [{"type": "text", "text": text}]} if text else {
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""
SENT = (
    b'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
    b'"clientInfo":{"name":"c","version":"1"}}}\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"now","arguments":{}}}\n'
)
Result = subprocess.CompletedProcess[str]


def _tested(folder: Path, *arguments: str) -> Result:
    return subprocess.run(
        [*INTERPOSE, "test", *arguments], cwd=folder, capture_output=True, text=True, timeout=2 * SECONDS, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a server and a recording of it in `recordings/`."""
    _serve(tmp_path, "noon")
    recording = tmp_path / "recordings" / "one.jsonl"
    recorded = shim([sys.executable, "server.py"], record=recording)
    subprocess.run(recorded, input=SENT, cwd=tmp_path, check=True, capture_output=True, timeout=SECONDS)
    return tmp_path


def _serve(folder: Path, text: str) -> None:
    (folder / "server.py").write_text(SERVER.replace("TEXT", text))


def _say(folder: Path, toml: str) -> None:
    (folder / "interpose.toml").write_text(toml)


def test_the_golden_recordings_play_against_themselves(tmp_path: Path) -> None:
    done = _tested(tmp_path, str(GOLDEN), "--offline", "--jobs", "2")
    assert done.returncode == 0, done.stdout
    count = len(list(GOLDEN.rglob("*.jsonl")))
    assert done.stdout.splitlines()[-1] == f"{count} recordings: {count} ok; 0 tried with a server"


def test_the_server_that_a_recording_names_is_tried(folder: Path) -> None:
    done = _tested(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the server does as recorded" in done.stdout
    assert done.stdout.endswith("1 recording: 1 ok; 1 tried with a server\n")
    _serve(folder, "night")
    changed = _tested(folder)
    assert changed.returncode == 1
    assert '$.result.content[0].text: recorded "noon", live "night"' in changed.stdout
    assert _tested(folder, "--offline").returncode == 0
    (folder / "server.py").unlink()
    gone = _tested(folder)
    assert (gone.returncode, "its server is not here (server.py)" in gone.stdout) == (0, True)


def test_interpose_toml_says_what_is_tried_and_what_counts(folder: Path) -> None:
    (folder / "other.py").write_text(SERVER.replace("TEXT", "night"))
    _say(folder, '[test]\nserver = ["python", "other.py"]\n')
    assert _tested(folder).returncode == 1
    _say(folder, '[test]\nserver = ["python", "other.py"]\nignore = ["$.result.content[*].text"]\n')
    assert _tested(folder).returncode == 0
    _say(folder, '[test]\nserver = ["python", "other.py"]\n[test.files."recordings/o*.jsonl"]\nserver = []\n')
    assert _tested(folder).stdout.endswith("0 tried with a server\n")
    _say(folder, '[test]\nurl = "http://127.0.0.1:9/mcp"\n')
    failed = _tested(folder)
    assert (failed.returncode, "cannot reach 127.0.0.1:9" in failed.stdout) == (3, True)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[tset]\n", "unknown key `tset`"),
        ("[test]\nsever = []\n", "unknown key `sever`"),
        ('[test]\nserver = "python"\n', "`test`: `server` must be a list of words"),
        ('[test.files."*"]\nmatch = "loose"\n', '`test.files."*"`: `match` must be `strict`'),
        ('[test]\nignore = ["x"]\n', "`ignore`"),
        ("[test", "cannot be read as TOML"),
    ],
)
def test_an_interpose_toml_that_cannot_be_is_refused(toml: str, words: str, folder: Path) -> None:
    _say(folder, toml)
    done = _tested(folder)
    assert done.returncode == 2
    assert "interpose.toml: " in done.stderr
    assert words in done.stderr


def test_a_damaged_recording_is_exit_2_and_the_others_are_tested(folder: Path) -> None:
    recordings = folder / "recordings"
    whole = (recordings / "one.jsonl").read_bytes()
    (recordings / "cut.jsonl").write_bytes(whole[:-40])
    (recordings / "header.jsonl").write_bytes(b"{" + whole)
    (recordings / "empty.jsonl").write_bytes(b"")
    (recordings / "data.jsonl").write_bytes(b'{"a": 1}\n')
    done = _tested(folder, "--junit", "report.xml", "--jobs", "2")
    assert done.returncode == 2
    assert done.stdout.endswith("4 recordings: 1 ok, 3 damaged; 1 tried with a server\n")
    root = ElementTree.fromstring((folder / "report.xml").read_text())
    errors = {suite.get("name"): suite.get("errors") for suite in root}
    assert errors == {
        f"recordings/{name}.jsonl": count
        for name, count in {"cut": "1", "empty": "1", "header": "1", "one": "0"}.items()
    }


def test_json_is_an_object_a_line(folder: Path) -> None:
    _serve(folder, "night")
    lines = [json.loads(line) for line in _tested(folder, "--json").stdout.splitlines()]
    assert [line["type"] for line in lines] == ["recording", "summary"]
    assert lines[0]["outcome"] == "differs"
    assert lines[1] == {"type": "summary", "recordings": 1, "ok": 0, "differs": 1, "damaged": 0, "failed": 0}


def test_where_there_is_nothing_to_test_that_is_said(tmp_path: Path) -> None:
    done = _tested(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (tmp_path / "recordings").mkdir()
    assert _tested(tmp_path).returncode == 2


def test_a_recording_that_does_not_play_against_itself_is_told(folder: Path) -> None:
    path = folder / "recordings" / "one.replay.toml"
    path.write_text("[replay]\nignore = 1\n")
    done = _tested(folder)
    assert done.returncode == 2
    assert "one.replay.toml:2: `ignore` must be a list of texts" in done.stdout
    assert run([*INTERPOSE, "test", str(folder / "no")]).returncode == 2
