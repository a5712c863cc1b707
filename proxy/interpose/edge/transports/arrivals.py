"""A client's connection. Requests whose heads were read before take a short way past aiohttp's parser and its loop.

aiohttp's `RequestHandler` looks after the connection, and after all that is not plain. What a plain request spares is
the parser, two tasks' turns and a future. Its private members used here: docs/decisions/0014.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from aiohttp import web
from aiohttp.http import RawRequestMessage, StreamWriter

from interpose.edge.transports.bodies import WholeBody
from interpose.edge.transports.familiar import LARGE, Familiar, announced, end_of_head
from interpose.edge.transports.reply import Reply
from interpose.edge.transports.underway import Underway

_FAMILIAR: Familiar[RawRequestMessage] = Familiar()


class Arrivals(web.RequestHandler):
    """One connection: one request is answered after the other."""

    def __init__(self, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._is_plain = True  # aiohttp's parser was given whole requests alone: a new one may begin
        self._came = b""  # of a familiar request, until it is whole
        self._left = 0  # bytes of body that aiohttp's parser is still to be given
        self._behind = b""  # came while a familiar request is answered
        self._request: web.BaseRequest | None = None  # a familiar one that is answered now
        self._underway: Underway | None = None  # its answer, where no task waits for it
        self._answering: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether every request that came is answered."""
        waits = self._waiter is not None and not self._waiter.done() and not self._messages
        return waits and self._request is None

    @property
    def _has_started(self) -> bool:
        """Whether aiohttp has waited for, or been given, a request: its loop is a task, which begins late."""
        return self._waiter is not None or self._request_count > 0 or self._request is not None

    @property
    def has_begun(self) -> bool:
        """Whether what comes next belongs to what waits here."""
        return bool(self._came or self._behind)

    def data_received(self, data: bytes) -> None:
        if not data:  # aiohttp's own: what its parser has left
            super().data_received(data)
        elif self._request is not None:
            self._hold_back(data)
        elif self._left:
            self._left -= len(data)
            self._is_plain = self._left >= 0
            super().data_received(data)
        elif self._is_plain and not self._close and (self.is_idle or not self._has_started):
            self._begin(self._came + data)
        else:
            self._is_plain = False
            super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._break_off()
        super().connection_lost(exc)

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 (the name is given)
        await super().shutdown(timeout)
        self._break_off()

    def _break_off(self) -> None:
        """Nobody is there to be answered."""
        if self._answering is not None:
            self._answering.cancel()
        elif self._underway is not None:
            self._underway.abandon()
            self._underway = None

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp asks for it with every body that is read; mostly there is nothing to resume."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def _begin(self, data: bytes) -> None:
        """See how a request begins. It is not begun before it is whole, unless aiohttp reads it."""
        end = end_of_head(data)
        head = data[:end]
        familiar = _FAMILIAR.get(head)
        self._came = b""
        if familiar is None:
            super().data_received(data)
            self._learn(head, len(data) - end)
            return
        message, length = familiar
        missing = length - (len(data) - end)
        if missing > 0:
            self._came = data
            self._stay()
        elif missing < 0:
            self._is_plain = False
            super().data_received(data)
        else:
            self._serve(message, data[end:])

    def _learn(self, head: bytes, came: int) -> None:
        """Know a request that aiohttp has read by its head, and how much of it is still to come."""
        self._is_plain = False
        if not head or len(self._messages) != 1:
            return
        message, body = self._messages[0]
        if not isinstance(message, RawRequestMessage):
            return
        length = announced(head, message)
        if length is None or length < came or body.is_eof() != (length == came):
            return
        self._is_plain = True
        self._left = length - came
        _FAMILIAR.learn(head, message, length)

    def _hold_back(self, data: bytes) -> None:
        """A client that does not wait for its answer waits for its next one: the order is its own."""
        self._behind += data
        if len(self._behind) > LARGE and not self._buffer_paused:
            self._pause_reading_for_buffer()

    def _serve(self, message: RawRequestMessage, data: bytes) -> None:
        manager, handler, make, task = self._manager, self._request_handler, self._request_factory, self._task_handler
        if manager is None or handler is None or make is None or task is None:
            return
        manager.requests_count += 1
        writer = StreamWriter(self, self._loop)
        self._request = request = make(message, WholeBody(data), self, writer, task)
        try:
            answer = handler(request)
        except Exception as error:
            answer = _failing(error)
        if isinstance(answer, Underway) and answer.is_under_way:
            self._request_in_progress = True
            self._underway = answer
            answer.then(self._answered)
        else:
            self._wait_for(answer)

    def _answered(self) -> None:
        """The answer has begun, or will never come."""
        underway, self._underway = self._underway, None
        if underway is None:
            return
        try:
            reply = underway.finish()
        except Exception as error:
            underway.abandon()
            self._wait_for(_failing(error))
            return
        if reply is None:
            self._wait_for(underway)
            return
        underway.abandon()
        self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)
        self._done(reply.keep_alive)

    def _wait_for(self, answer: Awaitable[web.StreamResponse]) -> None:
        """Let a task wait. One that is cancelled before it began would leave the answer as it is."""
        assert self._request is not None, "it asked"
        self._answering = self._loop.create_task(self._carry_out(self._request, answer))
        if isinstance(answer, Underway):
            self._answering.add_done_callback(lambda _: answer.abandon())
        elif isinstance(answer, Coroutine):
            self._answering.add_done_callback(lambda _: answer.close())

    async def _carry_out(self, request: web.BaseRequest, answer: Awaitable[web.StreamResponse]) -> None:
        keep_alive = False
        try:
            response, reset = await self._handle_request(request, None, lambda _: answer)
            keep_alive = bool(response.keep_alive) and not reset
        except ConnectionError:
            pass
        except asyncio.CancelledError:
            self.force_close()
            raise
        except Exception as error:
            self.log_exception("Unhandled exception", exc_info=error)
        self._answering = None
        self._done(keep_alive)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """A `Reply` has gone out when it is returned."""
        if type(resp) is Reply and not self._upgraded:
            return resp, False
        return await super().finish_response(request, resp, start_time)

    def _done(self, keep_alive: bool) -> None:
        """Wait for the next request, which may be here, or part."""
        self._request, self._keepalive = None, keep_alive
        if self._close or self._force_close or not self._keepalive:
            if self.transport is not None:
                self.transport.close()
            return
        self._stay()
        if self._behind:
            behind, self._behind = self._behind, b""
            if self._buffer_paused:
                self._resume_reading_for_buffer()
            self.data_received(behind)

    def _process_keepalive(self) -> None:
        """A connection on which something is answered is not idle."""
        if self._request is not None:
            self._stay()
        super()._process_keepalive()

    def _stay(self) -> None:
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout


async def _failing(error: Exception) -> web.StreamResponse:
    raise error
