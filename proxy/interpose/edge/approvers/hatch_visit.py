"""At the hatches of running interposes: what waits there, and a decision about it. Plain sockets, no event loop."""

import select
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from interpose.core.errors import UsageError
from interpose.core.formats.approval import Asked
from interpose.edge.approvers import hatch_place
from interpose.edge.approvers.desk import Gone, Unfit

_PATIENCE = 5.0
_LEAST = 4  # characters of a name
_LOOK = 1.0  # seconds between two looks for interposes that began


class Ended(msgspec.Struct, frozen=True):
    """Something waits no more."""

    ended: str
    why: str


class _Reply(msgspec.Struct, frozen=True):
    began: Asked | None = None
    ended: str | None = None
    why: str = ""
    end: bool = False
    done: bool = False
    gone: str | None = None
    unfit: str | None = None


_reply = msgspec.json.Decoder(_Reply).decode


class Hatch:
    """A connection to one running interpose."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(_PATIENCE)
        self._rest = b""

    def fileno(self) -> int:
        return self._connection.fileno()

    def close(self) -> None:
        self._connection.close()

    def say(self, wish: dict[str, object]) -> None:
        self._connection.sendall(msgspec.json.encode(wish) + b"\n")

    def hear(self) -> _Reply | None:
        """The next line; None when there is nobody any more."""
        while b"\n" not in self._rest:
            piece = self._connection.recv(1 << 20)
            if not piece:
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return _reply(line)

    @property
    def has_more(self) -> bool:
        """Whether a line is here already."""
        return b"\n" in self._rest

    def everything(self) -> Iterator[Asked]:
        """What waits now."""
        self.say({"do": "list"})
        while (reply := self.hear()) is not None and not reply.end:
            if reply.began is not None:
                yield reply.began


class Visit:
    """One held message and the hatch behind which it waits."""

    def __init__(self, hatch: Hatch, asked: Asked) -> None:
        self._hatch, self.asked = hatch, asked

    def close(self) -> None:
        self._hatch.close()

    def decide(self, decision: str, instead: bytes | None = None) -> None:
        """Raises: Gone, Unfit, UsageError."""
        wish: dict[str, object] = {"do": "decide", "hold": self.asked.hold, "decision": decision}
        if instead is not None:
            wish["answer" if decision == "answer" else "edited"] = msgspec.Raw(msgspec.json.format(instead, indent=-1))
        try:
            self._hatch.say(wish)
            reply = self._hatch.hear()
        except (OSError, ValueError):
            reply = None
        if reply is None:
            raise UsageError(f"`{self.asked.hold}`: the interpose that held it is gone, or does not answer")
        if reply.gone is not None:
            raise Gone(reply.gone)
        if reply.unfit is not None:
            raise Unfit(reply.unfit)


def everything() -> Iterator[Asked]:
    """What waits in every running interpose of this user's. Whoever does not answer is passed over."""
    for _, connection in hatch_place.reachable():
        hatch = Hatch(connection)
        try:
            yield from hatch.everything()
        except (OSError, ValueError):
            pass
        finally:
            hatch.close()


def found(hold: str) -> Visit:
    """The held message of this name, or with a name that begins so. Raises: Gone, UsageError."""
    kept: list[Visit] = []
    for _, connection in hatch_place.reachable():
        hatch = Hatch(connection)
        try:
            here = [asked for asked in hatch.everything() if asked.hold.startswith(hold)]
        except (OSError, ValueError):
            here = []
        kept += [Visit(hatch, asked) for asked in here]
        if not here:
            hatch.close()
    if len(kept) == 1 and len(hold) >= _LEAST:
        return kept[0]
    for visit in kept:
        visit.close()
    if not kept:
        raise Gone(f"nothing waits under the name `{hold[:40]}`: it was decided, its time was over, or it never was")
    raise UsageError(f"`{hold[:40]}` could mean {len(kept)} held messages: say more of the name")


def watched() -> Iterator[Asked | Ended | None]:
    """What begins to wait and what ends, wherever; None about every second. Never ends by itself."""
    hatches: dict[Path, _Watched] = {}
    try:
        while True:
            for path, connection in hatch_place.reachable(hatches):
                hatches[path] = _Watched(connection)
            ready, _, _ = select.select(list(hatches.values()), [], [], _LOOK)
            for path, hatch in tuple(hatches.items()):
                if hatch in ready:
                    yield from hatch.news()
                if hatch.is_gone:
                    hatches.pop(path).close()
            yield None
    finally:
        for hatch in hatches.values():
            hatch.close()


class _Watched(Hatch):
    """A hatch that tells of changes. `is_gone` once there is nobody behind it."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self._waiting: set[str] = set()
        self.is_gone = False
        try:
            self.say({"do": "watch"})
        except OSError:
            self.is_gone = True

    def news(self) -> Iterator[Asked | Ended]:
        """What is told now."""
        while not self.is_gone:
            try:
                reply = self.hear()
            except (OSError, ValueError):
                reply = None
            if reply is None:
                self.is_gone = True
                yield from (Ended(hold, "its interpose is gone") for hold in sorted(self._waiting))
            elif reply.began is not None:
                self._waiting.add(reply.began.hold)
                yield reply.began
            elif reply.ended is not None:
                self._waiting.discard(reply.ended)
                yield Ended(reply.ended, reply.why)
            if not self.has_more:
                return
