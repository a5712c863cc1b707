"""`interpose show`: the conversation in a recording, readable; finished, or as it goes on."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Literal

import click

from interpose.app import console
from interpose.app.cli.output import Output, started
from interpose.core.errors import RecordingError, UsageError
from interpose.core.formats.answered import Answers
from interpose.core.formats.choice import Choice
from interpose.core.formats.ledger import Place
from interpose.core.formats.line import Line
from interpose.core.formats.page import JsonPage, Page, TextPage, footer
from interpose.core.formats.survey import Again, Survey
from interpose.core.formats.transcript import Transcript
from interpose.core.formats.waits import told_once
from interpose.core.recording.codec import chain_of, decode_entry, decode_header
from interpose.core.recording.entry import Header
from interpose.edge.stores.jsonl import RecordingReader

_GLANCE, _LOOK = 4096, 131_072
_PAUSE = 0.1
_LONG = 5.0


@click.command("show")
@click.argument("recording", type=click.Path(dir_okay=False))
@click.option("--follow", is_flag=True, help="Go on while the session does; wait for a file that is not there yet.")
@click.option("--method", metavar="GLOB", help="Only these messages, for example 'tools/*'.")
@click.option("--from", "end", type=click.Choice(["client", "server"]), help="Only what this end sent.")
@click.option("--errors", is_flag=True, help="Only what failed, and the calls it failed in.")
@click.option("--full", is_flag=True, help="Every message, with its number in the recording and its JSON.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(  # noqa: PLR0913 - one parameter an option
    recording: str,
    follow: bool,
    method: str | None,
    end: Literal["client", "server"] | None,
    errors: bool,
    full: bool,
    as_json: bool,
) -> int:
    """Show the conversation in RECORDING: who asked whom for what, how it ended, and what still waits.

    Prints a line for each request, answer and notification; --full adds the JSON.

    \b
    Exit codes: 0 fine, 2 the recording is damaged: what can be read is shown.

    \b
    Examples:
      interpose show session.jsonl
      interpose show --errors --full session.jsonl
      interpose show --method 'tools/*' --json session.jsonl
    """
    if full and as_json:
        raise UsageError("--full is for people and --json for programs: say one of them")
    out, choice = Output(), Choice(method, end, errors)

    def page(header: Header) -> Page:
        return JsonPage(choice) if as_json else TextPage(out.width, *started(header.started), choice, full)

    try:
        if follow:
            _follow(Path(recording), out, page)
        else:
            _show(Path(recording), out, page, live=full)
        out.flush()
    except BrokenPipeError:
        out.abandon()
    return 0


def _show(path: Path, out: Output, page_of: Callable[[Header], Page], live: bool) -> None:
    """Twice through the recording: first to learn how everything ended, then to tell it."""
    survey, damage = Survey(), None
    with RecordingReader(path) as reader:
        try:
            for offset, entry in reader.located():
                survey.take(offset, entry)
        except RecordingError as error:
            damage = error  # what comes before the damage can still be told
    page = page_of(reader.header)
    out.rows(page.begin(reader.header, survey))
    out.rows(page.waiting(survey))
    with RecordingReader(path) as again:
        out.rows(page.lines(_again(again, survey, live)))
    out.rows(page.end(survey, reader.problems))
    if damage is not None:
        out.flush()
        raise damage


def _again(reader: RecordingReader, survey: Survey, live: bool) -> Iterator[Line]:
    with open(reader.path, "rb") as file:
        word = "no answer" if survey.last else "no answer yet"
        answers = None if live else Answers(survey.ledger, lambda place: _fetch(file.fileno(), place), word)
        transcript, second = Transcript(survey.ledger, answers), Again()
        for entry in islice(reader, survey.entries):
            seen = second.take(entry)
            if seen is not None:
                yield from transcript.lines(entry, *seen)


def _fetch(fd: int, place: Place) -> bytes:
    """The line at a place; only its beginning when it is large."""
    found = os.pread(fd, _GLANCE, place.offset)
    if b"\n" not in found:
        found = os.pread(fd, _LOOK, place.offset)
    line, end, _ = found.partition(b"\n")
    return line + end


class _Tail:
    """The whole lines of a file that grows, and that may not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedReader | None = None
        self._begun: list[bytes] = []
        self._offset = 0

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """What is new: each line with its offset."""
        file = self._opened()
        while file is not None and (piece := file.readline()):
            self._begun.append(piece)
            if piece.endswith(b"\n"):
                line, self._begun = b"".join(self._begun), []
                yield self._offset, line
                self._offset += len(line)

    def _opened(self) -> BufferedReader | None:
        if self._file is None:
            try:
                self._file = open(self._path, "rb")  # noqa: SIM115 - read until the command ends
            except FileNotFoundError:
                return None
            except OSError as error:
                raise RecordingError(str(self._path), None, f"cannot be read ({error.strerror})") from None
        return self._file


