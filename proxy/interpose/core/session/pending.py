"""The requests that wait for an answer, both directions, and for a while the ones that no longer do.

A request is known by the end that made it, the scope of its id, and its id. The scope is the session (``) where ids
must be unique in a session, and the HTTP exchange where every client may use id 1 at once (2026-07-28 over HTTP).
"""

from collections import OrderedDict
from typing import Literal

import msgspec

from interpose.core.events import End
from interpose.core.protocol import Era, Method
from interpose.core.session.asks import Ask
from interpose.core.session.call import Call
from interpose.core.session.ring import Ring
from interpose.core.wire.message import Message

Key = tuple[End, str, str]
Fate = Literal["answered", "cancelled", "lost", "displaced"]

STDIO = "stdio"
SESSION = ""
_TOKENS = 65_536
# What never is the cause of a server's request: it is timer driven, or stays open for hours.
_CAUSELESS = frozenset({"ping", "subscriptions/listen"})


class Lost(msgspec.Struct, frozen=True, gc=False):
    """The stream that should bring the answer ended before it did; by `Last-Event-ID` it may go on."""

    at: float
    retry: float | None = None
    last_id: str | None = None


class Open(msgspec.Struct, gc=False):
    """A request that waits. The only part of it that changes with time."""

    key: Key
    call: Call
    request: Message | None
    method: Method | None = None
    asks: tuple[Ask, ...] = ()
    progress: str | None = None
    lost: Lost | None = None


class Tomb(msgspec.Struct, frozen=True, gc=False):
    """A request that no longer waits, and why."""

    call: Call
    fate: Fate


def scope(era: Era, channel: str) -> str:
    return SESSION if era == "stateful" or channel == STDIO else channel


class Pending:
    """What waits, by key; tombs so that a late answer is late and no orphan; progress tokens."""

    def __init__(self) -> None:
        self.open: OrderedDict[Key, Open] = OrderedDict()
        self.tombs: Ring[Key, Tomb] = Ring()
        self.tokens: Ring[Key, Open] = Ring(_TOKENS)
        self.old_tokens: Ring[Key, Call] = Ring()
        self._causes: dict[Key, int] = {}
        self._in_flight: tuple[int, ...] | None = ()

    def add(self, entry: Open) -> tuple[str, ...]:
        """Begin to wait. Notes what is odd about the id."""
        notes = self._oddity(entry)
        self.open[entry.key] = entry
        if entry.call.token is not None:
            self.tokens.put(token_key(entry), entry)
        if _is_cause(entry):
            self._causes[entry.key] = entry.call.seq
            self._in_flight = None
        return notes

    def end(self, key: Key, fate: Fate, at: float | None = None, keep_token: bool = False) -> None:
        """Stop waiting under a key that waits. With `keep_token`, progress still belongs to it (a task goes on)."""
        entry = self.open.pop(key)
        if at is not None:
            entry.call = msgspec.structs.replace(entry.call, cancelled_at=at)
        self.tombs.put(key, Tomb(entry.call, fate))
        if self._causes.pop(key, None) is not None:
            self._in_flight = None
        if not keep_token:
            self.drop_token(entry)

    def drop_token(self, entry: Open) -> None:
        if entry.call.token is None:
            return
        key = token_key(entry)
        if self.tokens.get(key) is entry:
            del self.tokens[key]
            self.old_tokens.put(key, entry.call)

    def find(self, asker: End, channel: str, ident: str) -> Key:
        """The key under which an id of that end waits, else died, else would wait in the session."""
        here, session = (asker, channel, ident), (asker, SESSION, ident)
        if channel != STDIO and (here in self.open or (session not in self.open and here in self.tombs)):
            return here
        return session

    def suspend(self, seq: int, *, suspended: bool) -> None:
        """A request that a policy holds causes nothing until it goes on."""
        for key, entry in self.open.items():
            if entry.call.seq == seq and _is_cause(entry):
                if suspended:
                    self._causes.pop(key, None)
                else:
                    self._causes[key] = seq
                self._in_flight = None

    def in_flight(self) -> tuple[int, ...]:
        """The client's calls of a session during which a server's message may have been caused."""
        if self._in_flight is None:
            self._in_flight = tuple(dict.fromkeys(self._causes.values()))
        return self._in_flight

    def of_era(self, era: Era) -> list[Key]:
        return [key for key, entry in self.open.items() if entry.call.era == era]

    def _oddity(self, entry: Open) -> tuple[str, ...]:
        old = self.open.get(entry.key)
        if old is not None:
            self.end(entry.key, "displaced")
            return ("resent",) if old.lost is not None else ("duplicate-id",)
        # An id may return on stdio once answered (2026-07-28), never within a session (2025-11-25 §basic).
        tomb = self.tombs.pop(entry.key, None)
        if tomb is None or entry.call.era == "stateless":
            return ()
        return ("resent",) if tomb.fate == "lost" else ("reused-id",)


def _is_cause(entry: Open) -> bool:
    return entry.key[0] == "client" and entry.key[1] == SESSION and entry.call.method not in _CAUSELESS


def token_key(entry: Open) -> Key:
    return entry.key[0], entry.key[1], entry.call.token or ""
