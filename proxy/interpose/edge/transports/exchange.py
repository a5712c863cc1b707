"""One HTTP exchange in a client's hands: what the core delivered for either side, and the reply being written."""

from collections import deque
from collections.abc import Iterable

from aiohttp import web
from multidict import CIMultiDict

from interpose.core.events import Frame, Headers

_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
_OURS_ALONE = frozenset(("host", "expect"))
_ADDED_BY_SERVER = ("Content-Type", "Date", "Server")
_STEP = 1 << 18


class Reply(web.StreamResponse):
    """A response that carries the upstream's headers and none of our server's own."""

    async def _prepare_headers(self) -> None:
        absent = [name for name in _ADDED_BY_SERVER if name not in self.headers]
        await super()._prepare_headers()
        for name in absent:
            self.headers.pop(name, None)


class Exchange:
    """What goes through one exchange. `upstream` and `downstream` are what the core delivered and nobody took yet."""

    def __init__(self, request: web.BaseRequest) -> None:
        self.request = request
        self.upstream: deque[Frame] = deque()
        self.downstream: deque[Frame] = deque()
        self.reply: Reply | None = None

    async def begin(self, status: int, reason: str | None, headers: Iterable[tuple[str, str]]) -> Reply:
        """Send the status and headers."""
        self.reply = Reply(status=status, reason=reason, headers=CIMultiDict(headers))
        await self.reply.prepare(self.request)
        return self.reply

    async def flush(self, reply: Reply) -> None:
        """Write what was delivered to the client. Waits for a slow client: that is the back-pressure."""
        while self.downstream:
            raw = self.downstream.popleft().raw
            if len(raw) <= _STEP:
                await reply.write(raw)
                continue
            view = memoryview(raw)
            for start in range(0, len(view), _STEP):
                await reply.write(view[start : start + _STEP])

    def abort(self) -> None:
        """Cut the connection, so that the client does not take a broken reply for a whole one."""
        if self.request.transport is not None:
            self.request.transport.abort()


def text(raw_headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Raw headers as text, in their order and spelling."""
    return tuple((name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in raw_headers)


def end_to_end(headers: Headers) -> list[tuple[str, str]]:
    """The headers that a proxy hands on: without those of the connection, and those that it names itself."""
    named = {
        token.strip().lower() for name, value in headers if name.lower() == "connection" for token in value.split(",")
    }
    dropped = _HOP_BY_HOP | _OURS_ALONE | (named - {"close", "keep-alive"})
    return [(name, value) for name, value in headers if name.lower() not in dropped]
