"""`interpose unwrap`: a client's configuration file as it was before `interpose wrap`, with what changed since."""

import click

from interpose.app.cli import targets
from interpose.app.cli.rewriting import Asking, carry_out
from interpose.app.cli.wrap import executable
from interpose.app.clients.changing import Change, unwrapping
from interpose.app.clients.files import Source, found, this_machine
from interpose.app.clients.places import SCOPES, Scope


@click.command("unwrap")
@click.argument("target", metavar="CLIENT|FILE", shell_complete=targets.complete)
@click.argument("servers", metavar="[SERVER]...", nargs=-1)
@click.option("--scope", type=click.Choice(SCOPES), help="Only the client's files for this.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def command(target: str, servers: tuple[str, ...], scope: Scope | None, dry_run: bool, yes: bool) -> int:
    """Take interpose out of the configuration of CLIENT, or of its FILE: all of it, or the servers named.

    A file that nobody touched since is as it was, to the byte; what was added since stays.

    Prints the difference, and asks.

    \b
    Exit codes: 0 fine, 1 a wrapping was edited by hand and stays, 2 a file cannot be read.

    \b
    Examples:
      interpose unwrap claude-desktop --dry-run
      interpose unwrap .vscode/mcp.json github --yes
    """

    def make(source: Source) -> Change:
        return unwrapping(source, servers)

    return carry_out(
        found(this_machine(), target, scope, executable()), servers, make, Asking("unwrap", "unwrapped", yes, dry_run)
    )
