"""`interpose audit`: who asked the user's side for what, and who allowed it; or whether recordings are unchanged."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from interpose.app import console
from interpose.app.cli.output import Output, started
from interpose.app.cli.recordings import recordings
from interpose.core.errors import RecordingError, UsageError
from interpose.core.formats.audit import Trail
from interpose.core.formats.audit_page import CsvPage, JsonPage, Page, TextPage
from interpose.core.formats.audit_record import Record
from interpose.core.formats.audit_verify import verified
from interpose.core.formats.excerpt import said
from interpose.edge.stores.jsonl import RecordingReader

_DAMAGED = 2


@click.command("audit")
@click.argument("paths", metavar="RECORDING|DIR...", nargs=-1, required=True, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma separated, with a line of names first.")
@click.option("--no-paths", is_flag=True, help="Count the user's directories, and do not name them.")
@click.option("--verify", is_flag=True, help="Only check that nothing was changed since it was recorded.")
def command(paths: tuple[str, ...], as_json: bool, as_csv: bool, no_paths: bool, verify: bool) -> int:
    """Tell what servers asked of the user and the model, who allowed it, and what tasks and directories there were.

    Bodies never show: sizes, counts, names of fields and the beginning of questions do.

    Prints one line for each question, with how it ended; --json and --csv for programs.

    \b
    Exit codes: 0 fine; with --verify 1 when something was changed; 2 a recording is damaged.

    \b
    Examples:
      interpose audit recordings
      interpose audit --csv recordings > trail.csv
      interpose audit --verify session.jsonl
    """
    if as_json + as_csv + verify > 1:
        raise UsageError("--json, --csv and --verify exclude each other")
    found = list(recordings(paths))
    if not found:
        raise UsageError(f"{', '.join(paths)}: no recordings there")
    if verify:
        return _verify(found)
    out = Output()
    page: Page = (
        JsonPage(not no_paths) if as_json else CsvPage(not no_paths) if as_csv else TextPage(out.width, not no_paths)
    )
    try:
        out.rows(page.begin())
        whole = [_tell(path, page, out) for path in found]
        out.flush()
    except BrokenPipeError:
        out.abandon()
        return 0
    return 0 if all(whole) else _DAMAGED


def _tell(path: Path, page: Page, out: Output) -> bool:
    """The trail of one recording, as far as it can be read. Whether all of it could."""
    damage: RecordingError | None = None
    try:
        reader = RecordingReader(path)
    except RecordingError as error:
        console.say(str(error))
        return False
    with reader:
        trail = Trail(reader.header, str(path))
        try:
            for entry in reader:
                trail.take(entry)
        except RecordingError as error:
            damage = error
    records = trail.end()
    _date(records, reader.header.started)
    out.rows(page.trail(str(path), reader.header, started(reader.header.started)[0], records))
    out.flush()
    for problem in (*reader.problems, *([str(damage)] if damage else [])):
        console.say(problem if damage and problem == str(damage) else f"{path}: {problem}")
    return damage is None


def _date(records: Sequence[Record], began: str) -> None:
    """Give each record its time of day, in UTC."""
    try:
        begun = datetime.fromisoformat(began).astimezone(UTC)
    except ValueError:
        return
    for record in records:
        moment = begun + timedelta(milliseconds=round(record.at * 1000))
        record.time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _verify(paths: Sequence[Path]) -> int:
    whole = True
    for path in paths:
        try:
            with open(path, "rb") as file:
                found = verified(file)
        except OSError as error:
            raise RecordingError(str(path), None, f"cannot be read ({error.strerror})") from None
        whole = whole and found.problem is None
        click.echo(f"{said(str(path), 300)}: {said(found.problem) if found.problem else f'ok, {found.lines} lines'}")
    return 0 if whole else _DAMAGED
