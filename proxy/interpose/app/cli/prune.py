"""`interpose prune`: delete recordings that are older than somebody wants to keep them. Only recordings, ever."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from interpose.app import console
from interpose.app.cli.recordings import began, files
from interpose.core.errors import EndError, UsageError
from interpose.core.formats.excerpt import said
from interpose.core.formats.words import plural, size
from interpose.core.recording.codec import decode_entry

_AGE = re.compile(r"([0-9]{1,6})(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TAIL = 1 << 16


@click.command("prune")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
@click.option("--older-than", "age", metavar="AGE", required=True, help="For example 30d; also 12h, 90m, 4w.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
def command(folder: str, age: str, dry_run: bool) -> int:
    """Delete the recordings in DIR, and below it, that began longer ago than AGE.

    Every other file stays, and so does a recording that is still being written.

    Prints the name of each that is deleted, or would be.

    \b
    Exit codes: 0 fine, 2 the folder or AGE is none, 3 a file could not be deleted.

    \b
    Examples:
      interpose prune recordings --older-than 30d --dry-run
      interpose prune recordings --older-than 12h
    """
    if not Path(folder).is_dir():
        raise UsageError(f"{folder}: no such folder")
    before = _before(age)
    removed = freed = failed = 0
    for path, started in _old(folder, before):
        length = path.stat().st_size
        if not dry_run and not _remove(path):
            failed += 1
            continue
        removed, freed = removed + 1, freed + length
        words = "would delete" if dry_run else "deleted"
        click.echo(f"{words} {said(str(path), 300)} (began {started:%Y-%m-%d %H:%M} UTC, {size(length)})")
    verb = "would be deleted" if dry_run else "deleted"
    click.echo(f"{plural(removed, 'recording')} {verb}, {size(freed)}")
    return EndError.exit_code if failed else 0


def _old(folder: str, before: datetime) -> Iterator[tuple[Path, datetime]]:
    """The recordings that began before a time, with when they did."""
    for path in files(Path(folder)):
        started = began(path)
        if started is None:
            continue
        moment = _moment(started)
        if moment is None:
            console.say(f"{path}: left alone, since nobody can tell when `{said(started, 60)}` was")
        elif moment < before and _is_over(path, before):
            yield path, moment


def _moment(started: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _is_over(path: Path, before: datetime) -> bool:
    """Whether nothing is written to it any more: it has its last line, or nothing came for as long."""
    if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
        return True
    with open(path, "rb") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(max(0, length - _TAIL))
        lines = file.read().splitlines()
    try:
        return decode_entry(lines[-1]).kind == "end"
    except (ValueError, IndexError):
        return False


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError as error:
        console.say(f"{path}: cannot be deleted ({error.strerror})")
        return False
    return True


def _before(age: str) -> datetime:
    """The time that was so long ago."""
    match = _AGE.fullmatch(age)
    if match is None or not int(match[1]):
        raise UsageError(f"--older-than: `{age}` is no age; write it like 30d, 12h, 90m or 4w")
    try:
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise UsageError(f"--older-than: `{age}` is longer than there was time") from None
