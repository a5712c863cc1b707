"""`interpose run`: be in the middle of a live client and a live server, each on stdio or HTTP."""

from collections.abc import Sequence
from typing import Any

import click

from interpose.app.cli import session_options
from interpose.app.headers import from_environment, stated
from interpose.app.loading import loading
from interpose.app.running.options import Options
from interpose.core.errors import UsageError


@click.command("run")
@session_options.listen("Serve HTTP clients here instead of standard input and output.")
@session_options.record("Keep every session; one file is one session.")
@click.option("--upstream", metavar="URL", help="A server reached over HTTP instead of a command.")
@click.option(
    "--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="Send this to --upstream (no --listen)."
)
@click.option(
    "--header-env", metavar="NAME=VAR", multiple=True, help="As --header, with the value of an environment variable."
)
@session_options.governing
@click.option("--otel", metavar="URL", help="Send spans of what happens to this OpenTelemetry collector (OTLP/HTTP).")
@click.option(
    "--otel-header-env", metavar="NAME=VAR", multiple=True, help="A header for --otel, out of an environment variable."
)
@click.option(
    "--ui",
    metavar="[HOST:PORT]",
    is_flag=False,
    flag_value="127.0.0.1:0",
    help="A page to see the sessions and to decide about what is held; its address is on standard error.",
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="With --listen: answer from so many processes; a session stays with one.",
)
@click.option("--name", help="What to call the server. Default: taken from its command or address.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def command(command: Sequence[str], **given: Any) -> int:
    """Put interpose between a client and the server that COMMAND starts, or that --upstream names.

    Prints the protocol alone: standard error is for people, and for what the server writes there.

    \b
    Exit codes: 0 fine or COMMAND's own, 2 usage or a bad policy, 3 an end failed or a recording has gaps.

    \b
    Examples:
      interpose run --record session.jsonl -- npx -y @modelcontextprotocol/server-everything stdio
      interpose run --policy careful.toml --redact secrets -- npx -y @scope/server
      interpose run --upstream https://mcp.example.com/mcp --header-env Authorization=TOKEN
      interpose run --listen 127.0.0.1:8900 --record sessions/ --upstream http://127.0.0.1:3001/mcp
      interpose run --listen 127.0.0.1:8900 --workers 2 --upstream http://127.0.0.1:3001/mcp
    """
    rules = session_options.rules(given)
    headers = (*map(stated, given.pop("headers")), *map(from_environment, given.pop("header_env")))
    otel_headers = tuple(from_environment(each, "--otel-header-env") for each in given.pop("otel_header_env"))
    options = Options(**given, headers=headers, otel_headers=otel_headers, rules=rules, command=tuple(command))
    if bool(options.command) == bool(options.upstream):
        raise UsageError("say which server: either `-- COMMAND ...` or `--upstream URL`")
    if options.headers and (options.listen or not options.upstream):
        raise UsageError("--header goes with --upstream and a client on standard input; other clients send their own")
    if options.otel_headers and not options.otel:
        raise UsageError("--otel-header-env goes with --otel")
    if options.workers > 1 and not options.listen:
        raise UsageError("--workers goes with --listen")
    if options.workers > 1 and options.ui:
        raise UsageError("--ui shows the sessions of one process: leave out --workers, or open the recordings later")
    return _run(options)


def _run(options: Options) -> int:
    with loading():
        if options.listen:
            from interpose.app.running.listener import run_listener as run
        elif options.upstream:
            from interpose.app.running.remote import run_remote as run
        else:
            from interpose.app.running.child import run_child as run
    return run(options)
