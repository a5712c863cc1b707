"""A session that is followed late, where nobody looks at each message: what leaves no trace is not followed at all.

A call and its plain answer change nothing that outlasts them, and are most of what is said. They cancel each other out
here; anything else is followed at once, after all that came before it.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from interpose.core.events import Closed, End, Event, Frame, Received, Requested, Responded
from interpose.core.session.glancing import PlainParams, PlainResult, glance
from interpose.core.session.opening import Opening
from interpose.core.session.pending import STDIO
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, Message

_MOST = 1024
_LARGE = 1 << 14
_PLAIN = frozenset(
    (
        "completion/complete",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "tools/call",
        "tools/list",
    )
)
_REQUEST, _RESULT = Kind.REQUEST, Kind.RESULT


class _Trail(msgspec.Struct):
    """What was heard of one call and is not followed yet: on stdio its request, over HTTP all of its exchange."""

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
        self._trails: dict[str, _Trail] = {}  # by the id of a call on stdio, by channel over HTTP; no two look alike
        self._idents: set[str | None] = set()
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
        if self._trails:
            trails, self._trails = self._trails, {}
            self._idents.clear()
            for seq, event in sorted((each for trail in trails.values() for each in trail.events), key=_seq):
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
        if self._era is None:
            self._learn_era()
        return self._era != "" and self._is_traceless(seq, event)

    def takes(self, seq: int, event: Received, message: Message, name: str | None, value: dict[str, Any]) -> bool:
        """The same of a message with these params or result. `name` is what a call is about, for `call_of`."""
        if self._era is None:
            self._learn_era()
        return self._era != "" and self._is_passing(seq, event, message, name, value)

    def call_of(self, channel: str, message: Message) -> tuple[str, str | None] | None:
        """Method and name of the call that this message of a server's may be the plain answer to."""
        trail = self._trails.get(message.id or "" if channel == STDIO else channel)
        return None if trail is None else (trail.method, trail.name)

    def glance(self, end: End, raw: bytes) -> Message | None:
        """A large call or answer on stdio that leaves no trace, as far as it is needed; None for what is to be read."""
        message = glance(raw) if self._era else None
        if message is None:
            return None
        if end == "client":
            return message if self._is_plain(message) else None
        return message if message.id in self._trails and message.result and _is_final(message.result, None) else None

    def settles(self, message: Message, value: dict[str, Any] | None = None) -> bool:
        """Whether this message of a server's on stdio ends a call so that neither need be followed any more."""
        if message.kind is not _RESULT or message.id not in self._trails or not _is_final(message.result, value):
            return False
        self._forget(message.id or "")
        return True

    def _learn_era(self) -> None:
        opening = self.opening
        self._era = opening.era if opening.state in ("open", "ready") else ""

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
        kept = self._kept(event, message)
        self._trails[message.id or ""] = _Trail(message.id, [(seq, kept)], False, message.method or "", name)
        self._idents.add(message.id)
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
        elif message.kind is not _RESULT or message.id != trail.ident or not _is_final(message.result, value):
            return False
        else:
            trail.answered = True
        trail.events.append((seq, self._kept(event, message)))
        return True

    def _kept(self, event: Received, message: Message) -> Received:
        return event if self._seen is not None or len(message.raw) < _LARGE else _slim(event, message)

    def _forget(self, key: str) -> None:
        self._idents.discard(self._trails.pop(key).ident)

    def _is_plain(self, message: Message, value: dict[str, Any] | None = None) -> bool:
        """Whether this is a call that, once it is answered plainly, need not have been followed."""
        return (
            message.kind is _REQUEST
            and message.method in _PLAIN
            and message.id not in self._idents
            and len(self._trails) < _MOST
            and not self._session.remembers(message.id)
            and _is_plain_call(message.params, value, stateless=self._era == "stateless")
        )


def _seq(entry: tuple[int, Event]) -> int:
    return entry[0]


def _passes_quietly(event: Received) -> bool:
    """Whether a frame says nothing about its stream that could be needed to resume it."""
    block = event.frame.block
    return block is None or (block.id is None and block.retry is None)


_params = msgspec.json.Decoder(PlainParams).decode
_result = msgspec.json.Decoder(PlainResult).decode
_COMPLETE = Raw(b'"complete"')
_MORE_THAN_PLAIN = frozenset({"_meta", "task", "taskId", "requestState", "inputResponses"})


def _is_plain_call(params: bytes, value: dict[str, Any] | None, *, stateless: bool) -> bool:
    """A call of the era that the session opened in, with no task and no answers to questions in it."""
    if value is not None and _MORE_THAN_PLAIN.isdisjoint(value):
        return not stateless
    if not params:
        return not stateless
    try:
        said = _params(params)
    except (msgspec.DecodeError, RecursionError):
        return False
    if said.task or said.task_id or said.state or said.answers:
        return False
    if not said.meta:
        return not stateless
    meta = bytes(said.meta)
    return (b"protocolVersion" in meta) == stateless and b"task" not in meta and b"\\u" not in meta


def _slim(event: Received, message: Message) -> Received:
    """A large plain call or answer without what nobody will ask for: it may wait for long."""
    if message.kind is _RESULT:
        message = msgspec.structs.replace(message, raw=b"", result=b"{}")
    else:
        message = msgspec.structs.replace(message, raw=b"", params=msgspec.json.encode(_params(message.params)))
    block = event.frame.block
    block = block and msgspec.structs.replace(block, raw=b"", data=None)
    return Received(event.at, event.end, event.channel, Frame(b"", message, block))


def _is_final(result: bytes, value: dict[str, Any] | None) -> bool:
    """An answer that is no question and no task."""
    if value is not None:
        return "task" not in value and value.get("resultType", "complete") == "complete"
    try:
        said = _result(result)
    except (msgspec.DecodeError, RecursionError):
        return False
    return not said.task and (not said.kind or said.kind == _COMPLETE)
