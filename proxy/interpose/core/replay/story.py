"""A recording as what happened in it: calls with what is inside them, tasks with their states. Holds no bodies.

What depends on time is taken out here: polls become the states they found, and messages that run free (progress, logs,
changed lists) count once, however often they came.
"""

import hashlib
from collections.abc import Callable, Iterable

import msgspec

from interpose.core.bridge.reply import cancelled
from interpose.core.events import Closed, End, Received
from interpose.core.policy.glob import matcher
from interpose.core.protocol import EXTENSIONS, VERSIONS, Era, table
from interpose.core.recording.entry import Entry
from interpose.core.replay.normal import Normal
from interpose.core.session.pending import STDIO
from interpose.core.session.reading import Result, read
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, Message
from interpose.core.wire.message import read as read_message

Fetch = Callable[[int], Entry]

_TABLES = [table(version, EXTENSIONS) for version in VERSIONS]
_POLLED = frozenset(name for each in _TABLES for name, method in each.methods.items() if method.polled)
_CHANGED = frozenset(name for each in _TABLES for name in each.methods if name.endswith("/list_changed"))
FREE = frozenset(name for name in _POLLED | _CHANGED if name.startswith("notifications/"))
"""Notifications whose number and place depend on time."""

_STATES = "tasks/get"
_UNSAID = "ping"
_CANCELLED = "notifications/cancelled"
_REPLAYED = "replayed"  # by a resumed stream
_EMPTY = b"{}"  # what some servers say first on an event stream
_NAMED = frozenset(
    {"tools/call", "prompts/get", "resources/read", "resources/subscribe", "resources/unsubscribe"}
    | {"notifications/resources/updated"}
)


class Line(msgspec.Struct, frozen=True, gc=False):
    """One message without its body. `offset` is where its entry is, `part` its place in a batch.

    `method` and `name` are those of the request that a response answers. `digest` is that of what counts in it.
    """

    seq: int
    offset: int
    part: int
    end: End
    era: Era
    method: str | None
    name: str | None
    digest: bytes


class Exchange(msgspec.Struct):
    """A request with what happened inside it and its answer. `about` is the request that made the task it is about."""

    request: Line
    about: bytes = b""
    answer: Line | None = None
    asks: list["Exchange"] = []
    notifications: list[Line] = []

    @property
    def key(self) -> tuple[bytes, bytes]:
        """Equal for requests that ask the same."""
        return self.request.digest, self.about

    @property
    def digest(self) -> bytes:
        """Equal for exchanges in which everything is."""
        inside = sorted([each.digest for each in self.asks] + [each.digest for each in self.notifications])
        answer = self.answer.digest if self.answer is not None else b"none"
        return hashlib.blake2b(b"".join([*self.key, answer, *inside]), digest_size=12).digest()


class Work(msgspec.Struct):
    """A task: the request that made it, and the states in which polls found it, each once, without mere working."""

    id: str
    about: bytes
    states: list[Line] = []
    last: bytes = b""


class Story(msgspec.Struct):
    """What happened in one recording. `notifications` stand inside no call; `free` are those that run free."""

    exchanges: list[Exchange] = []
    notifications: list[Line] = []
    free: dict[bytes, Line] = {}
    works: dict[str, Work] = {}
    others: list[Line] = []


def build(entries: Iterable[tuple[int, Entry]], normal: Normal, free: Iterable[str] = ()) -> Story:
    """One pass over the entries, each with where it is. `free` are globs of notifications that do not count at all."""
    builder = _Builder(normal, tuple(free))
    for offset, entry in entries:
        builder.hear(offset, entry)
    return builder.story


def message_of(entry: Entry, part: int) -> Message:
    """The message of a line: what went on, where a policy had changed what came; of a closed stream what it means."""
    if entry.kind == "closed":
        return cancelled("0", "the client closed the stream")
    parts = read_message(bytes(entry.delivered) or entry.payload() or b"").messages()
    return parts[part] if part < len(parts) else parts[0]


