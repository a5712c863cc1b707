"""Policy files that change while sessions run: the new rules take over between two messages, or not at all."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from interpose.core.errors import InterposeError
from interpose.edge.conversations import Conversations

if TYPE_CHECKING:
    from interpose.core.policy.rule import Policy

Read = Callable[[], "tuple[Policy, ...]"]
Stamp = tuple[int, int, int]
_GLANCE = 1.0


class Reloader:
    """Watches policy files. A file that cannot be used keeps the old rules in force, and people are told once."""

    def __init__(
        self, paths: Sequence[str], read: Read, conversations: Conversations, say: Callable[[str], None]
    ) -> None:
        self._paths = [Path(path) for path in paths]
        self._read = read
        self._conversations = conversations
        self._say = say
        self._stamps = self._look()

    async def run(self) -> None:
        """Look every second."""
        while True:
            await anyio.sleep(_GLANCE)
            self.glance()

    def glance(self) -> None:
        """Take over what changed since the last look."""
        stamps = self._look()
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            policies = self._read()
        except InterposeError as error:
            self._say(f"the policy stays as it was: {error}")
            return
        self._conversations.govern(policies)
        self._say(f"policy reloaded: {', '.join(f'{each.name} ({len(each.rules)} rules)' for each in policies)}")

    def _look(self) -> list[Stamp | None]:
        """What tells one version of a file from another; None for a file that is away (an editor replaces it)."""
        found: list[Stamp | None] = []
        for path in self._paths:
            try:
                status = path.stat()
                found.append((status.st_ino, status.st_size, status.st_mtime_ns))
            except OSError:
                found.append(None)
        return found
