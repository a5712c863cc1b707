"""An HTTP listener: accepts clients, refuses foreign pages (DNS rebinding), hands every exchange to a door."""

import socket
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

from interpose.core.errors import EndError

_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
KEEPALIVE_SECONDS = 75.0


class Door(Protocol):
    """Who answers the exchanges that a listener accepts."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one exchange. Cancelled when the client disconnects."""

    async def aclose(self) -> None:
        """End what is open."""


class Listener:
    """A bound listener. `port` is the one really bound (asking for 0 gives a free one)."""

    def __init__(self, door: Door, host: str, port: int) -> None:
        self._door = door
        self._host = host
        self.port = port
        self._loopback = is_loopback(host)
        self._runner = web.ServerRunner(
            web.Server(
                self._handle,
                handler_cancellation=True,
                auto_decompress=False,
                access_log=None,
                keepalive_timeout=KEEPALIVE_SECONDS,
                max_line_size=1 << 16,
                max_field_size=1 << 16,
            ),
            shutdown_timeout=1.0,
        )

    async def start(self) -> None:
        """Bind. Raises EndError when the address cannot be had."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            problem = error.strerror or str(error)
            raise EndError(
                f"cannot listen on {self._host}:{self.port}: {problem}; choose another --listen HOST:PORT"
            ) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop accepting, end what is open."""
        await self._door.aclose()
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        refusal = foreign(request.headers.getall("Host", []), request.headers.getall("Origin", []))
        if self._loopback and refusal:
            return web.Response(status=403, text=f"interpose: {refusal}\n")
        if request.transport is not None and (sock := request.transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return await self._door.handle(request)


def foreign(hosts: list[str], origins: list[str]) -> str | None:
    """Why a request to a loopback listener is not from this machine's own programs; None when it may pass.

    2025-11-25 §basic/transports, security warning: `Host` must name this machine, `Origin`, when present, too.
    """
    if len(hosts) != 1 or not _is_local(hosts[0]):
        return "the Host header does not name this machine; use http://127.0.0.1 or http://localhost"
    if len(origins) > 1:
        return "more than one Origin header"
    if origins and not _is_local(urlsplit(origins[0]).netloc):
        return f"pages of {origins[0][:200]} may not talk to this listener"
    return None


def is_loopback(host: str) -> bool:
    """Does a bind address accept only this machine's programs."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_local(netloc: str) -> bool:
    if not netloc or "@" in netloc:
        return False
    try:
        name = urlsplit(f"//{netloc}").hostname
    except ValueError:
        return False
    return name is not None and (name in _NAMES or is_loopback(name))
