"""An HTTP listener's life: bind, serve until a signal, stop in order."""

import signal
from collections.abc import Callable
from urllib.parse import urlsplit

import anyio

from interpose.core.errors import EndError, UsageError
from interpose.edge.transports.listener import Door, Listener

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def serve(door: Door, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve until a signal arrives. `ready` hears the port once clients may come."""
    listener = Listener(door, host, port)
    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        try:
            await listener.start()
            ready(listener.port)
            async for _ in signals:
                break
        finally:
            with anyio.CancelScope(shield=True):
                await listener.stop()


def address(listen: str) -> tuple[str, int]:
    """`HOST:PORT`, `[v6]:PORT` or `:PORT` (this machine alone) taken apart. Raises UsageError."""
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--listen {listen}: want HOST:PORT, for example 127.0.0.1:8900")
    return host.strip("[]") or "127.0.0.1", int(port)


async def check_reachable(url: str) -> None:
    """Connect to an upstream once, and let go. Raises UsageError or EndError that says what to do."""
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (KeyError, ValueError):
        raise UsageError(f"--upstream {url}: want a URL such as http://127.0.0.1:3001/mcp") from None
    if not parts.hostname:
        raise UsageError(f"--upstream {url}: it names no host")
    try:
        with anyio.fail_after(10):
            stream = await anyio.connect_tcp(parts.hostname, port)
    except TimeoutError:
        raise EndError(f"cannot reach {parts.netloc}: no answer within 10 s; is the server running?") from None
    except OSError as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise EndError(
            f"cannot reach {parts.netloc}: {cause.strerror or cause}; start the server, or correct --upstream"
        ) from None
    await stream.aclose()
