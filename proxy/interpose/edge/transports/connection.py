"""One connection to an HTTP server: a request at a time goes out on it, and the answer comes in."""

import asyncio
from collections.abc import Callable

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage

from interpose.edge.transports.bodies import WholeBody
from interpose.edge.transports.familiar import Familiar, announced, end_of_head

_HEADER_LIMIT = 1 << 16
_FAMILIAR: Familiar[RawResponseMessage] = Familiar()
_BODILESS = frozenset((204, 304))


class Connection(ResponseHandler):
    """aiohttp's reading of answers, and nothing of its writing of requests: what is sent are the bytes that are given.

    `write` never waits; `drained` tells when the system has taken it all.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._content: aiohttp.StreamReader | None = None
        self._verb = ""  # of the request that waits for the first bytes of its answer
        self._here: Callable[[], None] | None = None  # called once there is something to tell of the answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, asyncio.WriteTransport)
        transport.set_write_buffer_limits(high=1)

    def connection_lost(self, exc: BaseException | None) -> None:
        """aiohttp forgets whoever reads a body that was broken, or closed from here: they would wait for ever."""
        super().connection_lost(exc)
        content = self._content
        if content is not None and not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("broken"))
        self._tell()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp asks for it at the end of every body; mostly there is nothing to resume."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    @property
    def is_usable(self) -> bool:
        """Whether another request may go out: the last answer is whole, and nothing came that nobody asked for."""
        return self.is_connected() and not self.should_close

    @property
    def is_drained(self) -> bool:
        return self.transport is not None and self.transport.get_write_buffer_size() == 0

    def rest(self) -> None:
        """Nothing is expected: whatever comes now is nobody's, and leaves the connection unusable."""
        self._parser = None

    def expect(self, verb: str) -> None:
        """The answer to a request of this verb comes next."""
        self._content = self._payload = self._parser = self._here = None
        self._verb = verb

    def data_received(self, data: bytes) -> None:
        if self._verb and data:
            self._begin(data)
        else:
            super().data_received(data)
        if self._here is not None and (self._buffer or self._exception):
            self._tell()

    def then(self, here: Callable[[], None]) -> None:
        """Call this once, when the head of the answer is here or the connection has failed."""
        self._here = here

    def here(self) -> tuple[RawResponseMessage, WholeBody] | None:
        """The answer, where it came whole and is small: `answer` does not have it any more."""
        if not self._buffer:
            return None
        message, content = self._buffer[0][0]
        if not isinstance(content, WholeBody):
            return None
        self._buffer.clear()
        self._content = content
        return message, content

    def _tell(self) -> None:
        here, self._here = self._here, None
        if here is not None:
            here()

    def _begin(self, data: bytes) -> None:
        """An answer that is here in one piece, with a head that was read before, needs no parser."""
        verb, self._verb = self._verb, ""
        end = end_of_head(data)
        head = data[:end]
        message, length = _FAMILIAR.get(head, (None, -1))
        if message is not None and length == len(data) - end and verb != "HEAD":
            self.feed_data((message, WholeBody(data[end:])))
            return
        self._expect_parsed(verb)
        super().data_received(data)
        if message is None and self._buffer and verb != "HEAD":
            length = self._learn(head)
        if 0 <= length < len(data) - end:  # what follows answers nobody
            self._should_close = True

    def _learn(self, head: bytes) -> int:
        """Know the answer that aiohttp has begun to read by its head. Its length, -1 where only aiohttp knows it."""
        (message, _), _ = self._buffer[0]
        length = announced(head, message) if message.code not in _BODILESS and message.code >= 200 else None
        if length is None:
            return -1
        _FAMILIAR.learn(head, message, length)
        return length

    def _expect_parsed(self, verb: str) -> None:
        self.set_response_params(
            skip_payload=verb == "HEAD",
            read_until_eof=True,
            auto_decompress=False,
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        )

    def write(self, data: bytes | memoryview) -> None:
        """Send bytes. Raises ClientConnectionResetError."""
        if self.transport is None or self.transport.is_closing():
            raise aiohttp.ClientConnectionResetError("the server left")
        self.transport.write(data)

    async def drained(self) -> None:
        """Wait until what was written is out of our hands. Raises OSError."""
        if self.writing_paused:
            await self._drain_helper()

    async def answer(self) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
        """The head of the answer, and its body to be read. Raises ClientError or HttpProcessingError."""
        while True:
            message, content = await self.read()
            if not 100 <= message.code < 200 or message.code == 101:
                self._content = content
                return message, content
