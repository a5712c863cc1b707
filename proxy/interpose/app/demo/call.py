"""What a tool, prompt or resource may do while it answers: ask, report progress, log.

The seam between what the demo does and how an era says it; each era has its own kind of call, and
so has a task.
"""

# ruff: noqa: B027
from __future__ import annotations

from abc import ABC, abstractmethod

from interpose.app.demo.ask import Ask, has
from interpose.app.demo.wire import INVALID_REQUEST, Fault, Json
from interpose.app.demo.world import World

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


class Call(ABC):
    """One request in the making, or the task it became."""

    def __init__(self, arguments: Json, world: World, capabilities: Json) -> None:
        self.arguments = arguments
        self.world = world
        self.capabilities = capabilities

    def can(self, *path: str) -> bool:
        """Whether the client declared a capability."""
        return has(self.capabilities, *path)

    @abstractmethod
    async def ask(self, **asks: Ask) -> dict[str, Json]:
        """Puts questions to the user's side at once, and waits for all answers.

        In the stateless era the call is run again from its start for each round: nothing before an `ask` may
        have an effect. Raises `Refused` when the other end refuses, unless the ask is optional, which then
        gives nothing, and `Fault` when it may not be asked.
        """

    async def consent(self, ask: Ask) -> None:
        """Returns once the user has agreed on a web page; an era may rather refuse the call until then."""
        if (await self.ask(consent=ask))["consent"]["action"] != "accept":
            raise Fault(INVALID_REQUEST, "the user did not consent")

    async def pause(self) -> None:
        """Lets an era that can send the client away do so, once."""

    def progress(self, done: float, total: float, message: str) -> None:
        """Reports progress, where the client asked for it."""

    def log(self, level: str, data: Json) -> None:
        """Sends a log message, where the client wants that level."""
