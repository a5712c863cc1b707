"""An approver that is a person with `interpose approvals`: lines on standard error say what waits for them."""

import asyncio
import atexit
from collections.abc import Callable

from interpose.core.effects import Release, Seek
from interpose.core.errors import UsageError
from interpose.core.formats.approval import asked_of, what
from interpose.core.formats.excerpt import said
from interpose.edge.approvers.desk import Desk
from interpose.edge.approvers.hatch import Hatch
from interpose.edge.link import Decide

_SHORT = 12
_LINES = 8


class Terminal:
    """A desk and a hatch to it, which opens when something waits for the first time."""

    def __init__(self, desk: Desk, say: Callable[[str], None]) -> None:
        self._desk, self._say = desk, say
        self._hatch = Hatch(desk)
        self._opening: asyncio.Task[None] | None = None
        self._told = 0  # lines since something began to wait

    def seek(self, seek: Seek, decide: Decide) -> None:
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
        self._desk.seek(seek, decide)
        self._tell(seek)

    def release(self, release: Release) -> None:
        self._desk.release(release)
        if not self._desk.pending():
            self._told = 0

    def close(self) -> None:
        """Nobody can come by any more."""
        self._hatch.close()

    def _tell(self, seek: Seek) -> None:
        """A line for each of the first that wait; who lets standard error run full must not be waited for."""
        self._told += 1
        if self._told > _LINES + 1:
            return
        if self._told > _LINES:
            self._say("more waits for approval: `interpose approvals` lists it")
            return
        about, left = what(asked_of(seek, 0.0, 0.0)), seek.until - seek.at
        self._say(
            f"{about} waits for approval ({said(', '.join(seek.rules), 80)}): `interpose approvals approve "
            f"{seek.hold[:_SHORT]}` or decline; in {left:g} s {seek.outcome}"
        )

    async def _open(self) -> None:
        atexit.register(self.close)
        try:
            await self._hatch.open()
        except (UsageError, OSError) as error:
            self._say(f"{error}; `interpose approvals` cannot reach this process")
