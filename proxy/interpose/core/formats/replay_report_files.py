"""Reports of replays for machines: JSON, and JUnit where each recording is a suite."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from interpose.core.formats.junit import Case, Suite
from interpose.core.formats.replay_report import details, name
from interpose.core.replay.report import Report


def as_json(reports: Iterable[Report]) -> bytes:
    """All reports as one JSON document."""
    body = {"replays": [{"ok": each.ok, **_plain(each)} for each in reports]}
    return json.dumps(body, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def suites(reports: Iterable[Report]) -> list[Suite]:
    """A suite a recording: one case for each finding, and one for all that went as recorded."""
    return [Suite(each.recording, tuple(_cases(each))) for each in reports]


def _plain(report: Report) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(report, enc_hook=str)
    return fields


def _cases(report: Report) -> Iterable[Case]:
    yield Case(f"{report.matched} messages as recorded", report.recording)
    for number, finding in enumerate(report.findings, 1):
        yield Case(f"{number} {name(finding)}", report.recording, name(finding), "\n".join(details(finding)))
    if report.unasked:
        said = f"{len(report.unasked)} recorded requests were never asked"
        yield Case(said, report.recording, said if report.complete else None, "\n".join(report.unasked))
