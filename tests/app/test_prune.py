"""`interpose prune` as people run it: only recordings go, only old ones, and only those that are over."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from tests.core.formats.tape import HEADER, Tape

from interpose.app.cli.main import cli
from interpose.app.cli.prune import _remove
from interpose.core.errors import UsageError


def run(folder: Path, age: str, *options: str) -> Result:
    return CliRunner().invoke(cli, ["prune", str(folder), "--older-than", age, *options], standalone_mode=False)


def record(path: Path, days: int | None, over: bool = True) -> Path:
    """A recording that began so many days ago."""
    started = "yesterday" if days is None else (datetime.now(UTC) - timedelta(days=days)).isoformat()
    tape = Tape(replace(HEADER, started=started)).opens()
    path.parent.mkdir(parents=True, exist_ok=True)
    return (tape.ends() if over else tape).write(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record(tmp_path / "old.jsonl", 40)
    record(tmp_path / "below" / "older.jsonl", 400)
    record(tmp_path / "new.jsonl", 3)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def test_old_recordings_go_and_are_named(folder: Path) -> None:
    done = run(folder, "30d")
    assert (done.exception, done.return_value) == (None, 0)
    *removed, last = done.stdout.splitlines()
    assert [row.partition(" (")[0] for row in removed] == [
        f"deleted {folder / 'old.jsonl'}",
        f"deleted {folder / 'below' / 'older.jsonl'}",
    ]
    assert last.startswith("2 recordings deleted, ")
    assert names(folder) == ["new.jsonl"]


def test_a_dry_run_deletes_nothing(folder: Path) -> None:
    rows = run(folder, "9w", "--dry-run").stdout.splitlines()
    assert rows[0].startswith(f"would delete {folder / 'below' / 'older.jsonl'} (began ")
    assert rows[-1].startswith("1 recording would be deleted, ")
    assert len(names(folder)) == 3


def test_foreign_files_stay(folder: Path) -> None:
    others = {"notes.txt": b"x", "other.jsonl": b'{"a":1}\n', "empty.jsonl": b"", "large.jsonl": b"x" * (1 << 21)}
    for name, data in others.items():
        (folder / name).write_bytes(data)
    record(folder / "renamed.bak", 40)
    record(folder / "undated.jsonl", None)
    os.symlink(record(folder.parent / "elsewhere.jsonl", 40), folder / "link.jsonl")
    run(folder, "30d")
    kept = [*others, "renamed.bak", "undated.jsonl", "link.jsonl", "new.jsonl"]
    assert names(folder) == sorted(kept)
    assert (folder.parent / "elsewhere.jsonl").exists()
    (folder.parent / "elsewhere.jsonl").unlink()


def test_a_recording_that_is_still_written_stays(tmp_path: Path) -> None:
    running = record(tmp_path / "running.jsonl", 40, over=False)
    torn = record(tmp_path / "torn.jsonl", 40)
    torn.write_bytes(torn.read_bytes()[:-5])
    run(tmp_path, "30d")
    assert names(tmp_path) == ["running.jsonl", "torn.jsonl"]
    for path in (running, torn):
        os.utime(path, (1, 1))
    run(tmp_path, "30d")
    assert names(tmp_path) == []


@pytest.mark.parametrize("age", ["30", "d", "0d", "-3d", "1.5d", "3 days", "999999w"])
def test_an_age_that_is_none_is_a_mistake(folder: Path, age: str) -> None:
    assert isinstance(run(folder, age).exception, UsageError)
    assert len(names(folder)) == 3


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    assert isinstance(run(tmp_path / "nothing", "30d").exception, UsageError)


def test_a_time_without_a_zone_is_utc(tmp_path: Path) -> None:
    Tape(replace(HEADER, started="2020-01-02T10:00:00")).ends().write(tmp_path / "old.jsonl")
    assert "(began 2020-01-02 10:00 UTC, " in run(tmp_path, "90m").stdout


def test_what_cannot_be_deleted_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert not _remove(tmp_path / "gone.jsonl")
    assert capfd.readouterr().err.endswith("gone.jsonl: cannot be deleted (No such file or directory)\n")
