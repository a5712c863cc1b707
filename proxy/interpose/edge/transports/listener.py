"""An HTTP listener: accepts clients, refuses foreign pages (DNS rebinding), hands every exchange to a door."""

import logging
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http import HttpProcessingError

from interpose.core.errors import EndError
from interpose.edge.transports.arrivals import Arrivals

_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
_NETLOC = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?", re.IGNORECASE)
_HEADER_LIMIT = 1 << 16
KEEPALIVE_SECONDS = 75.0


class Door(Protocol):
    """Who answers the exchanges that a listener accepts."""

    def handle(self, request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        """Answer one exchange. Cancelled when the client disconnects."""

    async def aclose(self) -> None:
        """End what is open."""


class Listener:
    """A bound listener. `port` is the one really bound (asking for 0 gives a free one)."""

    def __init__(self, door: Door, host: str, port: int) -> None:
        self._door = door
        self._host = host
        self.port = port
        self._site: web.TCPSite | None = None
        self._runner = runner_of(door, host)

    async def start(self) -> None:
        """Bind. Raises EndError when the address cannot be had."""
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, self._host, self.port)
        try:
            await self._site.start()
        except OSError as error:
            await self._runner.cleanup()
            self._site = None
            raise cannot_listen(self._host, self.port, error) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop accepting, end what is open."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        await self._door.aclose()
        await self._runner.cleanup()


class _Guard:
    """Turns foreign pages away from a listener that is for this machine alone."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def handle(self, request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        headers = request.headers
        refusal = _foreign(tuple(headers.getall("Host", ())), tuple(headers.getall("Origin", ())))
        return self._door.handle(request) if refusal is None else self._refuse(refusal)

    async def _refuse(self, why: str) -> web.StreamResponse:
        return web.Response(status=403, text=f"interpose: {why}\n")


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return Arrivals(self, loop=self._loop, **self._kwargs)


def runner_of(door: Door, host: str, server: Callable[..., web.Server] = _Server) -> web.ServerRunner:
    """What serves a door to the clients of a listener at `host`. `server` makes what makes connections."""
    return web.ServerRunner(
        server(
            _Guard(door).handle if is_loopback(host) else door.handle,
            handler_cancellation=True,
            auto_decompress=False,
            access_log=None,
            logger=_logger(),
            keepalive_timeout=KEEPALIVE_SECONDS,
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        ),
        shutdown_timeout=1.0,
    )


def cannot_listen(host: str, port: int, error: OSError) -> EndError:
    """An address cannot be had."""
    return EndError(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --listen HOST:PORT")


def foreign(hosts: Sequence[str], origins: Sequence[str]) -> str | None:
    """Why a request to a loopback listener is not from this machine's own programs; None when it may pass.

    2025-11-25 §basic/transports, security warning: `Host` must name this machine, `Origin`, when present, too.
    """
    if len(hosts) != 1 or not _is_local(hosts[0]):
        return "the Host header does not name this machine; use http://127.0.0.1 or http://localhost"
    if len(origins) > 1:
        return "more than one Origin header"
    if origins and not _is_local_origin(origins[0]):
        return f"pages of {origins[0][:200]} may not talk to this listener"
    return None


_foreign = lru_cache(maxsize=256)(foreign)  # a client says the same each time


def is_loopback(host: str) -> bool:
    """Does a bind address accept only this machine's programs."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_local_origin(origin: str) -> bool:
    scheme, mark, netloc = origin.partition("://")
    return bool(mark and scheme) and _is_local(netloc)


def _is_local(netloc: str) -> bool:
    """A name or address of this machine, and at most a port: no path, no user, no list."""
    if _NETLOC.fullmatch(netloc) is None:
        return False
    try:
        name = urlsplit(f"//{netloc}").hostname
    except ValueError:
        return False
    return name is not None and (name in _NAMES or is_loopback(name))


class _OneLine(logging.Handler):
    """What goes wrong inside the HTTP server as one line for people: a traceback helps nobody who runs a proxy.

    A client that does not speak HTTP was told so, with status 400; that is not our user's business.
    """

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            return
        words = f": {type(error).__name__}: {error}" if error is not None else ""
        line = " ".join(f"interpose: {record.getMessage()}{words}".split())[:500]
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            pass


def _logger() -> logging.Logger:
    """A logger of our own for aiohttp's server: nothing of it goes anywhere else."""
    logger = logging.getLogger("interpose.listener")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(_OneLine())
    return logger
