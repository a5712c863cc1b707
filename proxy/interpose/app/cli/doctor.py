"""`interpose doctor`: what usually goes wrong in the configuration of MCP clients, found before the client fails."""

from collections.abc import Iterable, Iterator

import anyio
import click

from interpose.app import console
from interpose.app.cli import targets
from interpose.app.cli.recordings import recordings
from interpose.app.cli.wrap import executable
from interpose.app.clients.checkup import findings
from interpose.app.clients.declared import undeclared
from interpose.app.clients.files import File, Source, files_of, found, opened, this_machine
from interpose.app.clients.places import CLIENTS, Machine
from interpose.app.clients.trial import tried
from interpose.core.formats.words import safe
from interpose.core.wiring.checking import Finding
from interpose.core.wiring.place import ConfigError

_WRONG = 1


@click.command("doctor")
@click.argument("target", metavar="[CLIENT|FILE]", required=False, shell_complete=targets.complete)
@click.option("--try", "tries", is_flag=True, help="Start every server, and see whether it answers.")
@click.option("--seconds", default=10.0, show_default=True, help="How long an answer may take.")
@click.option(
    "--recording",
    "paths",
    metavar="FILE|DIR",
    type=click.Path(),
    multiple=True,
    help="See here what clients never said they can do.",
)
def command(target: str | None, tries: bool, seconds: float, paths: tuple[str, ...]) -> int:
    """Look for what usually goes wrong: in the files of CLIENT, in FILE, or of every client here.

    Without --try no server is started.

    Prints a line for each thing: `wrong` keeps a server from working, `note` is worth knowing, `ok` is neither.

    \b
    Exit codes: 0 nothing is wrong, 1 something is, 2 a file cannot be read.

    \b
    Examples:
      interpose doctor
      interpose doctor claude-desktop --try
    """
    machine = this_machine()
    rows: list[tuple[str, Finding]] = []
    for file in _files(machine, target):
        rows += [(file.path, finding) for finding in _checked(file, machine, tries, seconds)]
    for path in recordings(paths):
        rows += [(str(path), finding) for finding in undeclared(path)]
    if not rows:
        console.say("no configuration of a client found")
    _table(rows)
    return _WRONG if any(finding.level == "wrong" for _, finding in rows) else 0


def _files(machine: Machine, target: str | None) -> list[File]:
    if target is not None:
        return found(machine, target, None, executable())
    return [file for client in CLIENTS.values() for file in files_of(machine, client)]


def _checked(file: File, machine: Machine, tries: bool, seconds: float) -> Iterator[Finding]:
    """All about one file, and `ok` for each server that nothing is wrong with."""
    try:
        source = opened(file)
    except ConfigError as error:
        place = f"line {error.line}, column {error.column}: " if error.line is not None else ""
        yield Finding("", "wrong", f"{place}{error.problem}")
        return
    said = list(findings(source, machine))
    if tries:
        said += anyio.run(_tried, source, machine, seconds)
    yield from (each for each in said if not each.server)
    for name in dict.fromkeys(entry.name for entry in source.entries):
        its = [each for each in said if each.server == name]
        yield from its or [Finding(name, "ok", "")]
    if not source.entries:
        yield Finding("", "note", "no servers")


async def _tried(source: Source, machine: Machine, seconds: float) -> list[Finding]:
    return [await tried(source, entry, machine.environment, seconds) for entry in source.entries]


def _table(rows: Iterable[tuple[str, Finding]]) -> None:
    """One block a file, its problems first named by server."""
    last = None
    rows = list(rows)
    width = max((len(safe(finding.server)) for _, finding in rows), default=0)
    for path, (server, level, text) in rows:
        if path != last:
            click.echo(safe(path))
            last = path
        click.echo(f"  {level.ljust(5)}  {safe(server).ljust(width)}  {safe(text)}".rstrip())
