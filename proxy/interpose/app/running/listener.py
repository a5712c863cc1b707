"""Clients that come over HTTP, in front of a server over HTTP or of commands, one for each session."""

import anyio

from interpose.app import console
from interpose.app.loading import loading
from interpose.app.running.options import Options
from interpose.app.running.preparing import prepare
from interpose.app.running.sessions import conversations, reloading, watched
from interpose.core.errors import EndError
from interpose.edge.conversations import Conversations
from interpose.edge.hosting import ChildHost
from interpose.edge.relay import Relay
from interpose.edge.serving import address, check_reachable, serve


def run_listener(options: Options) -> int:
    """Returns the exit status. Raises: InterposeError for what can be mended on the command line."""
    return anyio.run(_run, options)


async def _run(options: Options) -> int:
    host, port = address(options.listen or "")
    if options.upstream:
        await check_reachable(options.upstream)
    with loading():
        prepared = prepare(options)
        sessions = conversations(prepared)

    def ready(bound: int) -> None:
        before = options.upstream or " ".join(options.command)
        console.say(f"listening on http://{host}:{bound}/mcp (and /sse), in front of {before}")

    async with watched(prepared, sessions):
        with reloading(options, sessions):
            await serve(_door(options, sessions), host, port, ready)
    return EndError.exit_code if sessions.lost else 0


def _door(options: Options, sessions: Conversations) -> Relay | ChildHost:
    if options.upstream:
        return Relay(options.upstream, sessions)
    return ChildHost(options.command, sessions, console.write)
