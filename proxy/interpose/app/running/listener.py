"""Clients that come over HTTP, in front of a server over HTTP or of commands, one for each session."""

from functools import partial

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
    return _run_workers(options) if options.workers > 1 else anyio.run(_run, options)


async def _run(options: Options) -> int:
    host, port = address(options.listen or "")
    if options.upstream:
        await check_reachable(options.upstream)
    with loading():
        prepared = prepare(options)
        sessions = conversations(prepared)
    async with watched(prepared, sessions):
        with reloading(options, sessions):
            await serve(_door(options, sessions), host, port, partial(_ready, options, host))
    return EndError.exit_code if sessions.lost else 0


def _run_workers(options: Options) -> int:
    """The same by several processes. None of them may have an event loop before it is forked."""
    with loading():
        from interpose.edge.workers.process import attempt
        from interpose.edge.workers.run import Serve, run_workers
        from interpose.edge.workers.whose import of_host, of_relay

        prepare(options)  # what can be refused is refused once
    where = address(options.listen or "")
    if options.upstream and (status := attempt(partial(anyio.run, check_reachable, options.upstream), console.say)):
        return status

    async def work(serve_door: Serve) -> int:
        prepared = prepare(options)  # anew: a worker that is started later must not have older policies
        sessions = conversations(prepared)
        async with watched(prepared, sessions):
            with reloading(options, sessions):
                await serve_door(_door(options, sessions))
        return EndError.exit_code if sessions.lost else 0

    whose = of_relay(options.upstream) if options.upstream else of_host()
    return run_workers(options.workers, where, whose, work, partial(_ready, options, where[0]), console.say)


def _ready(options: Options, host: str, bound: int) -> None:
    before = options.upstream or " ".join(options.command)
    console.say(f"listening on http://{host}:{bound}/mcp (and /sse), in front of {before}")


def _door(options: Options, sessions: Conversations) -> Relay | ChildHost:
    if options.upstream:
        return Relay(options.upstream, sessions)
    return ChildHost(options.command, sessions, console.write)
