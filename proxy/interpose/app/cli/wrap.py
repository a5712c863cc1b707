"""`interpose wrap`: interpose in front of the servers in a client's own configuration file."""

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from typing import Any

import click

from interpose.app import console
from interpose.app.cli import session_options, targets
from interpose.app.cli.rewriting import Asking, carry_out
from interpose.app.clients.changing import Change, wrapping
from interpose.app.clients.files import File, Source, files_of, found, opened, this_machine
from interpose.app.clients.places import CLIENTS, SCOPES, Scope
from interpose.core.errors import UsageError
from interpose.core.formats.words import safe
from interpose.core.wiring.command_line import Settings
from interpose.core.wiring.place import ConfigError
from interpose.core.wiring.server import Launch, Server, Unknown, edited, server, unwrappable

_PASSING = ("archive-v0", "environments-v2", "builds-v0")  # folders of `uvx`, which it may empty at any time


@click.command("wrap")
@click.argument("target", metavar="CLIENT|FILE", required=False, shell_complete=targets.complete)
@click.argument("servers", metavar="[SERVER]...", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Show the clients and servers here, and which are wrapped.")
@session_options.record("Keep every session of these servers in this folder.", "DIR")
@session_options.policy
@click.option("--scope", type=click.Choice(SCOPES), help="Only the client's files for this.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def command(
    target: str | None,
    servers: tuple[str, ...],
    only_list: bool,
    scope: Scope | None,
    **given: Any,
) -> int:
    """Put interpose in front of the servers of CLIENT, or of its FILE: of all, or of those named.

    The difference is shown first, the file as it was is kept beside it, and `interpose unwrap` restores it. Servers
    that are wrapped already keep their options but for those given here.

    Prints the difference, and asks.

    \b
    Exit codes: 0 fine, 1 a server has to stay as it is, 2 a file or a policy cannot be read.

    \b
    Examples:
      interpose wrap --list
      interpose wrap claude-desktop --record ~/mcp-sessions --dry-run
      interpose wrap .vscode/mcp.json github --policy careful.toml --yes
    """
    program = executable()
    files = _files(target, scope, program)
    if only_list:
        return _listed(files)
    if target is None:
        raise UsageError(f"say which client, or which file; known clients: {', '.join(CLIENTS)}")
    settings = Settings(program, _folder(given["record"]), _checked(given["policy"]))
    if any(part in _PASSING for part in os.path.realpath(program[0]).split(os.sep)):
        console.say(f"{program[0]} may go away by itself; better install interpose (`uv tool install`, `pipx install`)")

    def make(source: Source) -> Change:
        return wrapping(source, settings, servers)

    return carry_out(files, servers, make, Asking("wrap", "wrapped", given["yes"], given["dry_run"]))


def executable() -> tuple[str, ...]:
    """The words that start this interpose from any folder and with any PATH."""
    for path in (sys.argv[0], os.path.join(sysconfig.get_path("scripts"), "interpose"), shutil.which("interpose")):
        if path and os.path.basename(path).removesuffix(".exe") == "interpose" and os.path.isfile(path):
            return (os.path.abspath(path),)
    return (sys.executable, "-m", "interpose")


def _files(target: str | None, scope: Scope | None, program: tuple[str, ...]) -> list[File]:
    machine = this_machine()
    if target is not None:
        return found(machine, target, scope, program)
    return [file for client in CLIENTS.values() for file in files_of(machine, client, scope)]


def _folder(record: str | None) -> str | None:
    """A folder, also if it is not there yet: one file would hold one session of one server."""
    if record is not None and os.path.isfile(record):
        raise UsageError(f"--record {record}: one file is one session; name a folder")
    return os.path.join(os.path.abspath(record), "") if record is not None else None


def _checked(policy: Iterable[str]) -> tuple[str, ...]:
    """Absolute paths of policies that can be read."""
    paths = tuple(map(os.path.abspath, policy))
    if paths:
        from interpose.app.policies import read_all

        read_all(paths)
    return paths


def _listed(files: Iterable[File]) -> int:
    """One row a server. 2 where a file cannot be read."""
    rows, status = [], 0
    for file in files:
        try:
            source = opened(file)
        except ConfigError as error:
            console.say(str(error))
            status = error.exit_code
            continue
        title = file.client.name if file.client is not None else "?"
        for entry in source.entries:
            rows.append((title, safe(entry.name), *_state(server(entry)), file.path))
    if not rows:
        console.say("no servers found")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return status


def _state(it: Server) -> tuple[str, str]:
    """How a server is reached, and whether interpose is in front of it."""
    if isinstance(it, Unknown):
        return "?", "unknown"
    state = "edited" if edited(it) else "wrapped" if unwrappable(it) else "-"
    return "stdio" if isinstance(it, Launch) else "http", state
