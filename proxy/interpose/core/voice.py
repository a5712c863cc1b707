"""What interpose says in an end's name: recorded as its own, followed by the session, delivered across."""

from interpose.core.effects import Deliver, Effect
from interpose.core.events import End, Frame, Received, other
from interpose.core.recording.recorder import Recorder, Ruling
from interpose.core.session.session import Session
from interpose.core.wire.message import Message


class Voice:
    """Speaks in one session."""

    def __init__(self, session: Session, recorder: Recorder) -> None:
        self._session = session
        self._recorder = recorder

    def say(self, at: float, end: End, channel: str, message: Message, recorded: bytes | None = None) -> list[Effect]:
        """Say something as if `end` had; the recording holds `recorded` instead where that is given."""
        frame = Frame(message.raw, message, wire="body")
        event = Received(at, end, channel, frame)
        line = self._recorder.record(event, Ruling(by="interpose", recorded=recorded))
        self._session.see(self._recorder.seq, event)
        return [line, Deliver(other(end), channel, frame)]