class _Builder:
    """Follows a session entry by entry."""

    def __init__(self, normal: Normal, free: tuple[str, ...]) -> None:
        self.story = Story()
        self._normal = normal
        self._unheard = matcher(free)
        self._session = Session()
        self._entries = 0
        self._open: dict[tuple[int, int], Exchange] = {}
        self._calls: dict[int, Exchange] = {}
        self._streams: dict[str, Exchange] = {}  # stateless calls, by the HTTP exchange whose end cancels them
        self._asked: dict[str, Exchange] = {}  # what the server asked, by its id
        self._again: set[int] = set()  # where a resumed stream brought a question again

    def hear(self, offset: int, entry: Entry) -> None:
        self._entries += 1
        event = entry.event()
        refused = (entry.verdict or {}).get("decision") == "refuse"  # by the gate: no part of the conversation
        if not isinstance(event, Received) or refused:
            if event is not None and not refused:
                self._session.see(self._entries, event)
            if isinstance(event, Closed) and event.end == "client":
                self._leave(offset, entry)
            return
        for sighting in self._session.see(self._entries, event):
            self._take(sighting, offset, entry)

    def _take(self, sighting: Sighting, offset: int, entry: Entry) -> None:
        method = sighting.method
        if _REPLAYED in sighting.notes:
            self._bring_again(sighting)
            return
        if sighting.kind is Kind.OPAQUE and sighting.message.raw.strip() == _EMPTY:
            return
        if method == _UNSAID or (sighting.kind is Kind.NOTIFICATION and self._unheard(method or "")):
            return
        message = message_of(entry, sighting.part) if entry.delivered else sighting.message
        name = sighting.name if method in _NAMED else None
        digest = self._normal.digest(message, method=method, era=sighting.era, name=name)
        line = Line(entry.seq, offset, sighting.part, sighting.end, sighting.era, method, name, digest)
        match sighting.kind:
            case Kind.REQUEST:
                self._request(sighting, line)
            case Kind.RESULT | Kind.ERROR:
                self._answer(sighting, message, line)
            case Kind.NOTIFICATION:
                self._notification(sighting, line)
            case _:
                self.story.others.append(line)

    def _request(self, sighting: Sighting, line: Line) -> None:
        if line.method == _STATES:
            return
        work = self.story.works.get(sighting.task or "")
        exchange = Exchange(line, b"" if work is None else work.about)
        self._open[(sighting.seq, sighting.part)] = exchange
        self._calls.setdefault(sighting.seq, exchange)
        if sighting.end == "server":
            self._asked[sighting.message.id or ""] = exchange
        elif sighting.era == "stateless" and sighting.channel != STDIO:
            self._streams[sighting.channel] = exchange
        parent = self._parent(sighting)
        (self.story.exchanges if parent is None else parent.asks).append(exchange)

    def _answer(self, sighting: Sighting, message: Message, line: Line) -> None:
        call = sighting.call
        if line.method == _STATES:
            self._state(sighting, message, line)
            return
        exchange = None if call is None else self._open.get((call.seq, call.part))
        if exchange is None or exchange.answer is not None:
            if call is None or call.seq not in self._again:
                self.story.others.append(line)
            return
        exchange.answer = line
        if sighting.task is not None and not (line.method or "").startswith("tasks/"):
            self.story.works.setdefault(sighting.task, Work(sighting.task, exchange.request.digest))

    def _bring_again(self, sighting: Sighting) -> None:
        """What is answered after a resumed stream brought it again is the question that was asked before."""
        exchange = self._asked.get(sighting.message.id or "")
        if sighting.kind is Kind.REQUEST and sighting.end == "server" and exchange is not None:
            self._again.add(sighting.seq)
            self._open[(sighting.seq, sighting.part)] = exchange

    def _leave(self, offset: int, entry: Entry) -> None:
        """Closing the stream of a stateless call cancels it (2026-07-28 §basic/transports)."""
        exchange = self._streams.pop(entry.channel, None)
        if exchange is None or exchange.answer is not None or self._unheard(_CANCELLED):
            return
        if any(line.method == _CANCELLED for line in exchange.notifications):
            return
        digest = self._normal.digest(message_of(entry, 0), method=_CANCELLED, era="stateless")
        exchange.notifications.append(Line(entry.seq, offset, 0, "client", "stateless", _CANCELLED, None, digest))

    def _state(self, sighting: Sighting, message: Message, line: Line) -> None:
        task = sighting.task or (sighting.call.task if sighting.call is not None else None) or ""
        work = self.story.works.setdefault(task, Work(task, b""))
        if read(message.result, Result).status != "working" and line.digest != work.last:
            work.states.append(line)
            work.last = line.digest

    def _notification(self, sighting: Sighting, line: Line) -> None:
        if line.method in FREE:
            self.story.free.setdefault(line.digest, line)
            return
        about = None if sighting.call is None else self._calls.get(sighting.call.seq)
        parent = about or self._parent(sighting)
        (self.story.notifications if parent is None else parent.notifications).append(line)

    def _parent(self, sighting: Sighting) -> Exchange | None:
        """The call that it happened in, where there is no doubt."""
        return self._calls.get(sighting.parents[0]) if len(sighting.parents) == 1 else None
