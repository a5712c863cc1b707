"""The only loop: events from two links go into the core, its effects go out in order."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interpose.core.effects import Append, Effect
from interpose.core.events import End, Event, Told
from interpose.core.interposer import Interposer
from interpose.core.recording.entry import Header
from interpose.edge.link import Clock, Link, Sink
from interpose.edge.stores.jsonl import RecordingFile

if TYPE_CHECKING:
    from interpose.core.policy.engine import Engine

Alarm = Callable[[str], None]


def stopwatch() -> Clock:
    """Seconds since now, to the microsecond: what a recording can hold, so that it replays to the letter."""
    start = time.monotonic()
    return lambda: round(time.monotonic() - start, 6)


def utc_now() -> str:
    """The time as a recording's header wants it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Conversation:
    """One session being carried out: the core, the recording and the sinks to deliver to.

    INVARIANT: nothing awaits between the core's decision and its queueing, so `hear` is a plain function.
    """

    def __init__(
        self,
        header: Header,
        recording: RecordingFile | None,
        clock: Clock,
        alarm: Alarm,
        engine: "Engine | None" = None,
    ) -> None:
        self.clock = clock
        self.core = Interposer(engine)
        self._sinks: dict[End, Sink] = {}
        self.recording = recording
        self.closed = False
        self._alarm = alarm
        self._alarmed = False
        self._carry_out(self.core.open(header))

    def deliver_to(self, *sinks: Sink) -> None:
        """Set where deliveries to each end go."""
        self._sinks.update({sink.end: sink for sink in sinks})

    @property
    def lost(self) -> int:
        """How many lines of the recording could not be written."""
        return self.recording.lost if self.recording else 0

    def hear(self, event: Event) -> None:
        """Feed one event and carry out what follows from it."""
        if not self.closed:
            self._carry_out(self.core.feed(event))

    def tell(self, end: End, what: str, text: str) -> None:
        """Record a fact about an end."""
        self.hear(Told(self.clock(), end, what, text))

    def close(self, reason: str) -> None:
        """Write the last line. What comes later is not recorded."""
        if self.closed:
            return
        self._carry_out(self.core.close(self.clock(), reason))
        self.closed = True
        if self.recording:
            self.recording.close()

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Append):
                self._write(effect)
            elif (sink := self._sinks.get(effect.end)) is not None:
                sink.send(effect.channel, effect.frame)

    def _write(self, line: Append) -> None:
        if self.recording is None:
            return
        self.recording.append(line.pieces)
        if self.recording.lost and not self._alarmed:
            self._alarmed = True
            self._alarm(f"recording {self.recording.path} has gaps: {self.recording.problem}; traffic goes on")


async def pump(conversation: Conversation, source: Link, sink: Link) -> None:
    """Carry one direction until the source is done, no faster than the other end takes it."""
    while events := await source.receive():
        for event in events:
            conversation.hear(event)
        await sink.room()
