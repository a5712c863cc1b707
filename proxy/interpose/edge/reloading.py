"""Policy files that change while sessions run: the new rules take over between two messages, or not at all."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from interpose.core.errors import InterposeError
from interpose.edge.conversations import Conversations

if TYPE_CHECKING:
    from interpose.core.policy.rule import Policy

Read = Callable[[], "tuple[Policy, ...]"]
Stamp = tuple[int, int, int]
_GLANCE = 1.0


class Reloader:
    """Watches policy files. A file that cannot be used keeps the old rules in force, and people are told once.

    INVARIANT: what is half written is no policy, also where it could be read as one with fewer rules: a change counts
    when two looks in a row and the one after reading see the same.
    """

    def __init__(
        self, paths: Sequence[str], read: Read, conversations: Conversations, say: Callable[[str], None]
    ) -> None:
        self._paths = [Path(path) for path in paths]
        self._read = read
        self._conversations = conversations
        self._say = say
        self._stamps = self._seen = self._look()

    async def run(self) -> None:
        """Look every second."""
        while True:
            await asyncio.sleep(_GLANCE)
            self.glance()

    def glance(self) -> None:
        """Take over what changed, once it lies still."""
        stamps, before = self._look(), self._seen
        self._seen = stamps
        if stamps != before or stamps == self._stamps:
            return
        policies, problem = self._try()
        if self._look() != stamps:
            return
        self._stamps = stamps
        if problem is not None:
            self._say(f"the policy stays as it was: {problem}")
            return
        self._conversations.govern(policies)
        self._say(f"policy reloaded: {', '.join(f'{each.name} ({len(each.rules)} rules)' for each in policies)}")

    def _try(self) -> "tuple[tuple[Policy, ...], InterposeError | None]":
        """The policies, or what is wrong with them."""
        try:
            return self._read(), None
        except InterposeError as error:
            return (), error

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
