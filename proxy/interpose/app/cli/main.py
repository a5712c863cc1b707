"""The `interpose` command: its sub-commands, loaded when they are called, and the exit codes.

Exit codes: 0 fine, 1 a replay or rehearsal differs, 2 usage, a bad policy or recording, 3 an end failed.
"""

import importlib
import keyword
import sys

import click

from interpose import __version__
from interpose.app import console
from interpose.core.errors import InterposeError

COMMANDS = (
    *("run", "replay", "test", "show", "policy", "rehearse", "audit", "redact", "prune", "diff", "learn", "import"),
    *("export", "lint", "wrap", "unwrap", "doctor", "demo"),
)


class _Lazy(click.Group):
    """Imports a command's module when it is asked for: `run` must start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) or cmd_name == "test" else cmd_name
        command: click.Command = importlib.import_module(f"interpose.app.cli.{module}").command
        return command


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
