"""A session that is followed late, where nobody looks at each message: what leaves no trace is not followed at all.

A call and its plain answer change nothing that outlasts them, and are most of what is said. They cancel each other out
here; anything else is followed at once, after all that came before it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from interpose.core.events import Closed, Event, Frame, Received, Requested, Responded
from interpose.core.session.glancing import Glances
from interpose.core.session.opening import Opening
from interpose.core.session.pending import STDIO
from interpose.core.session.plainness import (
    PLAIN_METHODS,
    are_final,
    are_of_era,
    are_plain_values,
    is_final,
    is_plain_call,
)
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.session.unfollowed import About, Unfollowed, slim, slim_lines, slim_params
from interpose.core.wire.gate_lines import Everyday
from interpose.core.wire.message import Kind, Message

_MOST = 1024
_LARGE = 1 << 14
_REQUEST, _RESULT = Kind.REQUEST, Kind.RESULT
# A request of the stateless era says all by itself: nobody need have asked what the server is.
_OPENED = frozenset((("stateful", "open"), ("stateful", "ready"), ("stateless", "asked"), ("stateless", "ready")))


class _Trail(msgspec.Struct):
    """What was heard of one exchange over HTTP and is not followed yet."""

    ident: str | None
    events: list[tuple[int, Event]]
    answered: bool = False
    method: str = ""
    name: str | None = None


class Lagging:
    """Follows a session as far as its end needs it: whom it waits for is right whenever somebody asks.

    Where `seen` is given it hears of every message that is followed late, and messages are kept whole until then.
    """

    def __init__(self, seen: Callable[[Sighting], None] | None = None) -> None:
        self._session = Session()
        self._seen = seen
        self._calls = Unfollowed()  # on stdio
        self._trails: dict[str, _Trail] = {}  # over HTTP, by channel
        self._idents: set[str | None] = set()  # of these
        self._era: str | None = None  # that it opened in, empty until it has; None when that must be looked up
        self.turn = 0
        """How often it has caught up: in between nothing changes that anybody could know of the session."""

    @property
    def session(self) -> Session:
        """The session, up to date."""
        self.catch_up()
        return self._session

    def catch_up(self) -> None:
        """Follow all that was heard, since what comes now may change anything."""
        self._era = None
        self.turn += 1
        if self._trails or self._calls:
            trails, self._trails = self._trails, {}
            self._idents.clear()
            events = [*self._calls.take(), *(each for trail in trails.values() for each in trail.events)]
            for seq, event in sorted(events, key=_seq):
                for sighting in self._session.see(seq, event):
                    if self._seen is not None:
                        self._seen(sighting)

    @property
    def opening(self) -> Opening:
        """How the session opened: nothing that may be followed late changes that."""
        return self._session.opening

    def hear(self, seq: int, event: Event) -> None:
        """The next event of the session."""
        if not self.leaves_no_trace(seq, event):
            self.session.see(seq, event)

    def leaves_no_trace(self, seq: int, event: Event) -> bool:
        """Whether this need not be followed yet, and perhaps never; else `session` must see it now."""
        return self._opened() != "" and self._is_traceless(seq, event)

    def follows_later(self, seq: int, at: float, lines: Sequence[bytes], seen: Glances) -> bool:
        """Whether lines of one end on stdio, numbered from `seq`, need not be followed yet; else none of them was.

        Only for a session that nobody wants to hear of.
        """
        if not seen.calls:
            return self._end_all(seen.ids)
        if not self._may_begin(seen.ids) or not are_of_era(seen.calls, stateless=self._era == "stateless"):
            return False
        self._calls.put_all(seq, at, seen.ids, slim_lines(lines, seen.calls))
        return True

    def takes_lines(self, seq: int, at: float, lines: Sequence[bytes], seen: Everyday, about: Sequence[About]) -> bool:
        """The same of lines that were read. `about` tells what each call is about, for `call_of`."""
        values = seen.values
        if not seen.methods:
            return are_final(values) and self._end_all(seen.ids)
        if not self._may_begin(seen.ids) or not PLAIN_METHODS.issuperset(seen.methods):
            return False
        if not are_plain_values(values, stateless=self._era == "stateless"):
            return False
        self._calls.put_all(seq, at, seen.ids, lines, about)
        return True

    def takes(self, seq: int, event: Received, message: Message, name: str | None, value: dict[str, Any]) -> bool:
        """The same of a message with these params or result. `name` is what a call is about, for `call_of`."""
        return self._opened() != "" and self._is_passing(seq, event, message, name, value)

    def call_of(self, channel: str, message: Message) -> About | None:
        """Method and name of the call that this message of a server's may be the plain answer to."""
        if channel == STDIO:
            return self._calls.about(message.id or "")
        trail = self._trails.get(channel)
        return None if trail is None else (trail.method, trail.name)

    def calls_of(self, ids: Sequence[str]) -> list[About] | None:
        """The same of answers on stdio, by their ids; None where one of them answers nothing."""
        found = [about for ident in ids if (about := self._calls.about(ident)) is not None]
        return found if len(found) == len(ids) else None

    def suffices(self, channel: str, seen: Message) -> bool:
        """Whether a glimpse of a message over HTTP is all that is needed to follow it late; else it must be read."""
        if self._opened() == "":
            return False
        if seen.kind is _REQUEST:
            return self._is_plain(seen, None)
        trail = self._trails.get(channel)
        return trail is not None and trail.ident == seen.id

    def _opened(self) -> str:
        if self._era is None:
            opening = self.opening
            self._era = opening.era if (opening.era, opening.state) in _OPENED else ""
        return self._era

    def _may_begin(self, ids: Sequence[str]) -> bool:
        """Whether calls that came together on stdio would, by their ids, be plain."""
        return (
            self._opened() != ""
            and len(self._trails) + len(self._calls) + len(ids) <= _MOST
            and len(set(ids)) == len(ids)
            and not self._calls.knows_any(ids)
            and self._idents.isdisjoint(ids)
            and not self._session.remembers_any(ids)
        )

    def _end_all(self, ids: Sequence[str]) -> bool:
        """Whether answers that came together on stdio end calls that need not be followed any more."""
        if self._opened() == "" or len(set(ids)) < len(ids) or not self._calls.knows_all(ids):
            return False
        self._calls.settle_all(ids)
        return True

    def settles(self, message: Message, value: dict[str, Any] | None = None) -> bool:
        """Whether this message of a server's on stdio ends a call so that neither need be followed any more."""
        ident = message.id or ""
        if message.kind is not _RESULT or ident not in self._calls or not is_final(message.result, value):
            return False
        return self._calls.settle(ident)

    def _is_traceless(self, seq: int, event: Event) -> bool:
        if type(event) is Received:
            message = event.frame.message
            return message is not None and self._is_passing(seq, event, message, None, None)
        if type(event) is Requested:
            if event.method != "POST" or len(self._trails) >= _MOST:
                return False
            self._trails[event.channel] = _Trail(None, [(seq, event)])
            return True
        if type(event) is Responded:
            trail = self._trails.get(event.channel)
            if trail is not None and event.status == 200:
                trail.events.append((seq, event))
                return True
        elif type(event) is Closed and event.end == "server" and event.reason == "end":
            trail = self._trails.get(event.channel)
            if trail is not None and trail.answered:
                self._forget(event.channel)
                return True
        return False

    def _is_passing(
        self, seq: int, event: Received, message: Message, name: str | None, value: dict[str, Any] | None
    ) -> bool:
        """A call, or the answer to one. `value` are its params or result, where they were read."""
        if event.channel != STDIO:
            return self._in_exchange(seq, event, message, name, value)
        if event.end == "server":
            return self.settles(message, value)
        return self._begins(seq, event, message, name, value)

    def _begins(
        self, seq: int, event: Received, message: Message, name: str | None, value: dict[str, Any] | None
    ) -> bool:
        """A call on stdio."""
        if not self._is_plain(message, value):
            return False
        line = message.raw if self._seen is not None else slim(message)
        self._calls.put(seq, event.at, message, line, (message.method or "", name))
        return True

    def _in_exchange(
        self, seq: int, event: Received, message: Message, name: str | None, value: dict[str, Any] | None
    ) -> bool:
        """A call and its answer in an exchange over HTTP."""
        trail = self._trails.get(event.channel)
        if trail is None or not _passes_quietly(event):
            return False
        if event.end == "client":
            if trail.ident is not None or not self._is_plain(message, value):
                return False
            trail.ident, trail.method, trail.name = message.id, message.method or "", name
            self._idents.add(message.id)
        elif message.kind is not _RESULT or message.id != trail.ident or not is_final(message.result, value):
            return False
        else:
            trail.answered = True
        trail.events.append((seq, self._kept(event, message)))
        return True

    def _kept(self, event: Received, message: Message) -> Received:
        return event if self._seen is not None or len(message.raw) < _LARGE else _slim(event, message)

    def _forget(self, key: str) -> None:
        self._idents.discard(self._trails.pop(key).ident)

    def _is_plain(self, message: Message, value: dict[str, Any] | None) -> bool:
        """Whether this is a call that, once it is answered plainly, need not have been followed."""
        return (
            message.kind is _REQUEST
            and message.method in PLAIN_METHODS
            and message.id not in self._idents
            and message.id not in self._calls
            and len(self._trails) + len(self._calls) < _MOST
            and not self._session.remembers(message.id or "")
            and is_plain_call(message.params, value, stateless=self._era == "stateless")
        )


def _seq(entry: tuple[int, Event]) -> int:
    return entry[0]


def _passes_quietly(event: Received) -> bool:
    """Whether a frame says nothing about its stream that could be needed to resume it."""
    block = event.frame.block
    return block is None or (block.id is None and block.retry is None)


def _slim(event: Received, message: Message) -> Received:
    """A large plain call or answer without what nobody will ask for: it may wait for long."""
    if message.kind is _RESULT:
        message = msgspec.structs.replace(message, raw=b"", result=b"{}")
    else:
        message = msgspec.structs.replace(message, raw=b"", params=slim_params(message.params))
    block = event.frame.block
    block = block and msgspec.structs.replace(block, raw=b"", data=None)
    return Received(event.at, event.end, event.channel, Frame(b"", message, block))
