"""`interpose diff` as people and scripts run it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.core.formats.tape import Tape
from tests.core.replay.changes import FOLDER, GOLDEN
from tests.core.replay.renaming import another_day

from interpose.app.cli.main import cli
from interpose.core.errors import InterposeError, RecordingError, UsageError
from interpose.core.replay.options import OptionsError

TS = FOLDER / "2025-11-25"
HTTP, STDIO = TS / "everything-http-ts1.jsonl", TS / "everything-stdio-ts1.jsonl"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["diff", *map(str, arguments)], standalone_mode=False)


def told(status: int, *arguments: object) -> list[str]:
    done = run(*arguments)
    assert (done.exception, done.return_value) == (None, status)
    return done.stdout.splitlines()


def tape(text: str = "a") -> Tape:
    found = Tape().opens().client(id=1, method="tools/call", params={"name": "t"})
    return found.server(id=1, result={"content": [{"type": "text", "text": text}]}).ends()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_golden_recording_is_equal_to_itself_and_to_another_day(path: Path, tmp_path: Path) -> None:
    assert told(0, path, path)[-1].startswith("  equal: ")
    again = tmp_path / "again.jsonl"
    again.write_bytes(another_day(path.read_bytes(), "x"))
    assert told(0, path, again)[2].startswith("  equal: ")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_recording_with_one_value_changed_is_another(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    at = data.rindex(b'"content":[{"')
    value = data.index(b'"text":"', at) + 8 if b'"text":"' in data[at : at + 200] else data.index(b'"', at + 12) + 1
    (tmp_path / "b.jsonl").write_bytes(data[:value] + b"!" + data[value:])
    rows = told(1, path, tmp_path / "b.jsonl")
    assert rows[-1].endswith("changed after it was recorded, or the line before it is gone")


def test_people_see_what_differs_by_its_path() -> None:
    assert told(1, HTTP, STDIO) == [
        f"- {HTTP}",
        f"+ {STDIO}",
        "~ answer to tools/call toggle-subscriber-updates  -175 +69",
        "    $.result.content[0].text",
        '      - …"for session 7a18a518-fe65-41f3-a821-5ca37e04ce4d at a 5 sec"…',
        '      + …"for session undefined at a 5 sec"…',
        "+ notifications/tools/list_changed  +6",
        "  2 differences; 37 calls in both",
    ]


def test_all_kinds_of_differences_can_be_shown(tmp_path: Path) -> None:
    def tools(*names: str, **more: int) -> Tape:
        found = Tape().opens().client(id=1, method="tools/list")
        found.server(id=1, result={"tools": [{"name": name} for name in names], **more})
        for number in (7, 8) if more else (8, 7):
            found.client(id=number, method="prompts/get", params={"name": str(number)}).server(id=number, result={})
        found.client(id=3, method="tools/call", params={"name": "ask"})
        if more:
            found.server(id=5, method="roots/list").say("server", b"oops")
        return found.server(id=3, result={}).ends()

    one = tools("a", "b", **{f"x{n}": n for n in range(20)}).write(tmp_path / "a.jsonl")
    rows = told(1, one, tools("b", "a").write(tmp_path / "b.jsonl"))
    assert "    $.result.tools (another order)" in rows
    assert "    … and 9 more" in rows
    assert any(row.startswith("↕ prompts/get ") and " in another order  -" in row for row in rows)
    assert any(row.startswith("- roots/list inside tools/call ask  -") for row in rows)
    assert any(row.startswith("- message that belongs to no request  -") for row in rows)


def test_programs_get_json_lines() -> None:
    head, *findings, end = [json.loads(row) for row in told(1, "--json", HTTP, STDIO)]
    assert head == {"type": "comparison", "first": str(HTTP), "second": str(STDIO), "options": None}
    assert findings[0]["differences"][0]["path"] == "$.result.content[0].text"
    assert {**findings[0], "differences": []} == {
        "type": "difference",
        "kind": "changed",
        "what": "answer",
        "from": "server",
        "method": "tools/call",
        "name": "toggle-subscriber-updates",
        "inside": {"method": "tools/call", "name": "toggle-subscriber-updates"},
        "first": 175,
        "second": 69,
        "differences": [],
    }
    assert (findings[1]["first"], findings[1]["kind"]) == (None, "second")
    counts = {"equal": False, "calls": 37, "differences": 2, "more": False}
    assert end == {"type": "summary", **counts, "problems": []}


def test_paths_may_be_ignored(tmp_path: Path) -> None:
    one, other = tape("a").write(tmp_path / "a.jsonl"), tape("b").write(tmp_path / "b.jsonl")
    told(1, one, other)
    told(0, one, other, "--ignore", "$.result.content[*].text")
    told(1, one, other, "--ignore", "prompts/get $.result.content[*].text")
    assert isinstance(run(one, other, "--ignore", "text").exception, UsageError)


def test_options_beside_the_first_recording_count_unless_others_are_named(tmp_path: Path) -> None:
    one, other = tape("a").write(tmp_path / "a.jsonl"), tape("b").write(tmp_path / "b.jsonl")
    beside = tmp_path / "a.replay.toml"
    beside.write_text('[replay]\nignore = ["tools/call t $.result"]\n')
    assert told(0, one, other)[2] == f"  options: {beside}"
    told(1, other, one)
    named = tmp_path / "named.toml"
    named.write_text("[replay]\n")
    told(1, one, other, "--options", named)
    named.write_text("[replay]\nignores = []\n")
    assert isinstance(run(one, other, "--options", named).exception, OptionsError)
    named.write_bytes(b"[replay]\n# \xff\n")
    assert str(run(one, other, "--options", named).exception) == f"{named}:2: no UTF-8; save the file as UTF-8"
    named.write_bytes(b"#" * (1 << 21))
    assert isinstance(run(one, other, "--options", named).exception, OptionsError)
    assert isinstance(run(one, other, "--options", tmp_path / "none").exception, UsageError)


DAMAGE: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "torn": (lambda lines: [*lines[:-1], lines[-1][:40]], "line 7: cut off while it was being written"),
    "without an end": (lambda lines: lines[:-1], "line 6: the recording has no last line"),
    "with a gap": (lambda lines: [*lines[:3], *lines[4:]], "line 4: entries 3 to 3 are missing"),
    "damaged": (lambda lines: [*lines[:3], b"{]\n", *lines[3:]], "line 4: damaged: not an entry"),
    "foreign": (lambda lines: [b'{"log":{}}\n', *lines[1:]], "line 1: not a recording"),
    "newer": (
        lambda lines: [lines[0].replace(b'"interpose":1', b'"interpose":99'), *lines[1:]],
        "line 1: format 99 is newer than this interpose reads",
    ),
    "empty": (lambda lines: [], "line 1: not a recording"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_cannot_be_used_is_said_with_file_and_line(kind: str, tmp_path: Path) -> None:
    damage, said = DAMAGE[kind]
    whole, broken = tape().write(tmp_path / "a.jsonl"), tmp_path / "b.jsonl"
    broken.write_bytes(b"".join(damage(tape().lines)))
    for arguments in ((whole, broken), (broken, whole)):
        error = run(*arguments).exception
        assert isinstance(error, RecordingError)
        assert str(error).startswith(f"{broken}, {said}")
        assert error.exit_code == 2
    assert isinstance(run(whole, tmp_path / "none.jsonl").exception, InterposeError)


def test_what_is_there_may_be_compared_all_the_same(tmp_path: Path) -> None:
    whole, broken = tape().write(tmp_path / "a.jsonl"), tmp_path / "b.jsonl"
    broken.write_bytes(b"".join([*tape().lines[:-2], tape().lines[-1][:40]]))
    rows = told(1, whole, broken, "--partial")
    assert "- answer to tools/call t  -5" in rows
    assert rows[-1].startswith(f"! {broken}: line 6: ")


def test_nobody_needs_to_read_to_the_end() -> None:
    command = [sys.executable, "-m", "interpose", "diff", str(HTTP), str(STDIO)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    errors = child.stderr.read()
    child.stderr.close()
    assert (child.wait(), errors) == (1, b"")
