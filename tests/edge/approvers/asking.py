"""Questions for approvers, and what they decide."""

import asyncio
from collections.abc import Callable
from typing import Any

import anyio

from interpose.core.effects import Seek
from interpose.core.events import Decision

SECONDS = 20.0


def seek(hold: str = "h1", message: bytes = b'{"jsonrpc":"2.0","id":1,"method":"ping"}', seconds: float = 30.0) -> Seek:
    may: tuple[Decision, ...] = ("approve", "decline", "edit", "answer")
    return Seek(
        1.0, "s1", "srv", hold, 1.0 + seconds, "client", "ping", message, ("ask-me",), may, "it is refused"
    )  # fmt: skip


class Heard:
    """Hears decisions; `doubt` is what it says of each."""

    def __init__(self, doubt: str = "") -> None:
        self.decisions: list[tuple[Any, ...]] = []
        self.doubt = doubt

    def __call__(self, decision: Decision, by: str, instead: bytes | None = None, /) -> str:
        self.decisions.append((decision, by, instead))
        return self.doubt


async def until(probe: Callable[[], Any]) -> Any:
    """What `probe` gives once it gives something."""
    with anyio.fail_after(SECONDS):
        while not (found := probe()):  # noqa: ASYNC110 - a file, a process: nothing that could set an event
            await asyncio.sleep(0.01)
        return found
