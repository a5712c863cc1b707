"""A client on our standard input and output, in front of a command.

Whatever can be refused is refused before the command is started; then it starts while we load the rest.
"""

from typing import TYPE_CHECKING

from interpose.app import console
from interpose.app.loading import loading
from interpose.app.running.options import Options
from interpose.app.running.preparing import Prepared, prepare
from interpose.core.errors import EndError
from interpose.edge.transports.ahead import Ahead, hand_on
from interpose.edge.transports.spawning import spawned

if TYPE_CHECKING:
    import subprocess

    from interpose.edge.conversations import Conversations


def run_child(options: Options) -> int:
    """Returns the exit status. Raises: InterposeError for what can be mended on the command line."""
    with loading():
        prepared = prepare(options)
    with spawned(options.command) as process:
        ahead = Ahead() if prepared.policies or process.stdin is None else hand_on(process.stdin.fileno())
        with loading():
            import asyncio

            from interpose.app.running.sessions import conversations
            from interpose.edge import local  # noqa: F401 - the session needs it at once
        return asyncio.run(_run(prepared, conversations(prepared), process, ahead))


async def _run(prepared: Prepared, sessions: "Conversations", process: "subprocess.Popen[bytes]", ahead: Ahead) -> int:
    from interpose.app.running.sessions import watched

    async with watched(prepared, sessions):
        return await _converse(prepared.options, sessions, process, ahead)


async def _converse(
    options: Options, sessions: "Conversations", process: "subprocess.Popen[bytes]", ahead: Ahead
) -> int:
    from interpose.app.running.sessions import reloading
    from interpose.edge.local import LocalSession
    from interpose.edge.transports import pipes, stdio
    from interpose.edge.transports.process import adopt

    try:
        with reloading(options, sessions):
            child = await adopt(process)
            conversation = sessions.open({"transport": "stdio"})
            client = await stdio.own(conversation.clock, ahead)
            status = await LocalSession(conversation, child, client, console.write).run()
    finally:
        sessions.close_all("interpose failed")
        pipes.restore_blocking()
    return status or (EndError.exit_code if sessions.lost else 0)
