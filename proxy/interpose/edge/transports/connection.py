"""One connection to an HTTP server: a request at a time goes out on it, and the answer comes in."""

import asyncio

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage

_HEADER_LIMIT = 1 << 16


class Connection(ResponseHandler):
    """aiohttp's reading of answers, and nothing of its writing of requests: what is sent are the bytes that are given.

    `write` never waits; `drained` tells when the system has taken it all.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._content: aiohttp.StreamReader | None = None

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

    def expect(self, verb: str) -> None:
        """The answer to a request of this verb comes next."""
        self._content = None
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
