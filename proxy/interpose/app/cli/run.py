"""`interpose run`: be in the middle of a live client and a live server."""

from collections.abc import Sequence

import anyio
import click

from interpose.app import console
from interpose.core.errors import EndError, UsageError
from interpose.edge.conversations import Conversations
from interpose.edge.stores import naming


@click.command("run", context_settings={"ignore_unknown_options": True})
@click.option("--listen", metavar="HOST:PORT", help="Serve HTTP clients here instead of standard input and output.")
@click.option("--record", metavar="FILE|DIR", help="Keep every session; one file is one session.")
@click.option("--upstream", metavar="URL", help="A server reached over HTTP instead of a command.")
@click.option("--name", help="What to call the server. Default: taken from its command or address.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def command(
    listen: str | None, record: str | None, upstream: str | None, name: str | None, command: Sequence[str]
) -> int:
    """Put interpose between a client and the server that COMMAND starts, or that --upstream names.

    Example: interpose run --record session.jsonl -- npx -y @modelcontextprotocol/server-everything stdio
    """
    if bool(command) == bool(upstream):
        raise UsageError("say which server: either `-- COMMAND ...` or `--upstream URL`")
    if listen is None:
        return anyio.run(_run_local, record, name, tuple(command))
    if upstream is None:
        raise UsageError("--listen with a command is not wired yet")
    return anyio.run(_run_listener, listen, record, name, upstream)


async def _run_local(record: str | None, name: str | None, command: Sequence[str]) -> int:
    from interpose.edge.local import LocalSession
    from interpose.edge.transports import pipes, process
    from interpose.edge.transports.stdio import StdioLink

    server = {"transport": "stdio", "name": name or naming.of_command(command), "command": list(command)}
    conversations = Conversations(record, server, console.say)
    conversations.check()
    child = await process.start(command)
    conversation = conversations.open({"transport": "stdio"})
    client = StdioLink("client", await pipes.reader(0), await pipes.writer(1), conversation.clock)
    try:
        status = await LocalSession(conversation, child, client, console.write).run()
    finally:
        conversations.close_all("interpose failed")
        pipes.restore_blocking()
    return status or (EndError.exit_code if conversations.lost else 0)


async def _run_listener(listen: str, record: str | None, name: str | None, upstream: str) -> int:
    from interpose.edge.relay import Relay
    from interpose.edge.serving import address, check_reachable, serve

    host, port = address(listen)
    await check_reachable(upstream)
    server = {"transport": "http", "name": name or naming.of_address(upstream), "url": upstream}
    conversations = Conversations(record, server, console.say)
    conversations.check()

    def ready(bound: int) -> None:
        console.say(f"listening on http://{host}:{bound}/mcp, in front of {upstream}")

    await serve(Relay(upstream, conversations), host, port, ready)
    return EndError.exit_code if conversations.lost else 0
