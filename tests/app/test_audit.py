"""`interpose audit` as people and scripts run it."""

import csv
import io
import json
import re
from pathlib import Path

from click.testing import CliRunner, Result
from tests.core.formats.tape import Tape

from interpose.app.cli.main import cli
from interpose.core.errors import UsageError
from interpose.core.formats.audit_record import COLUMNS

FOLDER = Path(__file__).parents[2] / "recordings"
STATEFUL = FOLDER / "2025-11-25" / "py-http-py.jsonl"
STATELESS = FOLDER / "2026-07-28" / "py-stdio-py.jsonl"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["audit", *map(str, arguments)], standalone_mode=False)


def told(*arguments: object) -> list[str]:
    done = run(*arguments)
    assert (done.exception, done.return_value) == (None, 0)
    return done.stdout.splitlines()


def test_people_get_a_table_a_recording() -> None:
    rows = told(STATEFUL, STATELESS)
    heads = [row for row in rows if row.startswith(str(FOLDER))]
    assert heads == [
        f"{STATEFUL} · py · 2026-11-22T16:56:47.654Z",
        f"{STATELESS} · py · 2026-11-22T16:56:56.196Z",
    ]
    assert any("sampling" in row and "in #29 tools/call ask_model" in row for row in rows)
    assert rows[-1].startswith("  1 sampling: 1 allowed; 3 elicitation: 2 allowed, 1 refused")


def test_every_golden_recording_is_a_spreadsheet_with_the_same_columns() -> None:
    rows = list(csv.DictReader(io.StringIO("\n".join(told("--csv", FOLDER)))))
    assert {tuple(row) for row in rows} == {COLUMNS}
    assert {row["kind"] for row in rows} == {"sampling", "elicitation", "roots", "task"}
    assert all(row["time"].startswith("2026-11-22T16:5") and row["time"].endswith("Z") for row in rows)


def test_programs_get_json_lines_and_paths_only_when_wanted() -> None:
    shown = [json.loads(row) for row in told("--json", STATELESS)]
    assert [row["kind"] for row in shown] == ["sampling", "elicitation", "elicitation", "elicitation", "roots"]
    assert shown[-1]["roots"] == ["file:///srv/project"]
    for form in ("--json", "--csv", "--no-paths"):
        assert "/srv/project" not in "\n".join(told(form, "--no-paths", STATELESS))


def test_only_one_form_can_be_had() -> None:
    assert isinstance(run("--json", "--csv", STATELESS).exception, UsageError)
    assert isinstance(run("--json", "--verify", STATELESS).exception, UsageError)


def test_a_folder_without_recordings_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text("{}\n")
    assert isinstance(run(tmp_path).exception, UsageError)


def test_golden_recordings_are_verified() -> None:
    rows = told("--verify", FOLDER)
    assert len(rows) == len(list(FOLDER.rglob("*.jsonl")))
    assert all(row.endswith(" lines") and ": ok, " in row for row in rows)


def test_the_first_changed_line_is_named(tmp_path: Path) -> None:
    whole = STATEFUL.read_bytes()
    changed = tmp_path / "changed.jsonl"
    changed.write_bytes(whole.replace(b'"name":"ask_model"', b'"name":"ask_human"', 1))
    done = run("--verify", changed, STATELESS)
    assert done.return_value == 2
    first, second = done.stdout.splitlines()
    number = whole[: whole.index(b'"name":"ask_model"')].count(b"\n") + 1
    assert first == f"{changed}: line {number}: changed after it was recorded, or the line before it is gone"
    assert second.endswith(": ok, 94 lines")


def test_a_file_that_is_no_recording_does_not_verify(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    assert run("--verify", tmp_path / "a.jsonl").return_value == 2
    assert run("--verify", tmp_path / "nothing").exception is not None


def test_the_trail_up_to_some_damage_is_told(tmp_path: Path) -> None:
    tape = Tape().opens().server(id=5, method="roots/list").client(id=5, result={"roots": []}).ends()
    tape.lines[6] = b"{nonsense}\n" + tape.lines[6]
    done = run(tape.write(tmp_path / "r.jsonl"), STATELESS)
    assert done.return_value == 2
    assert "allowed by host" in done.stdout
    (tmp_path / "r.jsonl").write_text("{}\n")
    assert run(tmp_path / "r.jsonl").return_value == 2


def test_a_recording_without_a_time_has_no_times_of_day(tmp_path: Path) -> None:
    tape = Tape().opens().server(id=5, method="roots/list")
    tape.lines[0] = tape.lines[0].replace(b"2026-01-02T10:00:00Z", b"some day")
    [row] = told("--json", tape.write(tmp_path / "r.jsonl"))
    assert "time" not in json.loads(row)


def test_every_column_is_explained_and_no_other() -> None:
    table = (FOLDER.parent / "docs" / "audit.md").read_text(encoding="utf-8").partition("## Columns")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(COLUMNS)
