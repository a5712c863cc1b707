"""The core in one object: hears events, answers with effects. Same events, same effects, byte for byte."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from interpose.core.effects import Append, Deliver, Effect
from interpose.core.events import (
    Closed,
    Decided,
    End,
    Event,
    Frame,
    Received,
    Requested,
    Responded,
    Ticked,
    Told,
    other,
)
from interpose.core.recording.codec import Pieces
from interpose.core.recording.entry import Header
from interpose.core.recording.recorder import Recorded, Recorder, Unrecorded, is_plain
from interpose.core.session.glancing import glance, glimpse
from interpose.core.session.lagging import Lagging
from interpose.core.session.pending import STDIO
from interpose.core.session.session import Session
from interpose.core.wire.lines import Line
from interpose.core.wire.message import Message, read

if TYPE_CHECKING:
    from interpose.core.enforcer import Enforcer
    from interpose.core.policy.engine import Engine
    from interpose.core.policy.rule import Policy
    from interpose.core.policy.rules import Rules


LARGE = 1 << 16  # a message from here is only glanced at, where that will do


class Interposer:
    """One session between a client and a server. Without an engine it observes and changes nothing."""

    def __init__(self, engine: "Engine | None" = None, *, recorded: bool = True) -> None:
        self._recorder = Recorder() if recorded else Unrecorded()
        self._enforcer = None if engine is None else _enforcer(engine, self._recorder)
        self._lagging = Lagging() if self._enforcer is None else self._enforcer.lagging

    @property
    def session(self) -> Session:
        """What both ends have said so far."""
        return self._lagging.session

    @property
    def observes(self) -> bool:
        """Whether all passes as it came, now and for good."""
        return self._enforcer is None

    @property
    def enforces(self) -> bool:
        """Whether messages may be edited or withheld. Where they may not, all passes as it came."""
        return self._enforcer is not None and self._enforcer.engine.enforces

    def govern(self, at: float, policies: "Iterable[Policy] | Rules") -> list[Effect]:
        """Let other policies take over. Only a session that began under one can be governed."""
        self._lagging.catch_up()
        return [] if self._enforcer is None else self._enforcer.govern(at, policies)

    def holds(self, channel: str) -> bool:
        """Whether something that came on a channel waits, for its time or for an approval."""
        return self._enforcer is not None and self._enforcer.holds(channel)

    def home(self, channel: str) -> str:
        """The client's channel that one of interpose's own is for; any other is its own home."""
        return channel if self._enforcer is None else self._enforcer.home(channel)

    def doubt(self, event: Decided) -> str:
        """Why an approver's decision does not count; nothing when it does."""
        return "nothing is held" if self._enforcer is None else self._enforcer.doubt(event)

    def open(self, header: Header) -> list[Effect]:
        """Begin the recording."""
        if self._enforcer is not None and self._enforcer.engine.named:
            self._enforcer.begin(header.session, str(header.server.get("name", "")))
        return [self._recorder.header(header)]

    def feed(self, event: Event) -> list[Effect]:
        """Hear one event. INVARIANT: its Append comes before its Deliver."""
        if self._enforcer is not None:
            return self._enforce(self._enforcer, event)
        if isinstance(event, Received):
            return [self.witness(event), Deliver(other(event.end), event.channel, event.frame)]
        return [] if isinstance(event, (Ticked, Decided)) else [self.witness(event)]

    def read(self, end: End, channel: str, raw: bytes) -> Message:
        """The message in a body; of a large one that nobody decides about, no more than somebody may ask for."""
        seen = glimpse(end, raw) if self.observes and len(raw) > LARGE else None
        return read(raw) if seen is None else self.enough(channel, seen)

    def enough(self, channel: str, seen: Message) -> Message:
        """A message that was glimpsed at, where nobody may ask for more of it; else the same, read."""
        return seen if self.observes and self._lagging.suffices(channel, seen) else read(seen.raw)

    def witness(self, event: Recorded) -> Append:
        """Record an event about which nothing has to be decided. What was received goes on as it came."""
        line = self._recorder.record(event)
        self._lagging.hear(self._recorder.seq, event)
        return line

    def _enforce(self, enforcer: "Enforcer", event: Event) -> list[Effect]:
        if isinstance(event, Received):
            return enforcer.feed(event)
        if isinstance(event, (Requested, Responded)) or (isinstance(event, Closed) and event.end == "server"):
            return [self.witness(event)]
        self._lagging.catch_up()
        match event:
            case Ticked():
                return enforcer.tick(event)
            case Decided():
                return enforcer.decide(event)
            case Told():
                return enforcer.tell(event)
            case Closed():
                return [*enforcer.left(event.at, event.channel), self.witness(event)]

    def feed_lines(self, at: float, end: End, lines: Sequence[Line]) -> Iterator[list[Effect]]:
        """Hear lines that came together on stdio, step by step (`Enforcer.feed_lines`)."""
        assert self._enforcer is not None, "under no policy they are overheard"
        return self._enforcer.feed_lines(at, end, lines)

    def overhear(self, at: float, end: End, lines: Sequence[Line]) -> list[Pieces]:
        """What `feed` would have recorded of lines on stdio: where nothing is enforced, all pass as they came."""
        if len(lines) == 1 and len(lines[0][0]) <= LARGE:
            return [self._overheard(at, end, *lines[0])]
        contents = [content for content, _ in lines]
        seen = glance(end, contents) if lines else None
        if seen is None and len(lines) > 1:
            return [pieces for line in lines for pieces in self.overhear(at, end, (line,))]
        if seen is None:
            return [self._overheard(at, end, *line) for line in lines]
        first = self._recorder.seq + 1
        found = self._recorder.plain(at, end, STDIO, contents)
        if not self._lagging.follows_later(first, at, contents, seen):
            for seq, content in enumerate(contents, first):
                self._lagging.hear(seq, Received(at, end, STDIO, Frame(content, read(content))))
        return found

    def _overheard(self, at: float, end: End, content: bytes, tail: bytes) -> Pieces:
        """The same of one line, with no event for an answer that is plain."""
        message = read(content) if content.strip() else None
        if end == "server" and message is not None and is_plain(message) and self._lagging.settles(message):
            return self._recorder.message(at, end, STDIO, message).pieces
        return self.witness(Received(at, end, STDIO, Frame(content, message, None, tail))).pieces

    def close(self, at: float, reason: str) -> list[Effect]:
        """End the recording: whoever is still waited for stands in its last line."""
        waiting = [msgspec.to_builtins(wait) for wait in self.session.waits(at)]
        left = [] if self._enforcer is None else self._enforcer.left(at, None)
        return [*left, self._recorder.trailer(at, reason, waiting)]


def _enforcer(engine: "Engine", recorder: Recorder) -> "Enforcer":
    # Imported when there is a policy: without one, clients must not wait for what it needs.
    from interpose.core.enforcer import Enforcer

    return Enforcer(engine, recorder)
