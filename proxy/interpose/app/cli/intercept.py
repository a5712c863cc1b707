"""`interpose intercept`: be in the middle of a client that cannot be told to, through its TLS."""

import fnmatch
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import click
import msgspec

from interpose.app import console
from interpose.app.cli import session_options
from interpose.core.errors import EndError, UsageError

if TYPE_CHECKING:
    from interpose.edge.intercepting.session import Setup

_PORT = 8080  # mitmproxy's own


class Options(msgspec.Struct, frozen=True):
    """What the command line said."""

    listen: str | None
    record: str | None
    policy: tuple[str, ...]
    rules: tuple[str, ...]
    approver: tuple[str, ...]
    approver_secret_file: str | None
    mode: str
    save_flows: str | None
    mitmdump: str | None
    confdir: str
    hosts: tuple[str, ...]
    upstream_ca: str | None
    command: tuple[str, ...]


@click.command("intercept")
@session_options.listen(f"Where the proxy listens. Default: 127.0.0.1:{_PORT}; before a COMMAND, a free port.")
@session_options.record("Keep every MCP session; one file is one session.")
@session_options.governing
@click.option(
    "--mode",
    metavar="MODE",
    default="regular",
    show_default=True,
    help="regular: a proxy that clients are pointed at. reverse:URL: stand in front of one server.",
)
@click.option("--host", "hosts", metavar="GLOB", multiple=True, help="Open the TLS of these hosts alone.")
@click.option(
    "--upstream-ca",
    metavar="FILE",
    type=click.Path(),
    help="Trust servers whose certificates these authorities sign, too.",
)
@click.option(
    "--confdir",
    metavar="DIR",
    type=click.Path(),
    default="~/.mitmproxy",
    show_default=True,
    help="mitmproxy's authority.",
)
@click.option(
    "--save-flows",
    metavar="FILE",
    type=click.Path(),
    help="Have mitmproxy keep everything here too, credentials included.",
)
@click.option("--mitmdump", metavar="PATH", help="The mitmdump to use. Default: beside this Python, or on the PATH.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def command(command: Sequence[str], **given: Any) -> int:
    """Record and govern the MCP of clients that cannot be configured, through mitmproxy; leave all else alone.

    With a COMMAND that client is started, trusts the proxy and uses it; its exit code is passed on.

    Prints nothing of its own; where the proxy listens is told on standard error.

    \b
    Exit codes: 0 fine or the client's own, 2 usage or a bad policy, 3 mitmproxy failed or is not there.

    \b
    Examples:
      interpose intercept --record sessions/ -- my-agent --config agent.json
      interpose intercept --listen 127.0.0.1:8080 --host '*.example.com'
      interpose intercept --hold tool=deploy --approver terminal -- my-agent
    """
    options = Options(rules=session_options.rules(given), **given, command=tuple(command))
    _check_mode(options.mode)
    with tempfile.TemporaryDirectory(prefix="interpose-") as folder:
        return _intercept(options, Path(folder))


def _intercept(options: Options, folder: Path) -> int:
    authorities = _trusted(options, folder)
    os.environ["SSL_CERT_FILE"] = str(authorities)  # OpenSSL reads it, so before anything that speaks TLS is loaded
    return anyio.run(_run, options, _setup(options, folder, authorities))


def _trusted(options: Options, folder: Path) -> Path:
    """A file with the authorities that servers are checked against."""
    from interpose.edge.intercepting import trust

    own = [Path(trust.checked(options.upstream_ca)).read_text()] if options.upstream_ca else []
    authorities = folder / "authorities.pem"
    trust.write(authorities, (trust.system(), *own))
    return authorities


def _setup(options: Options, folder: Path, authorities: Path) -> "Setup":
    from interpose.edge.intercepting import mitmdump
    from interpose.edge.intercepting.session import Setup
    from interpose.edge.serving import address

    host, port = address(options.listen or f"127.0.0.1:{0 if options.command else _PORT}")
    return Setup(
        host=host,
        port=port,
        mode=options.mode,
        program=mitmdump.find(options.mitmdump),
        confdir=Path(options.confdir).expanduser().absolute(),
        folder=folder,
        authorities=authorities,
        hosts=tuple(fnmatch.translate(host).removeprefix("(?s:").removesuffix(r")\Z") for host in options.hosts),
        save=options.save_flows,
        strict=bool(options.policy or options.rules),
        command=options.command,
    )


def _check_mode(mode: str) -> None:
    kind, _, url = mode.partition(":")
    parts = urlsplit(url)
    if mode != "regular" and (kind != "reverse" or parts.scheme not in ("http", "https") or not parts.hostname):
        raise UsageError(f"--mode {mode}: want regular, or reverse:URL such as reverse:https://mcp.example.com")


async def _run(options: Options, setup: "Setup") -> int:
    from interpose.app.running.preparing import policies
    from interpose.app.running.sessions import reloading
    from interpose.edge.approvers import approver_of
    from interpose.edge.intercepting.origins import Origins
    from interpose.edge.intercepting.session import Interception

    approver = approver_of(options.approver, console.say, secret_file=options.approver_secret_file)
    conversations = Origins(options.record, console.say, policies(options), approver)
    conversations.check()
    with reloading(options, conversations):
        status = await Interception(setup, conversations, console.say).run()
    return status or (EndError.exit_code if conversations.lines_lost else 0)
