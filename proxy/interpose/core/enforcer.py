"""Carries out what a policy decides: turns verdicts into lines for the recording and deliveries.

INVARIANT: a block answers the one who asked, with its id, and the other end sees nothing of it. After a request was
forwarded, nothing here answers it too.
"""

import msgspec

from interpose.core.effects import Deliver, Effect
from interpose.core.events import End, Frame, Received, Told, other
from interpose.core.policy.engine import Engine, broken
from interpose.core.policy.outcome import encode, response
from interpose.core.policy.verdict import Own, Verdict
from interpose.core.recording.recorder import Recorder, Ruling
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.gate import Gate, Objection, refusal, stand_in
from interpose.core.wire.message import Kind, Message, read

STDIO = "stdio"
_ROUNDS = 10  # how often interpose repeats one call with answers of its own


class Errand(msgspec.Struct, frozen=True):
    """A request of interpose's own that is under way: whose call it is for, and how many came before it."""

    own: Own
    round: int = 1


class Enforcer:
    """The policy of one session at work."""

    def __init__(self, engine: Engine, session: Session, recorder: Recorder) -> None:
        self.engine = engine
        self._session = session
        self._recorder = recorder
        self._gate = Gate()
        self._errands: dict[str, Errand] = {}
        self._count = 0

    def feed(self, event: Received) -> list[Effect]:
        """Hear one message and decide about it."""
        message = event.frame.message
        assert message is not None
        if self.engine.enforces and (objection := self._objection(event)) is not None:
            return self._refuse(event, message, objection)
        errand = self._errands.pop(message.id or "", None) if event.end == "server" and message.is_response else None
        sightings = self._session.see(self._recorder.seq + 1, event)
        verdicts = [self._judge(sighting) for sighting in sightings]
        if len(verdicts) != 1:
            return self._batch(event, sightings, verdicts)
        return self._carry_out(event, sightings[0], verdicts[0], errand)

    def tell(self, event: Told) -> list[Effect]:
        """Hear a fact: what a policy scrubs never reaches the recording."""
        event = msgspec.structs.replace(event, text=self.engine.scrub(event.text))
        line = self._recorder.record(event)
        self._session.see(self._recorder.seq, event)
        return [line]

    def _judge(self, sighting: Sighting) -> Verdict:
        """INVARIANT: a fault of our own blocks that message, and the session lives."""
        try:
            return self.engine.judge(sighting)
        except Exception as fault:
            return broken(sighting, f"interpose failed on this message: {type(fault).__name__}")

    def _objection(self, event: Received) -> Objection | None:
        kinds = {"line": None, "body": "application/json", "block": "text/event-stream"}
        message = event.frame.message
        assert message is not None
        version = self._session.opening.version
        return self._gate.refuse(message.raw, version=version, content_type=kinds[event.frame.wire])

    def _refuse(self, event: Received, message: Message, objection: Objection) -> list[Effect]:
        """What two readers could read differently goes nowhere."""
        verdict = {"decision": "refuse", "rules": [{"rule": "gate", "do": "refuse", "why": objection.reason}]}
        kept = message.raw.decode("utf-8", "backslashreplace")
        scrubbed = self.engine.scrub(kept)
        recorded = scrubbed.encode() if scrubbed != kept else None
        effects: list[Effect] = [self._recorder.record(event, Ruling(verdict=verdict, recorded=recorded))]
        answer, waiting = refusal(message, objection), stand_in(message, objection)
        if answer is not None and (event.end == "client" or message.kind is Kind.REQUEST):
            # Not to a server for a line that is no request: what it prints must not come back to it.
            effects += self._say(event.at, other(event.end), event.channel, read(answer))
        if waiting is not None:
            effects += self._say(event.at, event.end, event.channel, read(waiting))
        return effects

    def _batch(self, event: Received, sightings: tuple[Sighting, ...], verdicts: list[Verdict]) -> list[Effect]:
        """A batch passes whole or not at all: taking members out changes what has to be answered."""
        hits = tuple(hit for verdict in verdicts for hit in verdict.hits)
        stopped = any(verdict.decision != "pass" for verdict in verdicts)
        verdict = Verdict("drop" if stopped else "pass", hits)
        effects: list[Effect] = [self._recorder.record(event, _ruling(verdict))]
        if not stopped:
            return [*effects, Deliver(other(event.end), event.channel, event.frame)]
        for sighting in sightings:
            if sighting.kind is Kind.REQUEST and sighting.message.id is not None:
                body = {"error": {"code": -32600, "message": "Blocked by policy: a part of this batch is not allowed"}}
                answer = read(response(sighting.message.id, body))
                effects += self._say(event.at, other(event.end), event.channel, answer)
        return effects

    def _carry_out(self, event: Received, sighting: Sighting, verdict: Verdict, errand: Errand | None) -> list[Effect]:
        effects: list[Effect] = [self._recorder.record(event, _ruling(verdict))]
        if verdict.decision in ("pass", "edit") and errand is None:
            frame = event.frame if verdict.delivered is None else reframed(event.frame, verdict.delivered)
            effects.append(Deliver(other(event.end), event.channel, frame))
        elif verdict.decision in ("pass", "edit") and errand is not None:
            effects += self._bring_home(event, errand, verdict.delivered or sighting.message.raw)
        elif verdict.answer is not None:
            effects += self._say(event.at, other(event.end), event.channel, read(verdict.answer))
        for own in verdict.own:
            effects += self._ask(event, own, errand)
        return effects

    def _bring_home(self, event: Received, errand: Errand, raw: bytes) -> list[Effect]:
        """The answer to an errand goes to the client whose call it was, under that call's id."""
        if errand.own.id is None:
            return []
        body = {name: value for name, value in read(raw).body().items() if name not in ("jsonrpc", "id")}
        return self._say(event.at, "server", errand.own.channel, read(response(errand.own.id, body)))

    def _ask(self, event: Received, own: Own, errand: Errand | None) -> list[Effect]:
        """Make a request of our own at the server, in the client's place."""
        if errand is not None and own.id is not None:
            own = msgspec.structs.replace(own, id=errand.own.id, channel=errand.own.channel)
        self._count += 1
        ident = f'"interpose-{self._count}"'
        channel = STDIO if event.channel == STDIO else f"i{self._count}"
        round_ = errand.round + 1 if errand is not None else 1
        if round_ > _ROUNDS and own.id is not None:
            body = {"error": {"code": -31001, "message": "Blocked by policy: the server keeps asking"}}
            return self._say(event.at, "server", own.channel, read(response(own.id, body)))
        self._errands[ident] = Errand(own, round_)
        raw = (
            b'{"jsonrpc":"2.0","id":'
            + ident.encode()
            + b","
            + encode(own.body)[1:].replace(b'"jsonrpc":"2.0",', b"", 1)
        )
        return self._say(event.at, "client", channel, read(raw))

    def _say(self, at: float, end: End, channel: str, message: Message) -> list[Effect]:
        """Say something in an end's name: recorded as interpose's, followed, delivered to the other end."""
        frame = Frame(message.raw, message, wire="body")
        event = Received(at, end, channel, frame)
        line = self._recorder.record(event, Ruling(by="interpose"))
        self._session.see(self._recorder.seq, event)
        return [line, Deliver(other(end), channel, frame)]


def _ruling(verdict: Verdict) -> Ruling | None:
    if not verdict.hits and verdict.decision == "pass":
        return None
    delivered = verdict.delivered if verdict.decision == "edit" else None
    return Ruling("", verdict.as_fields(), delivered, verdict.recorded)


def reframed(frame: Frame, raw: bytes) -> Frame:
    """A frame that carries another message in the same framing; ids and names of an event stay."""
    message = read(raw)
    if frame.block is None:
        return msgspec.structs.replace(frame, raw=raw, message=message)
    ends = b"\r\n" if b"\r\n" in frame.raw else b"\n"
    kept = [line for line in frame.raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n") if line]
    fields = [line for line in kept if line.partition(b":")[0] != b"data"]
    block = ends.join((*fields, b"data: " + raw, b"", b""))
    return msgspec.structs.replace(frame, raw=block, message=message)
