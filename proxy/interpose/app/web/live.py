"""The page of one run: its sessions as they are heard, and the desk where what a rule holds is decided."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from interpose.app.web.hub import Hub
from interpose.app.web.server import Say, own_address, serving
from interpose.edge.approvers.desk import Desk


class LivePage:
    """What `run --ui` needs: `hub` is a watcher, `desk` an approver.

    `record` is where sessions are recorded to, `policies` what recordings can be rehearsed against from the page.
    """

    def __init__(self, where: str, record: str | None, policies: Sequence[str]) -> None:
        """`where` is `HOST:PORT`. Raises: UsageError."""
        self._address = own_address(where, "--ui")
        self._kept = [Path(each) for each in (*([] if record is None else [record]), *policies)]
        self.hub, self.desk = Hub(record), Desk()

    @asynccontextmanager
    async def serving(self, say: Say) -> AsyncIterator[str]:
        """Serve it within the block. Raises: EndError where the address cannot be had."""
        async with serving(self.hub, self.desk, self._kept, self._address, say) as url:
            yield url
