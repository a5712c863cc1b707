"""`interpose import`: recordings out of a HAR file or a mitmproxy flow file, which are read and nothing else."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from interpose import __version__
from interpose.app import console
from interpose.core.errors import RecordingError, UsageError
from interpose.core.formats.words import plural
from interpose.core.importing.exchange import Capture
from interpose.core.importing.reading import read_capture
from interpose.core.importing.retelling import recorded
from interpose.core.importing.sorting import ImportedSession, sort
from interpose.core.recording.entry import Header
from interpose.edge.stores import naming
from interpose.edge.stores.jsonl import RecordingFile
from interpose.edge.stores.placing import place


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False))
@click.option(
    "-o",
    "--output",
    metavar="OUT.jsonl|DIR",
    type=click.Path(),
    help="Where to. Default: FILE's name with .jsonl, here.",
)
def command(file: str, output: str | None) -> int:
    """Make recordings of what another tool kept: a HAR 1.2 file, or a flow file of mitmproxy 10 to 12.

    One recording is one session. Exchanges that are no MCP are left out; credentials in headers and addresses never
    reach a recording.

    Prints nothing; what was made and what is a guess is told on standard error.

    \b
    Exit codes: 0 fine, 2 the file is none of these, or holds no MCP.

    \b
    Examples:
      interpose import session.har -o session.jsonl
      interpose import session.har -o imported/
    """
    data = _content(file)
    try:
        capture = read_capture(data)
    except ValueError as error:
        raise RecordingError(file, None, str(error)) from None
    sessions, skipped = sort(capture)
    if not sessions:
        raise RecordingError(file, None, f"no MCP in it; {_counted(skipped, capture)} of something else")
    target = output or f"{Path(file).stem}.jsonl"
    if len(sessions) > 1 and not _is_folder(target):
        raise UsageError(f"{file}: {len(sessions)} sessions are in it, and one file is one session; name -o DIR/")
    digest = hashlib.sha256(data).hexdigest()
    for number, session in enumerate(sessions):
        name = hashlib.sha256(f"{digest} {number}".encode()).hexdigest()[:16]
        click.echo(_write(session, _header(session, name, capture.source), target))
    if skipped or capture.others:
        console.say(f"{file}: left out {_counted(skipped, capture)}, which are no MCP")
    return 0


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from None


def _is_folder(target: str) -> bool:
    return Path(target).is_dir() or target.endswith(os.sep)


def _header(session: ImportedSession, name: str, source: str) -> Header:
    started = datetime.fromtimestamp(session.began, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    server = {"transport": "http", "name": naming.of_address(session.url), "url": session.url}
    by = f"interpose {__version__}, imported from {source}"
    return Header(name, started, {"transport": session.transport}, server, by)


def _write(session: ImportedSession, header: Header, target: str) -> str:
    """Write one recording; says what is where."""
    recording = RecordingFile(place(target, header.server["name"], header.started))
    try:
        for line in recorded(session, header):
            recording.append(line.pieces)
            recording.flush()
    finally:
        recording.close()
    if recording.lost:
        raise RecordingError(str(recording.path), None, f"cannot be written ({recording.problem})")
    return f"{recording.path}: {plural(len(session.talks), 'exchange')}"


def _counted(skipped: int, capture: Capture) -> str:
    others = f" and {plural(capture.others, 'flow')} without HTTP" if capture.others else ""
    return plural(skipped, "exchange") + others
