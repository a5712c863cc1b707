"""A replay's report in words, short: what differed, and what was never asked for. Plain text."""

from collections.abc import Iterator
from typing import Any

from interpose.core.formats.words import plural
from interpose.core.replay.difference import told
from interpose.core.replay.report import Finding, Report

_MOST = 8
_ROOM = 40
_WORDS = {
    "unrecorded": "never recorded",
    "branch": "another branch",
    "changed": "changed",
    "missing": "missing",
    "extra": "extra",
    "order": "out of order",
    "waiting": "waited for in vain",
    "failed": "failed",
}


def lines(report: Report) -> Iterator[str]:
    """The report, a line each."""
    live = "client" if report.played == "server" else "server"
    verdict = "as recorded" if report.ok else f"the {live} differs from the recording"
    matched = plural(report.matched, "message")
    yield f"{report.recording}: {verdict}; {matched} matched, {report.said} said ({report.reason})"
    for finding in report.findings:
        yield from _finding(finding)
    if report.unasked:
        more = f" and {len(report.unasked) - _MOST} more" if len(report.unasked) > _MOST else ""
        yield f"  never asked for: {', '.join(report.unasked[:_MOST])}{more}"
    for binding in report.bindings[:_MOST]:
        yield f"  bound: {_short(binding.recorded)} -> {_short(binding.live)} ({binding.where})"
    if len(report.bindings) > _MOST:
        yield f"  and {len(report.bindings) - _MOST} more values bound"


def name(finding: Finding) -> str:
    """A finding in one line."""
    word = _WORDS[finding.what]
    if finding.what == "order":
        return f"{word}: {finding.recorded} came after {finding.live}"
    if finding.what == "unrecorded":
        near = f"; the closest is {finding.recorded}" if finding.recorded else ""
        return f"{word}: {finding.live}{near}"
    if finding.what == "branch":
        return f"{word}: {finding.live} came as {finding.recorded}"
    if finding.what in ("waiting", "failed"):
        return f"{word}: {finding.recorded or 'the end'}; {finding.live}"
    return f"{word}: {finding.recorded or finding.live}"


def details(finding: Finding) -> Iterator[str]:
    """How the messages differ."""
    for each in finding.differences[:_MOST]:
        yield told(each)
    if len(finding.differences) > _MOST:
        yield f"and {len(finding.differences) - _MOST} more differences"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"  {name(finding)}"
    for line in details(finding):
        yield f"    {line}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _ROOM else f"{text[: _ROOM - 1]}…"
