"""The `interpose` command: its sub-commands, loaded when they are called, and the exit codes.

Exit codes: 0 fine, 1 a replay or rehearsal differs, 2 usage, a bad policy or recording, 3 an end failed.
"""

import importlib
import keyword
import sys
from typing import TYPE_CHECKING

import click

from interpose import __version__
from interpose.app import console
from interpose.app.loading import loading
from interpose.core.errors import InterposeError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# In the order of the help. A new command: a file here, and its line.
COMMANDS = {
    "run": "Be in the middle of a client and a server.",
    "replay": "Play one end of a recording to a live other end.",
    "test": "Test servers against their recordings.",
    "show": "Show a conversation: who asked whom for what.",
    "policy": "Check policy files, and say what may stand in them.",
    "rehearse": "Tell what a policy would have done.",
    "audit": "Tell what servers asked of the user and the model.",
    "redact": "Copy a recording without secrets and personal data.",
    "prune": "Delete old recordings.",
    "diff": "Tell what differs between two recordings.",
    "learn": "Find what varies between recordings of one scenario.",
    "import": "Make recordings of what another tool kept.",
    "approvals": "List what waits for approval, and decide about it.",
    "export": "Make of a recording what other tools read.",
    "lint": "Tell what breaks the specification of MCP.",
    "ui": "Look into recordings in a browser.",
    "wrap": "Put interpose into a client's configuration.",
    "unwrap": "Take it out again.",
    "intercept": "Record and govern clients that cannot be configured.",
    "doctor": "Look for what usually goes wrong.",
    "completion": "Complete its command line in a shell.",
    "demo": "Watch a whole conversation; nothing to install.",
}


class _Lazy(click.Group):
    """Imports a command's module when it is asked for: `run` must start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) or cmd_name == "test" else cmd_name
        with loading():
            command: click.Command = importlib.import_module(f"interpose.app.cli.{module}").command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Names without their modules: a person waits for them."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="interpose")
def cli() -> None:
    """Record, govern and replay what an MCP client and server say to each other."""


def main() -> None:
    """The entry point: maps every failure to one line and an exit code."""
    try:
        status = cli.main(prog_name="interpose", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show(sys.stderr)
        sys.exit(2)
    except InterposeError as error:
        console.say(str(error))
        sys.exit(error.exit_code)
    sys.exit(status if isinstance(status, int) else 0)
