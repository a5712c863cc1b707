"""The only loop: events from two links go into the core, its effects go out in order."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, assert_never

from interpose.core.effects import Append, AppendAll, Cut, Deliver, Effect, Release, Seek, Store, Wake
from interpose.core.events import (
    Decided,
    Decision,
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
from interpose.core.interposer import Interposer
from interpose.core.recording.codec import Pieces
from interpose.core.recording.entry import Header
from interpose.core.wire.lines import Line
from interpose.edge.link import Approver, ClientSink, Clock, Sink
from interpose.edge.stores.jsonl import RecordingFile
from interpose.edge.stores.replacing import replace

if TYPE_CHECKING:
    from interpose.core.policy.engine import Engine
    from interpose.core.policy.rule import Policy
    from interpose.core.policy.rules import Rules
    from interpose.edge.watching import Watched

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

    `later` is called when something happened that no end's own event caused: time passed, or somebody decided.

    INVARIANT: nothing awaits between the core's decision and its queueing, so `hear` is a plain function.
    """

    def __init__(
        self,
        header: Header,
        recording: "RecordingFile | Watched | None",
        clock: Clock,
        alarm: Alarm,
        engine: "Engine | None" = None,
        approver: Approver | None = None,
    ) -> None:
        self.clock = clock
        self.core = Interposer(engine, recorded=recording is not None)
        self._client: ClientSink | None = None
        self._server: Sink | None = None
        self.recording = recording
        self.closed = False
        self.later: Callable[[], None] = lambda: None
        self._alarm = alarm
        self._alarmed = False
        self._approver = approver
        self._severed = False
        self._stirred: set[Sink] = set()  # what was sent to these goes out when all of it is recorded
        self._wakes: set[float] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._carry_out(self.core.open(header))
        self._flush()

    def deliver_to(self, client: ClientSink, server: Sink) -> None:
        """Set where deliveries to each end go."""
        self._client, self._server = client, server

    @property
    def lost(self) -> int:
        """How many lines of the recording could not be written."""
        return self.recording.lost if self.recording else 0

    def hear(self, event: Event) -> None:
        """Feed one event and carry out what follows from it. Of a session that was broken off, only facts are heard."""
        self.hear_all((event,))

    def hear_all(self, events: Iterable[Event]) -> None:
        """Feed what came together. INVARIANT: nothing awaits here, so it is recorded before anything of it is sent."""
        core = self.core
        if core.observes:
            self._witness(events)
        else:
            for event in events:
                if self.closed or (self._severed and not isinstance(event, Told)):
                    continue
                if isinstance(event, (Requested, Responded)):  # no policy is about these
                    self._append((core.witness(event).pieces,))
                else:
                    self._carry_out(core.feed(event))
        self._flush()

    def hear_lines(self, end: End, lines: Sequence[Line]) -> None:
        """Feed lines that came together on stdio, under a policy."""
        if not self.closed and not self._severed:
            for effects in self.core.feed_lines(self.clock(), end, lines):
                self._carry_out(effects)
                if self._severed:
                    break
        self._flush()

    @property
    def passes(self) -> bool:
        """Whether what is said on stdio passes as it comes, and its lines need only be `overheard`."""
        return self.core.observes and not self.closed and not self._severed

    def overhear(self, end: End, lines: Sequence[Line]) -> None:
        """Lines of one end that pass as they came: whoever calls this hands them on. INVARIANT: nothing awaits here."""
        overheard = self.core.overhear(self.clock(), end, lines)
        self._append(overheard)
        self._flush()

    def settle(self) -> None:
        """Wait until all that was heard is recorded: a large line, which somebody may have already, takes a while."""
        if self.recording is not None:
            self.recording.settle()

    def govern(self, policies: "Sequence[Policy] | Rules") -> None:
        """Put other policies in force, also for what is held."""
        if not self.closed and not self._severed:
            self._carry_out(self.core.govern(self.clock(), policies))
            self._flush()
            self.later()

    def tell(self, end: End, what: str, text: str) -> None:
        """Record a fact about an end."""
        self.hear(Told(self.clock(), end, what, text))

    def close(self, reason: str) -> None:
        """Write the last line. What comes later is not recorded."""
        if self.closed:
            return
        self._carry_out(self.core.close(self.clock(), reason))
        self._flush()
        self.closed = True
        self._wakes.clear()
        self._set_timer()
        if self.recording:
            self.recording.close()

    def _witness(self, events: Iterable[Event]) -> None:
        """What `feed` and its effects come to where nothing is decided, without either."""
        witness, recording = self.core.witness, self.recording
        for event in events:
            if self.closed or isinstance(event, (Ticked, Decided)):
                continue
            line = witness(event)
            if recording is not None:
                recording.append(line.pieces)
            if isinstance(event, Received):
                self._send(other(event.end), event.channel, event.frame)

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Append(pieces):
                    self._append((pieces,))
                case AppendAll(lines):
                    self._append(lines)
                case Deliver(end, channel, frame):
                    self._send(end, channel, frame)
                case Cut():
                    self._cut(effect)
                case Wake(at):
                    self._wake_at(at)
                case Seek():
                    self._seek(effect)
                case Release():
                    self._release(effect)
                case Store():
                    self._store(effect)
                case _:
                    assert_never(effect)

    def _append(self, lines: Iterable[Pieces]) -> None:
        if self.recording is not None:
            self.recording.extend(lines)

    def _send(self, end: End, channel: str, frame: Frame) -> None:
        sink = self._client if end == "client" else self._server
        if sink is not None:
            self._stirred.add(sink)
            sink.send(channel, frame)

    def _cut(self, cut: Cut) -> None:
        if self._client is not None:
            self._severed = self._client.cut(self.core.home(cut.channel))

    def _seek(self, seek: Seek) -> None:
        if self._approver is not None:
            self._approver.seek(seek, partial(self._decided, seek.hold))

    def _release(self, release: Release) -> None:
        if self._approver is not None:
            self._approver.release(release)

    def _wake_at(self, at: float) -> None:
        if at not in self._wakes:
            self._wakes.add(at)
            self._set_timer()

    def _set_timer(self) -> None:
        """Wake up at the earliest of the times that were asked for."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._wakes:
            left = max(0.0, min(self._wakes) - self.clock())
            self._timer = asyncio.get_running_loop().call_later(left, self._wake)

    def _wake(self) -> None:
        now = self.clock()
        due = {at for at in self._wakes if at <= now}  # none: the event loop counts time in its own way
        self._wakes -= due
        self._set_timer()
        if due:
            self._hear_later(Ticked(now))

    def _decided(self, hold: str, decision: Decision, by: str, instead: bytes | None = None) -> str:
        """Why the decision does not count; nothing when it was carried out."""
        if self.closed or self._severed:
            return "the session is over"
        event = Decided(self.clock(), hold, decision, by, instead)
        doubt = self.core.doubt(event)
        if not doubt:
            self._hear_later(event)
        return doubt

    def _hear_later(self, event: Ticked | Decided) -> None:
        self.hear(event)
        self.later()

    def _store(self, file: Store) -> None:
        try:
            replace(file.path, file.content)
        except OSError as error:
            self._alarm(f"{file.path} cannot be written ({error.strerror or error}); traffic goes on")

    def _flush(self) -> None:
        """Write what is to be recorded, then let go out what was delivered."""
        if self.recording is not None:
            self.recording.flush()
            if not self.core.observes:
                self.recording.settle()
            if self.recording.lost and not self._alarmed:
                self._alarmed = True
                self._alarm(f"recording {self.recording.path} has gaps: {self.recording.problem}; traffic goes on")
        for sink in self._stirred:
            sink.flush()
        self._stirred.clear()
