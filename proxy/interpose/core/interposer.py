"""The core in one object: hears events, answers with effects. Same events, same effects, byte for byte."""

import msgspec

from interpose.core.effects import Deliver, Effect
from interpose.core.events import Event, Received, other
from interpose.core.recording.entry import Header
from interpose.core.recording.recorder import Recorder
from interpose.core.session.session import Session


class Interposer:
    """One session between a client and a server."""

    def __init__(self) -> None:
        self.session = Session()
        self._recorder = Recorder()

    def open(self, header: Header) -> list[Effect]:
        """Begin the recording."""
        return [self._recorder.header(header)]

    def feed(self, event: Event) -> list[Effect]:
        """Hear one event. INVARIANT: its Append comes before its Deliver."""
        effects: list[Effect] = [self._recorder.record(event)]
        self.session.see(self._recorder.seq, event)
        if isinstance(event, Received):
            effects.append(Deliver(other(event.end), event.channel, event.frame))
        return effects

    def close(self, at: float, reason: str) -> list[Effect]:
        """End the recording: whoever is still waited for stands in its last line."""
        waiting = [msgspec.to_builtins(wait) for wait in self.session.waits(at)]
        return [self._recorder.trailer(at, reason, waiting)]
