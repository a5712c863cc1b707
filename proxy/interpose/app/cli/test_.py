"""`interpose test`: every recording as a regression test."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from interpose.app import testing
from interpose.app.cli.output import Output
from interpose.app.cli.recordings import began, files
from interpose.core.errors import EndError, UsageError
from interpose.core.formats import junit, tested
from interpose.core.formats.sheet import Row
from interpose.core.formats.tested import Tested

_FOLDER = "recordings"
_STATUS = {"ok": 0, "differs": 1, "damaged": 2, "failed": EndError.exit_code}
_FIRST_LINE = 1 << 20


@click.command("test")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@click.option("--junit", "junit_file", metavar="FILE", type=click.Path(), help="Write the outcome as JUnit XML, too.")
@click.option("-j", "--jobs", metavar="N", type=click.IntRange(1), help="Test so many at once. [the number of cores]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--offline", is_flag=True, help="Start no server and connect to none.")
def command(paths: tuple[str, ...], junit_file: str | None, jobs: int | None, as_json: bool, offline: bool) -> int:
    """Test recordings, and those in folders: recordings/ unless PATHs are given.

    Each is played against itself twice, which must go as recorded and give the same bytes; and to the server that an
    `interpose.toml` beside it or above names, or else to the one that the recording itself names, where it can be
    started.

    Prints a line for each recording, and what differs.

    \b
    Exit codes: 0 all as recorded, 1 one differs, 2 one is damaged, 3 a server failed to start.

    \b
    Examples:
      interpose test --offline
      interpose test recordings --junit report.xml --jobs 2
    """
    found = list(_recordings(paths or (_FOLDER,)))
    if not found:
        raise UsageError(f"{', '.join(paths or (_FOLDER,))}: no recordings there; `interpose run --record` makes them")
    planned = testing.plans(found, offline=offline)
    out, results = Output(), list[Tested]()
    running = testing.run(planned, jobs or os.cpu_count() or 1)
    try:
        if sys.stderr.isatty() and not as_json:
            results += _with_bar(running, len(planned))
            shown = [each for each in results if each.outcome != "ok"] or results
            _show(shown, out, tested.rows)
        else:
            _show(_kept(running, results), out, _json_rows if as_json else tested.rows)
        out.rows([tested.json_summary(results) if as_json else tested.summary(results)])
        out.flush()
    except BrokenPipeError:
        out.abandon()
    if junit_file is not None:
        _write(junit_file, results)
    return max(_STATUS[each.outcome] for each in results)


def _recordings(paths: Iterable[str]) -> Iterator[Path]:
    """The files named, and those in folders that are recordings, or were meant to be."""
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from (each for each in files(path) if began(each) is not None or _was_one(each))
        elif path.exists():
            yield path
        else:
            raise UsageError(f"{name}: no such file or folder")


def _was_one(path: Path) -> bool:
    """Whether a file that is no recording looks like one that was damaged."""
    try:
        with open(path, "rb") as file:
            first = file.readline(_FIRST_LINE)
    except OSError:
        return True
    return not first or b'"interpose":' in first


def _with_bar(running: Iterable[Tested], count: int) -> list[Tested]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    results = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("testing", total=count)
        for each in running:
            results.append(each)
            failed = sum(result.outcome != "ok" for result in results)
            progress.update(task, advance=1, description=f"{failed} failed" if failed else "testing")
    return results


def _kept(running: Iterable[Tested], results: list[Tested]) -> Iterator[Tested]:
    for each in running:
        results.append(each)
        yield each


def _show(results: Iterable[Tested], out: Output, rows: Callable[[Tested], Iterable[Row]]) -> None:
    for each in results:
        out.rows(rows(each))
        out.flush()


def _json_rows(each: Tested) -> Iterable[Row]:
    return [tested.json_row(each)]


def _write(path: str, results: list[Tested]) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(junit.document(tested.suites(results)))
    except OSError as error:
        raise UsageError(f"--junit: {path} cannot be written ({error.strerror})") from None
