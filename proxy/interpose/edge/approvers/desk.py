"""What waits for a decision in all sessions of one process, for whoever shows it to people. Not how it is shown."""

import asyncio
import time
from collections.abc import Callable

from interpose.core.effects import Release, Seek
from interpose.core.errors import InterposeError
from interpose.core.events import Decision
from interpose.core.formats.approval import Asked, asked_of
from interpose.edge.link import Decide

_MOST = 4000
_MOST_BYTES = 256 << 20
_REMEMBERED = 4000
_ENDS = {
    "approve": "it was approved",
    "edit": "it was approved, changed",
    "answer": "it was answered",
    "decline": "it was declined",
    "cancel": "it was dismissed",
    "release": "its time has come",
    "expire": "its time was over",
    "abandon": "nobody waits for it any more",
    "reload": "other rules are in force: what they hold has another name",
}


class Gone(InterposeError):
    """Nothing of this name waits; the text says why."""


class Unfit(InterposeError):
    """A decision that cannot be made about this message; it still waits."""


class Desk:
    """An approver that keeps what waits until somebody comes by and decides.

    Bounded: what is too much ends at once as if its time were over. All in one event loop.
    """

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._waiting: dict[str, tuple[Asked, Decide]] = {}
        self._bytes = 0
        self._ended: dict[str, str] = {}
        self._callbacks: dict[object, Callable[[], None]] = {}
        self._telling = False

    def seek(self, seek: Seek, decide: Decide) -> None:
        loop = asyncio.get_running_loop()
        if len(self._waiting) >= self._most or self._bytes + len(seek.message) > self._most_bytes:
            loop.call_soon(decide, "expire", "too much waits already")
            return
        now = time.time()
        self._waiting[seek.hold] = asked_of(seek, now, now + seek.until - seek.at), decide
        self._bytes += len(seek.message)
        self._changed()

    def release(self, release: Release) -> None:
        found = self._waiting.pop(release.hold, None)
        if found is None:
            return
        self._bytes -= len(bytes(found[0].message))
        by = f" by {release.by}" if release.by and release.why != "reload" else ""
        self._ended[release.hold] = _ENDS[release.why] + by
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]
        self._changed()

    def pending(self) -> tuple[Asked, ...]:
        """What waits, oldest first."""
        return tuple(asked for asked, _ in self._waiting.values())

    def fate(self, hold: str) -> str:
        """What became of something that waits no more, in words."""
        return self._ended.get(hold, "there never was anything of this name")

    def decide(
        self, hold: str, decision: Decision, by: str, *, edited: bytes | None = None, answer: bytes | None = None
    ) -> None:
        """Decide about what waits under this name. `by` says who, for the recording.

        `edited` goes with `edit`: the whole message as it shall go on. `answer` goes with `answer`: the result that the
        user's side gives. Raises: Gone, Unfit.
        """
        found = self._waiting.get(hold)
        if found is None:
            raise Gone(f"`{hold[:40]}` waits no more: {self.fate(hold)}")
        asked, decide = found
        if decision not in asked.may:
            raise Unfit(f"`{decision}` cannot be said here; what can: {', '.join(asked.may)}")
        if (doubt := decide(decision, by, answer if decision == "answer" else edited)) != "":
            raise Unfit(doubt)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called soon after something began or ceased to wait, once for several at a time.

        Returns what ends that.
        """
        key = object()
        self._callbacks[key] = callback

        def unsubscribe() -> None:
            self._callbacks.pop(key, None)

        return unsubscribe

    def _changed(self) -> None:
        if self._callbacks and not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        for callback in tuple(self._callbacks.values()):
            callback()
