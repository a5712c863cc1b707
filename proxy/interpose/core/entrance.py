"""What is turned away as a whole: what two readers could read differently, and a batch with a part that is stopped."""

from collections.abc import Callable
from typing import Any

from interpose.core.effects import Deliver, Effect
from interpose.core.events import Received, other
from interpose.core.judge import Judge
from interpose.core.policy.outcome import response
from interpose.core.policy.verdict import Verdict
from interpose.core.recording.recorder import Recorder, Ruling
from interpose.core.session.opening import Opening
from interpose.core.session.sighting import Sighting
from interpose.core.voice import Voice
from interpose.core.wire.gate import Gate, Objection, refusal, stand_in
from interpose.core.wire.message import Kind, Message, read

_MEDIA = {"line": None, "body": "application/json", "block": "text/event-stream"}


class Entrance:
    """Of one session under a policy."""

    def __init__(self, recorder: Recorder, voice: Voice, judge: Judge) -> None:
        self._recorder = recorder
        self._voice = voice
        self._judge = judge
        self._gate = Gate()
        self.glance: Callable[[Message], dict[str, Any] | None] = self._gate.glance
        """The params or result of a message that surely may be judged; None says nothing (`Gate.glance`)."""
        self.glance_lines = self._gate.glance_lines
        """The same of lines that came together."""

    def objection(self, event: Received, message: Message, opening: Opening) -> Objection | None:
        """What speaks against a message that a glance did not clear, in a session that opened like this."""
        return self._gate.judge(message.raw, version=opening.version, content_type=_MEDIA[event.frame.wire])

    def refuse(self, event: Received, message: Message, objection: Objection) -> list[Effect]:
        """What two readers could read differently goes nowhere."""
        verdict = {"decision": "refuse", "rules": [{"rule": "gate", "do": "refuse", "why": objection.reason}]}
        kept = message.raw.decode("utf-8", "backslashreplace")
        scrubbed = self._judge.scrub(kept)
        recorded = scrubbed.encode() if scrubbed != kept else None
        effects: list[Effect] = [self._recorder.record(event, Ruling(verdict=verdict, recorded=recorded))]
        answer, waiting = refusal(message, objection), stand_in(message, objection)
        if answer is not None and (event.end == "client" or read(answer).id != "null"):
            # Not to a server for a line that is no request: what it prints must not come back to it.
            effects += self._voice.say(event.at, other(event.end), event.channel, read(answer))
        if waiting is not None:
            effects += self._voice.say(event.at, event.end, event.channel, read(waiting))
        return effects

    def batch(self, event: Received, sightings: tuple[Sighting, ...], verdicts: list[Verdict]) -> list[Effect]:
        """A batch passes whole or not at all: taking members out changes what has to be answered."""
        hits = tuple(hit for verdict in verdicts for hit in verdict.hits)
        stopped = any(verdict.decision != "pass" for verdict in verdicts)
        verdict = Verdict("drop" if stopped else "pass", hits)
        effects: list[Effect] = [self._recorder.record(event, self._judge.ruling(verdict))]
        if not stopped:
            return [*effects, Deliver(other(event.end), event.channel, event.frame)]
        for sighting in sightings:
            if sighting.kind is Kind.REQUEST and sighting.message.id is not None:
                body = {"error": {"code": -32600, "message": "Blocked by policy: a part of this batch is not allowed"}}
                answer = read(response(sighting.message.id, body))
                effects += self._voice.say(event.at, other(event.end), event.channel, answer)
            elif sighting.message.is_response and sighting.message.id is not None:
                body = {"error": {"code": -31001, "message": "Blocked by policy: a part of this batch is not allowed"}}
                answer = read(response(sighting.message.id, body))
                effects += self._voice.say(event.at, event.end, event.channel, answer)
        return effects
