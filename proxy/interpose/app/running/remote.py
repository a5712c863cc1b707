"""A client on our standard input and output, in front of a server over HTTP."""

import anyio

from interpose.app import console
from interpose.app.loading import loading
from interpose.app.running.options import Options
from interpose.app.running.preparing import Prepared, prepare
from interpose.app.running.sessions import conversations, reloading, watched
from interpose.core.errors import EndError
from interpose.edge.conversations import Conversations
from interpose.edge.remote import RemoteSession
from interpose.edge.serving import check_reachable
from interpose.edge.transports import pipes, stdio
from interpose.edge.transports.http_server import HttpServerLink


def run_remote(options: Options) -> int:
    """Returns the exit status. Raises: InterposeError for what can be mended on the command line."""
    with loading():
        prepared = prepare(options)
        sessions = conversations(prepared)
    return anyio.run(_run, prepared, sessions)


async def _run(prepared: Prepared, sessions: Conversations) -> int:
    async with watched(prepared, sessions):
        return await _converse(prepared.options, sessions)


async def _converse(options: Options, sessions: Conversations) -> int:
    url = options.upstream or ""
    try:
        with reloading(options, sessions):
            await check_reachable(url)
            conversation = sessions.open({"transport": "stdio"})
            client = await stdio.own(conversation.clock)
            server = HttpServerLink(url, conversation.clock, options.headers)
            status = await RemoteSession(conversation, server, client, console.say).run()
    finally:
        sessions.close_all("interpose failed")
        pipes.restore_blocking()
    return status or (EndError.exit_code if sessions.lost else 0)
