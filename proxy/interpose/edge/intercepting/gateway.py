"""The door that mitmdump's addon knocks at: it lets nobody else in, and keeps one relay for each true origin."""

import asyncio
import hmac
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from interpose.core.wire.http import same_origin
from interpose.edge.intercepting.origins import Origins
from interpose.edge.intercepting.straight import StraightRelay
from interpose.edge.transports.exchange import refusal
from interpose.edge.transports.raw_headers import RawHeaders

_MOST = 100  # origins: beyond this the longest idle one is let go
_ORIGIN = re.compile(r"https?://(?:\[[0-9a-f:.]+\]|[^\s/@?#\[\]:]+)(?::\d{1,5})?")
_OURS = (b"interpose-secret", b"interpose-target", b"interpose-host")
_PAGE = b"interpose-origin"  # under its own name the listener would take it for a page that talks to us


class _Origin:
    """A relay, and how many exchanges are in it."""

    def __init__(self, relay: StraightRelay) -> None:
        self.relay = relay
        self.open = 0


class Gateway:
    """Where intercepted exchanges come in. `secret` is this run's; without it there is a 403 and nothing else."""

    def __init__(self, secret: str, conversations: Origins) -> None:
        self._secret = secret.encode()
        self._conversations = conversations
        self._origins: dict[str, _Origin] = {}  # the longest unused first

    async def aclose(self) -> None:
        for origin in self._origins.values():
            await origin.relay.aclose()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        given = {name.lower(): value for name, value in request.raw_headers if name.lower() in _OURS}
        if not hmac.compare_digest(given.get(_OURS[0], b""), self._secret):
            return refusal(403, "this listener serves interpose's own mitmdump alone")
        address, host = (_text(given.get(name, b"")) for name in _OURS[1:])
        if not _ORIGIN.fullmatch(address):
            return refusal(400, "no server is named")
        if not _names(host, address):
            return refusal(421, f"the Host header names {host[:200]}, but the connection is to {address}")
        origin = await self._origin(address)
        if origin is None:
            return refusal(503, f"more than {_MOST} servers at once")
        origin.open += 1
        try:
            return await origin.relay.handle(_true(request, urlsplit(address).scheme, host))
        finally:
            origin.open -= 1

    async def _origin(self, address: str) -> _Origin | None:
        """The relay to an origin; None when there are too many that are in use."""
        origin = self._origins.pop(address, None)
        if origin is None and len(self._origins) >= _MOST:
            idle = next((name for name, each in self._origins.items() if not each.open), None)
            if idle is None:
                return None
            self._conversations.forget(idle)
            await self._origins.pop(idle).relay.aclose()
        self._origins[address] = origin or _Origin(StraightRelay(address, self._conversations.at(address)))
        return self._origins[address]


def _names(host: str, address: str) -> bool:
    """Whether a Host header stands for an origin: else what is judged for one server would be read by another."""
    said = f"{urlsplit(address).scheme}://{host}"
    return bool(_ORIGIN.fullmatch(said.lower())) and same_origin(said, address)


def _true(request: web.BaseRequest, scheme: str, host: str) -> web.BaseRequest:
    """The request as the client sent it."""
    headers = tuple(_restored(request.raw_headers, host.encode("utf-8", "surrogateescape")))
    decoded = CIMultiDict((_text(name), _text(value)) for name, value in headers)
    return web.BaseRequest(
        request._message._replace(headers=CIMultiDictProxy(decoded), raw_headers=headers),
        request.content,
        request.protocol,
        request.writer,
        request.task,
        asyncio.get_running_loop(),
        scheme=scheme,
        host=host,
    )


def _restored(headers: RawHeaders, host: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Headers without those that are between the addon and us; `Host` and `Origin` are the client's own again."""
    for name, value in headers:
        lower = name.lower()
        if lower == _PAGE:
            yield name[-len(b"origin") :], value
        elif lower not in _OURS:
            yield name, host if lower == b"host" else value


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