class _Following:
    """A recording that grows, told line by line."""

    def __init__(self, path: Path, out: Output, page: Page, first: bytes) -> None:
        self._path, self._out, self._page = path, out, page
        self._survey = Survey()
        self._transcript = Transcript(self._survey.ledger, None)
        _, self._chain = chain_of("", first)
        self._problems: list[str] = []
        self._told: set[tuple[int, str, str]] = set()
        self._epoch = _epoch(decode_header(first).started)

    def take(self, offset: int, line: bytes) -> bool:
        """Tell one line of the recording. Whether it was the last one."""
        number = self._survey.entries + 2
        try:
            entry = decode_entry(line)
        except ValueError as error:
            raise RecordingError(str(self._path), number, f"damaged: {error}") from None
        expected, self._chain = chain_of(self._chain, line)
        if self._chain != expected:
            self._problems.append(f"line {number}: changed after it was recorded, or the line before it is gone")
        seen = self._survey.take(offset, entry)
        if seen is not None:
            self._out.rows(self._page.lines(self._transcript.lines(entry, *seen)))
            return False
        self._out.rows(self._page.end(self._survey, self._problems))
        return True

    def idle(self) -> None:
        """Nothing new: say what waits. On a terminal at its bottom, elsewhere once when it has taken long."""
        at = self._survey.at if self._epoch is None else max(self._survey.at, time.time() - self._epoch)
        if self._out.is_terminal:
            self._out.footer(footer(self._survey, at, self._out.width - 1))
            return
        for wait in told_once(self._survey.session.waits(at)):
            key = (wait.seq, wait.who, wait.what.partition(",")[0])
            if at - wait.since > _LONG and key not in self._told:
                self._told.add(key)
                self._out.rows(self._page.wait(wait, self._survey, at))


def _follow(path: Path, out: Output, page_of: Callable[[Header], Page]) -> None:
    """Until the recording's last line comes, or Ctrl-C."""
    tail, following = _Tail(path), None
    if not path.exists():
        console.say(f"{path} is not there yet: waiting for it")
    try:
        while True:
            for offset, line in tail.lines():
                if following is None:
                    following = _begun(path, out, page_of, line)
                elif following.take(offset, line):
                    return
            if following is not None:
                following.idle()
            out.flush()
            time.sleep(_PAUSE)
    except KeyboardInterrupt:
        pass
    finally:
        out.footer([])


def _begun(path: Path, out: Output, page_of: Callable[[Header], Page], first: bytes) -> _Following:
    try:
        header = decode_header(first)
    except ValueError as error:
        raise RecordingError(str(path), 1, str(error)) from None
    page = page_of(header)
    out.rows(page.begin(header, None))
    return _Following(path, out, page, first)


def _epoch(started: str) -> float | None:
    try:
        return datetime.fromisoformat(started).timestamp()
    except ValueError:
        return None
