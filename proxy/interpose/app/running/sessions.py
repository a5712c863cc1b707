"""The sessions of one run, and the policies in force over them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from interpose.app import console
from interpose.app.running.options import Options
from interpose.app.running.preparing import Prepared, policies
from interpose.edge.conversations import Conversations

if TYPE_CHECKING:
    from interpose.core.policy.rule import Policy


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


def reloading(options: Options, sessions: Conversations) -> AbstractContextManager[None]:
    """Take over what changes in policy files, within the block."""
    return taking_over(options.policy, lambda: policies(options), sessions)


@contextmanager
def taking_over(
    files: Sequence[str], read: "Callable[[], tuple[Policy, ...]]", sessions: Conversations
) -> Iterator[None]:
    """The same for any files; `read` gives the policies that are in force from then on."""
    if not files:
        yield
        return
    from interpose.edge.reloading import Reloader

    reloader = Reloader(files, read, sessions, console.say)
    task = asyncio.get_running_loop().create_task(reloader.run())
    try:
        yield
    finally:
        task.cancel()
