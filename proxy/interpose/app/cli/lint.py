"""`interpose lint`: what in recordings the specification forbids, and where it says so."""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from interpose.app import console
from interpose.app.cli.output import Output
from interpose.app.cli.recordings import recordings
from interpose.core.errors import RecordingError, UsageError
from interpose.core.formats import junit
from interpose.core.formats.junit import Suite
from interpose.core.linting.linter import Linter, Validate
from interpose.core.linting.page import JsonPage, LintSuite, Page, TextPage
from interpose.edge.stores.jsonl import RecordingReader
from interpose.edge.stores.replacing import replace

_FOUND, _DAMAGED = 1, 2


@click.command("lint")
@click.argument("paths", metavar="RECORDING|DIR...", nargs=-1, required=True, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--junit", "junit_file", metavar="FILE", type=click.Path(), help="Write the findings as JUnit XML, too.")
def command(paths: tuple[str, ...], as_json: bool, junit_file: str | None) -> int:
    """Tell what clients and servers did that the specification of their version forbids, and its section.

    Every message is held against the official models (pip install 'interpose[lint]') and against the rules about what
    may come when.

    Prints each finding with its recording, its line, its rule and the page of the specification.

    \b
    Exit codes: 0 nothing found, 1 something was, 2 a recording is damaged.

    \b
    Examples:
      interpose lint session.jsonl
      interpose lint recordings --junit lint.xml
    """
    validate = _models()
    found = list(recordings(paths))
    if not found:
        raise UsageError(f"{', '.join(paths)}: no recordings there")
    out = Output()
    page: Page = JsonPage() if as_json else TextPage(out.width)
    statuses, suites = [], list[Suite]()
    try:
        for path in found:
            statuses.append(_lint(path, validate, page, out, suites if junit_file is not None else None))
        out.flush()
    except BrokenPipeError:
        out.abandon()
        return 0
    if junit_file is not None:
        _write(junit_file, suites)
    return max(statuses)


def _models() -> Validate:
    """The official models, which are an extra: nothing else here needs them."""
    try:
        from interpose.app.cli.lint_models import faults
    except ImportError:
        raise UsageError("lint needs the official models of MCP: pip install 'interpose[lint]'") from None
    return faults


def _lint(path: Path, validate: Validate, page: Page, out: Output, suites: list[Suite] | None) -> int:
    """Look through one recording, as far as it can be read."""
    try:
        reader = RecordingReader(path)
    except RecordingError as error:
        console.say(str(error))
        return _DAMAGED
    with reader:
        linter, counts, damage = Linter(reader.header, validate), Counter[str](), None
        suite = LintSuite(str(path), reader.header) if suites is not None else None
        out.rows(page.begin(str(path), reader.header))
        try:
            for entry in reader:
                for finding in linter.take(entry):
                    counts[finding.rule] += 1
                    out.rows(page.finding(str(path), finding))
                    if suite is not None:
                        suite.finding(finding)
        except RecordingError as error:
            damage = error
    out.rows(page.end(str(path), linter.messages, counts, reader.problems))
    out.flush()
    if suites is not None and suite is not None:
        suites.append(suite.end(None if damage is None else str(damage)))
    if damage is not None:
        console.say(str(damage))
        return _DAMAGED
    return _FOUND if counts else 0


def _write(path: str, suites: Iterable[Suite]) -> None:
    try:
        replace(path, "".join(junit.document(suites)).encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({os.strerror(error.errno or 0)})") from None
