"""A child's standard error: passed on to ours as it comes, recorded line by line, and not judged."""

import asyncio
from collections.abc import Callable

from interpose.core.wire.lines import LineSplitter
from interpose.edge.runner import Conversation
from interpose.edge.transports.pipes import READ_SIZE, Reader

Echo = Callable[[bytes], None]


async def relay(stderr: Reader, conversation: Conversation, echo: Echo) -> None:
    """Carry it to its end. `echo` may block: it runs in a thread."""
    splitter = LineSplitter()

    def tell(line: bytes) -> None:
        conversation.tell("server", "stderr", line.decode("utf-8", "replace"))

    while chunk := await stderr.read(READ_SIZE):
        for line, _ in splitter.feed(chunk):
            tell(line)
        await asyncio.to_thread(echo, chunk)
    for line, _ in splitter.finish():
        tell(line)
