"""The core in one object: hears events, answers with effects. Same events, same effects, byte for byte."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from interpose.core.effects import Deliver, Effect
from interpose.core.events import Closed, Decided, Event, Received, Ticked, Told, other
from interpose.core.recording.entry import Header
from interpose.core.recording.recorder import Recorder
from interpose.core.session.session import Session

if TYPE_CHECKING:
    from interpose.core.enforcer import Enforcer
    from interpose.core.policy.engine import Engine
    from interpose.core.policy.rule import Policy


class Interposer:
    """One session between a client and a server. Without an engine it observes and changes nothing."""

    def __init__(self, engine: "Engine | None" = None) -> None:
        self.session = Session()
        self._recorder = Recorder()
        self._enforcer = None if engine is None else _enforcer(engine, self.session, self._recorder)

    @property
    def enforces(self) -> bool:
        """Whether messages may be edited or withheld. Where they may not, all passes as it came."""
        return self._enforcer is not None and self._enforcer.engine.enforces

    def govern(self, at: float, policies: "Iterable[Policy]") -> list[Effect]:
        """Let other policies take over. Only a session that began under one can be governed."""
        return [] if self._enforcer is None else self._enforcer.govern(at, policies)

    def holds(self, channel: str) -> bool:
        """Whether something that came on a channel waits, for its time or for an approval."""
        return self._enforcer is not None and self._enforcer.holds(channel)

    def home(self, channel: str) -> str:
        """The client's channel that one of interpose's own is for; any other is its own home."""
        return channel if self._enforcer is None else self._enforcer.home(channel)

    def open(self, header: Header) -> list[Effect]:
        """Begin the recording."""
        if self._enforcer is not None and self._enforcer.engine.named:
            self._enforcer.begin(header.session)
        return [self._recorder.header(header)]

    def feed(self, event: Event) -> list[Effect]:
        """Hear one event. INVARIANT: its Append comes before its Deliver."""
        if isinstance(event, Ticked | Decided):
            return self._timed(event)
        left: list[Effect] = []
        if self._enforcer is not None:
            if isinstance(event, Received) and event.frame.message is not None:
                return self._enforcer.feed(event)
            if isinstance(event, Told):
                return self._enforcer.tell(event)
            if isinstance(event, Closed) and event.end == "client":
                left = self._enforcer.left(event.at, event.channel)
        effects: list[Effect] = [*left, self._recorder.record(event)]
        self.session.see(self._recorder.seq, event)
        if isinstance(event, Received):
            effects.append(Deliver(other(event.end), event.channel, event.frame))
        return effects

    def _timed(self, event: Ticked | Decided) -> list[Effect]:
        if self._enforcer is None:
            return []
        return self._enforcer.tick(event) if isinstance(event, Ticked) else self._enforcer.decide(event)

    def close(self, at: float, reason: str) -> list[Effect]:
        """End the recording: whoever is still waited for stands in its last line."""
        waiting = [msgspec.to_builtins(wait) for wait in self.session.waits(at)]
        left = [] if self._enforcer is None else self._enforcer.left(at, None)
        return [*left, self._recorder.trailer(at, reason, waiting)]


def _enforcer(engine: "Engine", session: Session, recorder: Recorder) -> "Enforcer":
    # Imported when there is a policy: without one, clients must not wait for what it needs.
    from interpose.core.enforcer import Enforcer

    return Enforcer(engine, session, recorder)
