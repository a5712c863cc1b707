"""A session that is followed late, where nobody looks at each message: what leaves no trace is not followed at all.

A call and its plain answer change nothing that outlasts them, and are most of what is said. They cancel each other out
here; anything else is followed at once, after all that came before it.
"""

import msgspec
from msgspec import Raw

from interpose.core.events import Closed, Decided, End, Event, Frame, Received, Requested, Responded, Ticked, Told
from interpose.core.session.glancing import PlainParams, PlainResult, glance
from interpose.core.session.pending import STDIO
from interpose.core.session.session import Session
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


class Lagging:
    """Follows a session as far as its end needs it: whom it waits for is right whenever somebody asks."""

    def __init__(self) -> None:
        self._session = Session()
        self._trails: dict[str, _Trail] = {}  # by the id of a call on stdio, by channel over HTTP; no two look alike
        self._idents: set[str | None] = set()
        self._era = ""  # that it opened in; empty until it has

    @property
    def session(self) -> Session:
        """The session, up to date."""
        if self._trails:
            trails, self._trails = self._trails, {}
            self._idents.clear()
            for seq, event in sorted((each for trail in trails.values() for each in trail.events), key=_seq):
                self._session.see(seq, event)
        return self._session

    def hear(self, seq: int, event: Event) -> None:
        """The next event of the session."""
        if self._era and self._leaves_no_trace(seq, event):
            return
        session = self.session
        session.see(seq, event)
        self._era = session.opening.era if session.opening.state in ("open", "ready") else ""

    def glance(self, end: End, raw: bytes) -> Message | None:
        """A large call or answer on stdio that leaves no trace, as far as it is needed; None for what is to be read."""
        message = glance(raw) if self._era else None
        if message is None:
            return None
        if end == "client":
            return message if self._is_plain(message) else None
        return message if message.id in self._trails and message.result and _is_final(message.result) else None

    def settles(self, message: Message) -> bool:
        """Whether this message of a server's on stdio ends a call so that neither need be followed any more."""
        if message.kind is not _RESULT or message.id not in self._trails or not _is_final(message.result):
            return False
        self._forget(message.id or "")
        return True

    def _leaves_no_trace(self, seq: int, event: Event) -> bool:
        """Whether this need not be followed yet, and perhaps never."""
        if type(event) is Received:
            message = event.frame.message
            if message is None:
                return False
            if event.channel != STDIO:
                return self._in_exchange(seq, event, message)
            if event.end == "server":
                return self.settles(message)
            return self._is_plain(message) and self._begin(message.id or "", message.id, seq, _slim(event, message))
        if type(event) is Requested:
            return event.method == "POST" and len(self._trails) < _MOST and self._begin(event.channel, None, seq, event)
        trail = None if isinstance(event, Told | Ticked | Decided) else self._trails.get(event.channel)
        if trail is None:
            return False
        if type(event) is Closed and trail.answered and event.end == "server" and event.reason == "end":
            self._forget(event.channel)
            return True
        if type(event) is Responded and event.status == 200:
            trail.events.append((seq, event))
            return True
        return False

    def _in_exchange(self, seq: int, event: Received, message: Message) -> bool:
        """A call and its answer in an exchange over HTTP."""
        trail = self._trails.get(event.channel)
        if trail is None or not _passes_quietly(event):
            return False
        if event.end == "client":
            if trail.ident is not None or not self._is_plain(message):
                return False
            trail.ident = message.id
            self._idents.add(message.id)
        elif message.kind is not _RESULT or message.id != trail.ident or not _is_final(message.result):
            return False
        else:
            trail.answered = True
        trail.events.append((seq, _slim(event, message)))
        return True

    def _begin(self, key: str, ident: str | None, seq: int, event: Event) -> bool:
        self._trails[key] = _Trail(ident, [(seq, event)])
        if ident is not None:
            self._idents.add(ident)
        return True

    def _forget(self, key: str) -> None:
        self._idents.discard(self._trails.pop(key).ident)

    def _is_plain(self, message: Message) -> bool:
        """Whether this is a call that, once it is answered plainly, need not have been followed."""
        return (
            message.kind is _REQUEST
            and message.method in _PLAIN
            and message.id not in self._idents
            and len(self._trails) < _MOST
            and not self._session.awaits(message.id)
            and _is_plain_call(message.params, stateless=self._era == "stateless")
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


def _is_plain_call(params: bytes, *, stateless: bool) -> bool:
    """A call of the era that the session opened in, with no task and no answers to questions in it."""
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
    """A plain call or answer without what nobody will ask for: it may wait for long, and be large."""
    if len(message.raw) < _LARGE:
        return event
    if message.kind is _RESULT:
        message = msgspec.structs.replace(message, raw=b"", result=b"{}")
    else:
        message = msgspec.structs.replace(message, raw=b"", params=msgspec.json.encode(_params(message.params)))
    block = event.frame.block
    block = block and msgspec.structs.replace(block, raw=b"", data=None)
    return Received(event.at, event.end, event.channel, Frame(b"", message, block))


def _is_final(result: bytes) -> bool:
    """An answer that is no question and no task."""
    try:
        said = _result(result)
    except (msgspec.DecodeError, RecursionError):
        return False
    return not said.task and (not said.kind or said.kind == _COMPLETE)
