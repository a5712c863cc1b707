"""A desk at which somebody may come by from outside the process."""

import asyncio
import atexit

from interpose.core.effects import Release, Seek
from interpose.core.errors import UsageError
from interpose.edge.approvers.desk import Desk
from interpose.edge.approvers.errands import Say
from interpose.edge.approvers.hatch import Hatch
from interpose.edge.link import Decide


class Attended:
    """An approver: a desk and a hatch to it, which opens when something waits for the first time."""

    def __init__(self, desk: Desk, say: Say) -> None:
        self.desk, self._say = desk, say
        self._hatch = Hatch(desk)
        self._opening: asyncio.Task[None] | None = None

    def seek(self, seek: Seek, decide: Decide) -> None:
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
        self.desk.seek(seek, decide)

    def release(self, release: Release) -> None:
        self.desk.release(release)

    def close(self) -> None:
        """Nobody can come by any more."""
        self._hatch.close()

    async def _open(self) -> None:
        atexit.register(self.close)
        try:
            await self._hatch.open()
        except (UsageError, OSError) as error:
            self._say(f"{error}; `interpose approvals` cannot reach this process")
