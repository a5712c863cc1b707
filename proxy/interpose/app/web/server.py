"""The page's listener: on this machine only, on a port of its own, off unless asked for."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from interpose.app.web.approvals import Approvals
from interpose.app.web.door import WebDoor
from interpose.app.web.guard import Guard
from interpose.app.web.hub import Hub
from interpose.app.web.library import Library
from interpose.app.web.places import Places
from interpose.app.web.replays import Replays
from interpose.app.web.sessions import Sessions
from interpose.core.errors import EndError, UsageError
from interpose.edge.approvers.desk import Desk
from interpose.edge.transports.listener import Listener, is_loopback

Say = Callable[[str], None]


def own_address(text: str, option: str) -> tuple[str, int]:
    """`HOST:PORT` taken apart, of this machine alone. Raises: UsageError."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{option} {text}: want HOST:PORT, for example 127.0.0.1:8800, or nothing")
    if not is_loopback(host):
        raise UsageError(f"{option} {text}: the page shows what nobody else should see; want 127.0.0.1 or [::1]")
    return host, int(port)


@asynccontextmanager
async def serving(
    hub: Hub, desk: Desk | None, paths: Sequence[Path], address: tuple[str, int], say: Say
) -> AsyncIterator[str]:
    """Serve the page within the block; gives the address of it. `paths` are the folders and files it may list.

    The address is said, and again when it was used: each lets one browser in. Raises: EndError.
    """
    host, port = address
    guard, sessions, approvals = Guard(), Sessions(hub, desk), Approvals(desk, hub)
    replays = Replays()
    library = Library(Places(paths), hub, replays)
    gets = {**sessions.gets(), **approvals.gets(), **library.gets()}

    def url() -> str:
        return f"http://{f'[{host}]' if ':' in host else host}:{door.port}{guard.ticket}"

    def admitted() -> None:
        say(f"the page is open; in another browser: {url()}")

    door = WebDoor(guard, gets, {**approvals.posts(), **library.posts()}, admitted)
    listener = Listener(door, host, port)
    try:
        await listener.start()
    except EndError as error:
        raise EndError(str(error).replace("--listen HOST:PORT", "HOST:PORT for the page")) from None
    door.port = listener.port
    say(f"see and decide at {url()}")
    try:
        yield url()
    finally:
        await listener.stop()
        await replays.aclose()
        hub.close()
