"""HTTP exchanges as a client makes them: one at a time by name, told as facts, every failure one kind of exception.

Knows no JSON-RPC: what is in a body is the caller's business.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from interpose import __version__
from interpose.core.events import Closed, End, Headers, Requested, Responded
from interpose.core.wire.http import same_origin
from interpose.core.wire.sse import Block, BlockSplitter
from interpose.edge.transports.bodies import Body, is_event_stream, pieces, whole
from interpose.edge.transports.http_server_mailbox import Inbox

_REDIRECTS = 3
_HEADER_LIMIT = 1 << 16
_AGENT = ("User-Agent", f"interpose/{__version__}")


class Unanswered(Exception):
    """No answer came, or it broke off. The text says how."""


class Answer:
    """What came back in one exchange: status and headers, and a body that is read no faster than the inbox is."""

    def __init__(self, channel: str, response: aiohttp.ClientResponse, inbox: Inbox) -> None:
        self.channel = channel
        self.status = response.status
        self.ok = 200 <= response.status < 300
        self.streams = self.ok and is_event_stream(response.headers.get("Content-Type"))
        self._response = response
        self._inbox = inbox

    def header(self, name: str) -> str | None:
        return self._response.headers.get(name)

    def headers(self, name: str) -> list[str]:
        """All values of a header that may be there more than once."""
        return self._response.headers.getall(name, [])

    async def whole(self) -> bytes:
        """The body in one piece."""
        await self._inbox.room()
        return await whole(self._response.content)

    async def blocks(self) -> AsyncIterator[Sequence[Block]]:
        """The blocks of an event stream as they come; an unterminated last one dispatches nothing and is left out."""
        splitter = BlockSplitter()
        await self._inbox.room()
        async with aclosing(pieces(self._response)) as chunks:
            async for chunk in chunks:
                blocks = splitter.feed(chunk)
                if blocks:
                    yield blocks
                    del blocks
                    await self._inbox.room()


class Exchanges:
    """Makes exchanges with one server. `url` is where they go: it changes with an `endpoint` event or a redirect.

    `headers` are the user's own and go with every request, which is why no other origin is ever asked.
    """

    def __init__(self, url: str, inbox: Inbox, headers: Headers = ()) -> None:
        named = {name.lower() for name, _ in headers}
        address = URL(url, encoded=True)
        self.url = str(address.with_user(None) if "authorization" in named else address)
        self._inbox = inbox
        self._headers = headers if "user-agent" in named else (_AGENT, *headers)
        self._count = 0
        self._client: aiohttp.ClientSession

    @property
    def where(self) -> str:
        """The address for people: without credentials and query."""
        url = URL(self.url, encoded=True)
        return f"{url.origin()}{url.raw_path}"

    async def __aenter__(self) -> "Exchanges":
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    @asynccontextmanager
    async def ask(self, verb: str, headers: Headers, body: Body | None = None, name: str = "") -> AsyncIterator[Answer]:
        """One request and its answer, redirects within the origin followed. Raises Unanswered, also out of reading.

        An exchange without a name gets one.
        """
        for _ in range(_REDIRECTS):
            async with self._exchange(verb, headers, body, name) as answer:
                target = self._redirected(answer)
                if target is None:
                    yield answer
                    return
            self.url = target
        raise Unanswered("it redirects in circles")

    @asynccontextmanager
    async def _exchange(self, verb: str, headers: Headers, body: Body | None, name: str) -> AsyncIterator[Answer]:
        self._count += not name
        inbox, channel = self._inbox, name or f"x{self._count}"
        sent = (*self._headers, *headers)
        inbox.put(Requested(inbox.clock(), channel, verb, URL(self.url, encoded=True).raw_path_qs, sent))
        end: End = "server"
        reason = "end"
        try:
            async with self._request(verb, sent, body) as response:
                inbox.put(Responded(inbox.clock(), channel, response.status, _text(response)))
                yield Answer(channel, response, inbox)
        except (aiohttp.ClientError, OSError) as error:
            reason = _problem(error).replace(self.url, self.where)  # a query may hold a token
            raise Unanswered(reason) from error
        except BaseException:
            end, reason = "client", "disconnect"
            raise
        finally:
            inbox.put(Closed(inbox.clock(), end, channel, reason))

    def _request(self, verb: str, sent: Headers, body: Body | None) -> "aiohttp.client._RequestContextManager":
        headers = CIMultiDict(sent)
        if body is not None:
            headers["Content-Length"] = str(len(body.data))
        url = URL(self.url, encoded=True)
        data = None if body is None else body.chunks()
        return self._client.request(verb, url, headers=headers, data=data, allow_redirects=False)

    def _redirected(self, answer: Answer) -> str | None:
        """Where the same request is to be sent instead, within the origin; None when this is the answer."""
        location = answer.header("Location")
        if answer.status not in (307, 308) or not location:
            return None
        try:
            target = str(URL(self.url, encoded=True).join(URL(location, encoded=True)))
        except ValueError:
            return None
        return target if same_origin(self.url, target) else None


def _text(response: aiohttp.ClientResponse) -> Headers:
    return tuple(
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in response.raw_headers
    )


def _problem(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return os.strerror(number) if number is not None and number > 0 else str(error.os_error)
    return str(error) or type(error).__name__
