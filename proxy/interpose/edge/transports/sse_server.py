"""The server's side over HTTP+SSE (2024-11-05 §basic/transports): one stream carries all it says and is the session."""

import math
from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskGroup, TaskStatus

from interpose.core.wire.http import Position, endpoint
from interpose.core.wire.sse import Block
from interpose.edge.transports.http_server_delivery import Delivery
from interpose.edge.transports.http_server_exchange import Answer, Exchanges, Unanswered

_HEADERS = (("Accept", "text/event-stream"),)
_ENDPOINT_WITHIN = 5.0


class SseStream:
    """The stream of an HTTP+SSE session. `lost` is told why when it ends: nothing can be resumed."""

    def __init__(self, exchanges: Exchanges, delivery: Delivery, lost: Callable[[str], None]) -> None:
        self._exchanges = exchanges
        self._delivery = delivery
        self._lost = lost
        self._position = Position()
        self.problem: str | None = None  # why a stream that was there cannot be used

    async def open(self, tasks: TaskGroup) -> bool:
        """Open the stream, in a task of its own. False when there is none that begins with an endpoint."""
        opened: bool = await tasks.start(self._run)
        return opened

    async def _run(self, *, task_status: TaskStatus[bool]) -> None:
        reason = "the server ended its stream"
        with anyio.move_on_after(_ENDPOINT_WITHIN) as limit:
            try:
                async with self._exchanges.ask("GET", _HEADERS) as answer:
                    await self._read(answer, limit, task_status)
            except Unanswered as error:
                reason = f"its stream broke: {error}"
        if self._delivery.detached:
            self._lost(f"{self._exchanges.where}: {reason}, and with it the session")
        else:
            task_status.started(False)

    async def _read(self, answer: Answer, limit: anyio.CancelScope, task_status: TaskStatus[bool]) -> None:
        if not answer.streams:
            await self._delivery.read_refusal(answer)
            return
        async for blocks in answer.blocks():
            if not self._delivery.detached and not self._settle(blocks):
                self._delivery.overhear_blocks(answer.channel, blocks)
                return
            if self._delivery.detached and limit.deadline != math.inf:
                limit.deadline = math.inf
                task_status.started(True)
            self._delivery.hear_blocks(answer.channel, blocks, self._position)
            del blocks

    def _settle(self, blocks: Sequence[Block]) -> bool:
        """Take the endpoint from the first event. False when it is none that may be used."""
        first = next((block for block in blocks if block.dispatches), None)
        if first is None:
            return True
        if first.event != "endpoint" or first.data is None:
            return False
        url = endpoint(self._exchanges.url, first.data)
        if url is None:
            named = first.data.decode("utf-8", "replace")
            self.problem = f"{self._exchanges.where} names an endpoint in another origin, {named}: refused"
            return False
        self._exchanges.url = url
        self._delivery.detached = True
        return True
