"""`interpose run`: be in the middle of a live client and a live server, each on stdio or HTTP."""

import asyncio
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import click
import msgspec

from interpose.app import console
from interpose.core.errors import EndError, UsageError
from interpose.core.events import Headers
from interpose.edge.approvers import APPROVERS
from interpose.edge.conversations import Conversations
from interpose.edge.stores import naming

if TYPE_CHECKING:
    from interpose.core.policy.rule import Policy


class Options(msgspec.Struct, frozen=True):
    """What the command line said."""

    listen: str | None
    record: str | None
    upstream: str | None
    name: str | None
    headers: Headers
    policy: tuple[str, ...]
    rules: tuple[str, ...]
    approver: str
    command: tuple[str, ...]

    def server(self) -> dict[str, Any]:
        """The server end, as a recording's header describes it."""
        if self.upstream is not None:
            name = self.name or naming.of_address(self.upstream)
            return {"transport": "http", "name": name, "url": self.upstream}
        name = self.name or naming.of_command(self.command)
        return {"transport": "stdio", "name": name, "command": list(self.command)}


@click.command("run")
@click.option("--listen", metavar="HOST:PORT", help="Serve HTTP clients here instead of standard input and output.")
@click.option("--record", metavar="FILE|DIR", help="Keep every session; one file is one session.")
@click.option("--upstream", metavar="URL", help="A server reached over HTTP instead of a command.")
@click.option(
    "--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="Send this to --upstream (no --listen)."
)
@click.option("--policy", metavar="FILE", multiple=True, help="Enforce the rules in this file; may be repeated.")
@click.option("--block", metavar="WHAT", multiple=True, help="Short rule: sampling, roots, tool=NAME ...")
@click.option("--hold", metavar="WHAT", multiple=True, help="Short rule, as --block: wait 50 s for an approval.")
@click.option("--redact", metavar="WHAT", multiple=True, help="Short rule: secrets, email, phone, card, iban, ip.")
@click.option(
    "--approver",
    type=click.Choice(list(APPROVERS)),
    default="nobody",
    show_default=True,
    help="Who decides about what a rule holds: nobody (its timeout does), or the same answer to all, at once.",
)
@click.option("--name", help="What to call the server. Default: taken from its command or address.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def command(
    headers: tuple[str, ...],
    policy: tuple[str, ...],
    block: tuple[str, ...],
    hold: tuple[str, ...],
    redact: tuple[str, ...],
    command: Sequence[str],
    **given: Any,
) -> int:
    """Put interpose between a client and the server that COMMAND starts, or that --upstream names.

    Example: interpose run --record session.jsonl -- npx -y @modelcontextprotocol/server-everything stdio
    """
    short = {"block": block, "hold": hold, "redact": redact}
    rules = tuple(f"{verb} {what}" for verb, whats in short.items() for what in whats)
    options = Options(**given, headers=tuple(map(_header, headers)), policy=policy, rules=rules, command=tuple(command))
    if bool(options.command) == bool(options.upstream):
        raise UsageError("say which server: either `-- COMMAND ...` or `--upstream URL`")
    if options.headers and (options.listen or not options.upstream):
        raise UsageError("--header goes with --upstream and a client on standard input; other clients send their own")
    return anyio.run(_run_listener if options.listen else _run_stdio, options)


def _conversations(options: Options) -> Conversations:
    policies, approver = _policies(options), APPROVERS[options.approver]
    gc.freeze()  # what is loaded by now stays to the end: nobody need look through it for garbage
    conversations = Conversations(options.record, options.server(), console.say, policies, approver)
    conversations.check()
    return conversations


def _policies(options: Options) -> "tuple[Policy, ...]":
    """What is enforced; nothing is imported for it when that is nothing."""
    if not options.policy and not options.rules:
        return ()
    from interpose.app.policies import from_rules, read_all

    return (*read_all(options.policy), *from_rules(options.rules))


@contextmanager
def _reloading(options: Options, conversations: Conversations) -> Iterator[None]:
    """Take over what changes in policy files, within the block."""
    if not options.policy:
        yield
        return
    from interpose.edge.reloading import Reloader

    reloader = Reloader(options.policy, lambda: _policies(options), conversations, console.say)
    task = asyncio.get_running_loop().create_task(reloader.run())
    try:
        yield
    finally:
        task.cancel()


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not text.isprintable():
        raise UsageError("--header: want 'NAME: VALUE'")
    return name.strip(), value.strip()


async def _run_stdio(options: Options) -> int:
    """A client on our standard input and output."""
    from interpose.edge.transports import pipes

    conversations = _conversations(options)
    try:
        with _reloading(options, conversations):
            status = await (_run_remote if options.upstream else _run_child)(options, conversations)
    finally:
        conversations.close_all("interpose failed")
        pipes.restore_blocking()
    return status or (EndError.exit_code if conversations.lost else 0)


async def _run_child(options: Options, conversations: Conversations) -> int:
    from interpose.edge.local import LocalSession
    from interpose.edge.transports import process, stdio

    child = await process.start(options.command)
    conversation = conversations.open({"transport": "stdio"})
    client = await stdio.own(conversation.clock)
    return await LocalSession(conversation, child, client, console.write).run()


async def _run_remote(options: Options, conversations: Conversations) -> int:
    from interpose.edge.remote import RemoteSession
    from interpose.edge.serving import check_reachable
    from interpose.edge.transports import stdio
    from interpose.edge.transports.http_server import HttpServerLink

    url = options.upstream or ""
    await check_reachable(url)
    conversation = conversations.open({"transport": "stdio"})
    client = await stdio.own(conversation.clock)
    server = HttpServerLink(url, conversation.clock, options.headers)
    return await RemoteSession(conversation, server, client, console.say).run()


async def _run_listener(options: Options) -> int:
    """Clients that come over HTTP."""
    from interpose.edge.hosting import ChildHost
    from interpose.edge.relay import Relay
    from interpose.edge.serving import address, check_reachable, serve

    host, port = address(options.listen or "")
    if options.upstream:
        await check_reachable(options.upstream)
    conversations = _conversations(options)
    if options.upstream:
        door: Relay | ChildHost = Relay(options.upstream, conversations)
    else:
        door = ChildHost(options.command, conversations, console.write)

    def ready(bound: int) -> None:
        before = options.upstream or " ".join(options.server()["command"])
        console.say(f"listening on http://{host}:{bound}/mcp (and /sse), in front of {before}")

    with _reloading(options, conversations):
        await serve(door, host, port, ready)
    return EndError.exit_code if conversations.lost else 0
