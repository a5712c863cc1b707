"""`interpose export`: a recording in the format of another tool."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import click

from interpose.app import console
from interpose.app.cli.output import started
from interpose.app.cli.progress import Progress
from interpose.core.errors import UsageError
from interpose.core.exporting import mermaid
from interpose.core.exporting.curl import Sending, Unsendable
from interpose.core.exporting.har import HarFile
from interpose.core.exporting.html import HtmlPage
from interpose.core.exporting.mermaid import Diagram
from interpose.core.exporting.otlp import Trace
from interpose.core.exporting.ruled import touched
from interpose.core.exporting.steps import steps
from interpose.core.formats.survey import Survey
from interpose.edge.stores.beginning import began
from interpose.edge.stores.jsonl import RecordingReader

_TWICE = ("mermaid", "html")  # read once to learn how everything ended, and once to tell it
_FORMATS = ("mermaid", "har", "html", "otlp", "curl")


@click.command("export")
@click.argument("recording", type=click.Path(dir_okay=False))
@click.option("-f", "--format", "kind", type=click.Choice(_FORMATS), required=True, help="What to make of it.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Where to.  [default: stdout]")
@click.option("--message", metavar="SEQ", type=click.IntRange(1), help="curl: the number of the message to send again.")
def command(recording: str, kind: str, output: str | None, message: int | None) -> int:
    """Make of RECORDING what other tools read.

    mermaid: a sequence diagram. har: HTTP exchanges for a browser's tools. html: one page to read offline.
    otlp: spans for a tracing backend. curl: one message as a command to send it again.

    Prints it, unless -o names a file, which is replaced once the new one is whole.

    \b
    Exit codes: 0 fine, 2 the recording is damaged, or the file cannot be written.

    \b
    Examples:
      interpose export session.jsonl --format html -o session.html
      interpose export session.jsonl --format mermaid
      interpose export session.jsonl --format curl --message 13
    """
    if (kind == "curl") != (message is not None):
        raise UsageError("--message SEQ belongs to --format curl: `interpose show --full` tells the numbers")
    with _progress(recording, kind, output) as progress, progress.reader(recording) as reader:
        pieces, problems = _pieces(reader, kind, message or 0, progress)
        written = _write(pieces, output)
    for problem in problems:
        console.say(f"{recording}: {problem}")
    if kind == "mermaid" and written > mermaid.MOST:
        console.say(f"{written} characters: Mermaid draws {mermaid.MOST} unless `maxTextSize` is raised")
    return 0


def _progress(recording: str, kind: str, output: str | None) -> Progress:
    """Of no passes where what is written goes to the terminal itself."""
    passes = 0 if output is None and sys.stdout.isatty() else 2 if kind in _TWICE else 1
    return Progress("exporting", [recording] * passes)


class _Known(NamedTuple):
    """What a first pass over a recording tells: how all ended, whether interpose did more than watch, what is wrong."""

    survey: Survey
    between: bool
    problems: list[str]


def _pieces(reader: RecordingReader, kind: str, message: int, progress: Progress) -> tuple[Iterable[str], list[str]]:
    """What to write, and a list of problems that is complete once that is written."""
    match kind:
        case "mermaid":
            known = _known(progress.reader(reader.path))
            return _mermaid(reader, known), known.problems
        case "html":
            known = _known(progress.reader(reader.path))
            return _html(reader, known), known.problems
        case "har":
            return HarFile(reader.header, began(reader.header)).written(reader), reader.problems
        case "otlp":
            return Trace(reader.header, began(reader.header)).written(reader), reader.problems
        case _:
            return [_curl(reader, message)], []


def _mermaid(reader: RecordingReader, known: _Known) -> Iterator[str]:
    opening = known.survey.opening
    client = (opening.client.name if opening.client else None) or ""
    server = (opening.server.name if opening.server else None) or str(reader.header.server.get("name") or "")
    return Diagram(client, server, between=known.between).drawn(steps(reader, known.survey))


def _html(reader: RecordingReader, known: _Known) -> Iterator[str]:
    page = HtmlPage(reader.header, known.survey, *started(reader.header.started), between=known.between)
    return page.written(steps(reader, known.survey), known.problems)


def _known(found: RecordingReader) -> _Known:
    survey, between = Survey(), False
    with found as reader:
        for offset, entry in reader.located():
            survey.take(offset, entry)
            between = between or touched(entry)
    return _Known(survey, between, reader.problems)


def _curl(reader: RecordingReader, wanted: int) -> str:
    sending = Sending(reader.header, wanted)
    try:
        for entry in reader:
            found = sending.take(entry)
            if found is not None:
                return found
    except Unsendable as error:
        raise UsageError(f"{reader.path}: {error}") from None
    raise UsageError(f"{reader.path}: no entry {wanted} in it; `interpose show --full` tells the numbers")


def _write(pieces: Iterable[str], output: str | None) -> int:
    """Write it, as it is made. How many characters that were."""
    if output is None:
        return _print(pieces)
    target = Path(output).resolve()
    try:
        if target.exists() and not target.is_file():  # a pipe, a device: nothing that could be replaced
            with open(target, "wb") as file:
                return _pour(pieces, file)
        return _replace(pieces, target)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written ({error.strerror})") from None


def _replace(pieces: Iterable[str], target: Path) -> int:
    """Put a file in its place once it is whole, readable by its owner alone."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            written = _pour(pieces, file)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return written


def _pour(pieces: Iterable[str], file: BinaryIO) -> int:
    written = 0
    for piece in pieces:
        written += len(piece)
        file.write(piece.encode("utf-8", "replace"))
    return written


def _print(pieces: Iterable[str]) -> int:
    try:
        written = _pour(pieces, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return written
