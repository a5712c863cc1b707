"""`interpose demo`: an embedded client and server, interpose between them, and the recordings shown."""

import shlex
import subprocess
import sys
from pathlib import Path

import click

from interpose.app import console
from interpose.core.errors import EndError, UsageError

_ERAS = ("stateful", "stateless")


@click.command("demo")
@click.option(
    "--record",
    metavar="DIR",
    type=click.Path(),
    default="interpose-demo",
    show_default=True,
    help="Where the recordings go.",
)
def command(record: str) -> int:
    """Watch a whole conversation: a bundled client and server use every feature of MCP, in both eras.

    Nothing else needs to be installed. Each era's session is recorded and then shown.

    Prints both conversations, as `interpose show` does.

    \b
    Exit codes: 0 fine, 2 the folder cannot be written, 3 the conversation failed.

    \b
    Examples:
      interpose demo
      interpose demo --record sessions
    """
    folder = Path(record)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--record {record}: {error.strerror}; name a folder that can be written") from None
    for era in _ERAS:
        (folder / f"{era}.jsonl").unlink(missing_ok=True)
    server = [sys.executable, "-m", "interpose.app.demo.server"]
    shim = [sys.executable, "-m", "interpose", "run", "--name", "demo", "--record", str(folder / "{era}.jsonl"), "--"]
    client = [sys.executable, "-m", "interpose.app.demo.client", "--era", "both", "--", *shim, *server]
    status = subprocess.run(client, stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        raise EndError("the demo's client met something it did not expect; the recordings tell: " + str(folder))
    for era in _ERAS:
        show = [sys.executable, "-m", "interpose", "show", str(folder / f"{era}.jsonl")]
        click.echo(f"\n$ interpose show {shlex.quote(str(folder / f'{era}.jsonl'))}")
        subprocess.run(show, check=False)
    console.say(f"both sessions are in {folder}/; put interpose before your own server's command in the same way:")
    console.say("  interpose run --record session.jsonl -- COMMAND ...")
    return 0
