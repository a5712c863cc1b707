"""An exchange whose request is on its way: what a door may give back instead of a coroutine."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from typing import Any

from aiohttp import web

from interpose.edge.transports.reply import Reply


class Underway(ABC):
    """Somebody's answer, for whom no task has to wait: whoever asked is called when it is here.

    Either it is awaited, or `then` is given a call; in the end `abandon` is called, and does nothing where all is done.
    """

    @property
    @abstractmethod
    def is_under_way(self) -> bool:
        """Whether the request was sent, so that `then` may be used."""

    @abstractmethod
    def then(self, here: Callable[[], None]) -> None:
        """Call this once, when the answer has begun or will never come."""

    @abstractmethod
    def finish(self) -> Reply | None:
        """The reply, gone out, where the answer is here whole and nothing has to wait. Else None: await this."""

    @abstractmethod
    def abandon(self) -> None:
        """The client is gone, or was answered."""

    @abstractmethod
    def __await__(self) -> Generator[Any, None, web.StreamResponse]:
        """Carry it to its end."""
