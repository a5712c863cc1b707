"""`interpose rehearse`: what a policy would have done to recorded sessions, message by message. No end is started."""

from collections.abc import Iterable
from pathlib import Path

import click

from interpose.app import console, policies
from interpose.app.cli.output import Output, started
from interpose.app.cli.progress import Progress
from interpose.app.cli.recordings import recordings
from interpose.core.errors import RecordingError, UsageError
from interpose.core.formats import junit, rehearsal_why
from interpose.core.formats.rehearsal import JsonPage, Page, TextPage
from interpose.core.formats.rehearsal_explain import recorded
from interpose.core.formats.rehearsal_finding import Tally
from interpose.core.formats.rehearsal_junit import RehearsalSuite
from interpose.core.formats.sheet import Row
from interpose.core.policy.rule import AnyRule, Policy
from interpose.core.recording.entry import Header
from interpose.core.rehearse import Rehearsal, compare, differs
from interpose.core.rehearse import explain as rehearse_one
from interpose.edge.stores.jsonl import RecordingReader

_DIFFERS, _BROKEN = 1, 2


@click.command("rehearse")
@click.argument("paths", metavar="RECORDING|DIR...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--policy",
    "policy_files",
    metavar="FILE",
    type=click.Path(),
    multiple=True,
    required=True,
    help="The policy to try.",
)
@click.option(
    "--against",
    metavar="FILE",
    type=click.Path(),
    multiple=True,
    help="Another policy: tell only where they differ, and exit 1 then.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--junit", "junit_file", metavar="FILE", type=click.Path(), help="Write the findings as JUnit XML, too.")
def command(
    paths: tuple[str, ...],
    policy_files: tuple[str, ...],
    against: tuple[str, ...],
    as_json: bool,
    junit_file: str | None,
) -> int:
    """Tell what a policy would have done in recorded sessions: nothing is started, sent or changed.

    Prints each message that a rule would have changed, held or stopped, by which rule and why.

    \b
    Exit codes: 0 fine; with --against 1 where they differ; 2 a recording or a policy cannot be read.

    \b
    Examples:
      interpose rehearse session.jsonl --policy careful.toml
      interpose rehearse recordings --policy careful.toml --against today.toml
    """
    tried, other = policies.read_all(policy_files), policies.read_all(against)
    found = list(recordings(paths))
    if not found:
        raise UsageError(f"{', '.join(paths)}: no recordings there")
    out = Output()
    page: Page = JsonPage() if as_json else TextPage(out.width)
    progress = Progress("rehearsing", found)
    run = _Run(tried, other, page, out, progress, keeps=junit_file is not None)
    try:
        with progress:
            for path in found:
                run.recording(path)
        run.end(len(found))
        out.flush()
    except BrokenPipeError:
        out.abandon()
    if junit_file is not None:
        _write(junit_file, run.suites)
    return run.status


class _Run:
    """Several recordings, one after the other, each as a stream; `keeps` the findings, for JUnit."""

    def __init__(
        self,
        tried: tuple[Policy, ...],
        against: tuple[Policy, ...],
        page: Page,
        out: Output,
        progress: Progress,
        *,
        keeps: bool,
    ) -> None:
        self._progress, self._keeps = progress, keeps
        self._tried, self._against = tried, against
        self._page, self._out = page, out
        self._rules: tuple[AnyRule, ...] = tuple(rule for each in (*tried, *against) for rule in each.rules)
        self._all = Tally(self._rules)
        self._broken = False
        self.suites: list[junit.Suite] = []

    @property
    def status(self) -> int:
        return _BROKEN if self._broken else _DIFFERS if self._all.differing else 0

    def recording(self, path: Path) -> None:
        """Rehearse one recording. What comes before some damage is told; the others still follow."""
        tally = Tally(self._rules)
        suite = None
        try:
            with self._progress.reader(path) as reader:
                suite = RehearsalSuite(str(path), reader.header)
                self._rows(self._page.begin(str(path), reader.header, started(reader.header.started)[0]))
                if self._against:
                    self._compare(reader, suite, tally)
                else:
                    self._rehearse(reader, suite, tally)
                self._rows(self._page.end(tally, reader.problems, bool(self._against)))
            self.suites.append(suite.end())
        except RecordingError as error:
            self._broken = True
            self._progress.clear()
            self._out.flush()
            console.say(str(error))
            broken = suite or RehearsalSuite(str(path), Header("", "", {}, {}, ""))
            self.suites.append(broken.end(str(error)))
        self._all.add(tally)

    def end(self, number: int) -> None:
        if number > 1:
            self._rows(self._page.all(self._all, number, bool(self._against)))

    def _rows(self, rows: Iterable[Row]) -> None:
        self._progress.clear()
        self._out.rows(rows)

    def _rehearse(self, reader: RecordingReader, suite: RehearsalSuite, tally: Tally) -> None:
        rehearsal = Rehearsal(reader.header, policies.engine(self._tried, reader.header), self._tried)
        for entry in reader:
            finding = rehearsal.hear(entry)
            tally.messages, tally.moot = rehearsal.messages, rehearsal.moot
            if finding is not None:
                tally.take(finding)
                if self._keeps:
                    suite.finding(finding, tally)
                self._rows(self._page.finding(finding, tally))

    def _compare(self, reader: RecordingReader, suite: RehearsalSuite, tally: Tally) -> None:
        header = reader.header
        first = Rehearsal(header, policies.engine(self._tried, header), self._tried)
        second = Rehearsal(header, policies.engine(self._against, header), self._against)
        for found in compare(first, second, reader):
            apart = differs(found)
            if self._keeps:
                suite.difference(found, apart)
            if apart:
                tally.differing += 1
                self._rows(self._page.difference(found, tally))
        tally.messages = first.messages


def explain(path: str, seq: int, policy_files: Iterable[str] = (), as_json: bool = False) -> int:
    """`interpose policy explain`: why one message was treated as it was, as recorded or under policy files."""
    tried = policies.read_all(policy_files)
    with RecordingReader(path) as reader:
        if tried:
            engine = policies.engine(tried, reader.header)
            found = rehearse_one(reader.header, reader, engine, tried, seq)
        else:
            found = recorded(reader, seq)
    if found is None:
        raise UsageError(f"{path}: there is no message with the number {seq}; `interpose show --full` tells numbers")
    out = Output()
    out.rows([rehearsal_why.fields(found)] if as_json else rehearsal_why.rows(found, out.width))
    out.flush()
    return 0


def _write(path: str, suites: list[junit.Suite]) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(junit.document(suites))
    except OSError as error:
        raise UsageError(f"--junit: {path} cannot be written ({error.strerror})") from None
