"""The sessions of one run, and the policies in force over them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from interpose.app import console
from interpose.app.running.options import Governing
from interpose.app.running.preparing import Prepared, policies
from interpose.edge.conversations import Conversations


def conversations(prepared: Prepared) -> Conversations:
    """The sessions to come."""
    options = prepared.options
    return Conversations(options.record, options.server(), console.say, prepared.policies, prepared.approver)


@asynccontextmanager
async def watched(prepared: Prepared, sessions: Conversations) -> AsyncIterator[None]:
    """Let be heard what is recorded by who was asked for, within the block. Sessions are to end in it."""
    async with AsyncExitStack() as stack:
        if prepared.collector is not None:
            from interpose.edge.spans.exporter import exporting

            sessions.watch(await stack.enter_async_context(exporting(prepared.collector, console.say)))
        if prepared.page is not None:
            sessions.watch(prepared.page.hub)
            await stack.enter_async_context(prepared.page.serving(console.say))
        yield


@contextmanager
def reloading(options: Governing, sessions: Conversations) -> Iterator[None]:
    """Take over what changes in policy files, within the block."""
    if not options.policy:
        yield
        return
    from interpose.edge.reloading import Reloader

    reloader = Reloader(options.policy, lambda: policies(options), sessions, console.say)
    task = asyncio.get_running_loop().create_task(reloader.run())
    try:
        yield
    finally:
        task.cancel()
