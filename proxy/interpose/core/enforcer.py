"""Carries out what a policy decides: turns verdicts into lines for the recording and deliveries.

INVARIANT: a block answers the one who asked, with its id, and the other end sees nothing of it. After a request was
forwarded, nothing here answers it too.
"""

import hashlib
from typing import Any

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
from interpose.core.wire.message import Kind, Message, id_text, read

STDIO = "stdio"
_ROUNDS = 10  # how often interpose repeats one call with answers of its own


class Errand(msgspec.Struct, frozen=True):
    """A request of interpose's own that is under way: whose call it is for, where it went, and its round."""

    own: Own
    channel: str
    round: int = 1


class Enforcer:
    """The policy of one session at work."""

    def __init__(self, engine: Engine, session: Session, recorder: Recorder) -> None:
        self.engine = engine
        self._session = session
        self._recorder = recorder
        self._gate = Gate()
        self._errands: dict[str, Errand] = {}
        self._prefix = "interpose-"
        self._envelope: Message | None = None
        self._count = 0

    def begin(self, session: str) -> None:
        """Name errands after the session, which no peer knows: none can use their ids, and so take their answers."""
        self._prefix = f"interpose-{hashlib.sha256(session.encode()).hexdigest()[:10]}-"

    def feed(self, event: Received) -> list[Effect]:
        """Hear one message and decide about it."""
        message = event.frame.message
        assert message is not None
        if self.engine.enforces and (objection := self._objection(event)) is not None:
            return self._refuse(event, message, objection)
        errand = None
        if event.end == "server" and message.is_response:
            errand = self._errands.pop(message.id or "", None)
        elif event.end == "client" and message.kind is Kind.REQUEST:
            self._envelope = message
        sightings = self._session.see(self._recorder.seq + 1, event)
        verdicts = [self._judge(sighting) for sighting in sightings]
        if len(verdicts) != 1:
            return self._batch(event, sightings, verdicts)
        verdict = self._cancelled(sightings[0], verdicts[0]) if event.end == "client" else verdicts[0]
        return self._carry_out(event, sightings[0], verdict, errand)

    def forget(self, channel: str) -> None:
        """A channel is closed: nobody waits for an errand on it any more."""
        for ident in [ident for ident, errand in self._errands.items() if errand.channel == channel != STDIO]:
            del self._errands[ident]

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
            elif sighting.message.is_response and sighting.message.id is not None:
                body = {"error": {"code": -31001, "message": "Blocked by policy: a part of this batch is not allowed"}}
                answer = read(response(sighting.message.id, body))
                effects += self._say(event.at, event.end, event.channel, answer)
        return effects

    def _cancelled(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """A client cancels a call that interpose repeats for it: the server knows it by the errand's id."""
        if sighting.method != "notifications/cancelled" or not self._errands or verdict.decision != "pass":
            return verdict
        wanted = (sighting.message.section("params") or {}).get("requestId")
        for ident, errand in self._errands.items():
            if wanted is not None and errand.own.id == id_text(encode(wanted)):
                body = sighting.message.body()
                body["params"]["requestId"] = ident.strip('"')
                return Verdict("edit", verdict.hits, delivered=encode(body))
        return verdict

    def _carry_out(self, event: Received, sighting: Sighting, verdict: Verdict, errand: Errand | None) -> list[Effect]:
        effects: list[Effect] = [self._recorder.record(event, _ruling(verdict))]
        if verdict.decision in ("pass", "edit") and errand is None:
            frame = event.frame if verdict.delivered is None else reframed(event.frame, verdict.delivered)
            effects.append(Deliver(other(event.end), self._home(event), frame))
        elif verdict.decision in ("pass", "edit") and errand is not None:
            effects += self._bring_home(event, errand, verdict)
        elif verdict.answer is not None:
            effects += self._say(event.at, other(event.end), event.channel, read(verdict.answer))
        for own in verdict.own:
            effects += self._ask(event, own, errand)
        return effects

    def _home(self, event: Received) -> str:
        """Where a server's progress and logs about an errand belong: to the exchange of the call it is for."""
        if event.end == "server" and event.channel != STDIO:
            for errand in self._errands.values():
                if errand.channel == event.channel and errand.own.id is not None:
                    return errand.own.channel
        return event.channel

    def _bring_home(self, event: Received, errand: Errand, verdict: Verdict) -> list[Effect]:
        """The answer to an errand goes to the client whose call it was, under that call's id."""
        ident, message = errand.own.id, event.frame.message
        if ident is None or message is None:
            return []
        said = _under(verdict.delivered or message.raw, ident)
        kept = None if verdict.recorded is None else _under(verdict.recorded, ident)
        return self._say(event.at, "server", errand.own.channel, read(said), kept)

    def _ask(self, event: Received, own: Own, errand: Errand | None) -> list[Effect]:
        """Make a request of our own at the server, in the client's place.

        INVARIANT: it is judged like the client's own, so that what a rule masked or capped is so here too.
        """
        if errand is not None and own.id is not None:
            own = msgspec.structs.replace(own, id=errand.own.id, channel=errand.own.channel)
        round_ = errand.round + 1 if errand is not None else 1
        if round_ > _ROUNDS:
            return self._give_up(event.at, own, "the server keeps asking")
        self._count += 1
        ident = f'"{self._prefix}{self._count}"'
        channel = STDIO if event.channel == STDIO else f"i{self._count}"
        body = {name: value for name, value in own.body.items() if name != "jsonrpc"}
        body["params"] = self._enveloped(body.get("params") or {})
        raw = b'{"jsonrpc":"2.0","id":' + ident.encode() + b"," + encode(body)[1:]
        asked = Received(event.at, "client", channel, Frame(raw, read(raw), wire="body"))
        [sighting] = self._session.see(self._recorder.seq + 1, asked)
        verdict = self._judge(sighting)
        ruling = _ruling(verdict) or Ruling()
        effects: list[Effect] = [self._recorder.record(asked, msgspec.structs.replace(ruling, by="interpose"))]
        if verdict.decision not in ("pass", "edit"):
            return effects + self._give_up(event.at, own, "the call is not allowed")
        self._errands[ident] = Errand(own, channel, round_)
        frame = asked.frame if verdict.delivered is None else reframed(asked.frame, verdict.delivered)
        return [*effects, Deliver("server", channel, frame)]

    def _enveloped(self, params: dict[str, Any]) -> dict[str, Any]:
        """Every 2026-07-28 request says its version and capabilities: as the client's latest did."""
        if "_meta" in params or self._session.opening.era != "stateless" or self._envelope is None:
            return params
        latest = self._envelope.section("params")
        meta = latest.get("_meta") if isinstance(latest, dict) else None
        if not isinstance(meta, dict):
            return params
        return params | {"_meta": {name: value for name, value in meta.items() if name != "progressToken"}}

    def _give_up(self, at: float, own: Own, why: str) -> list[Effect]:
        """The client's call ends here."""
        if own.id is None:
            return []
        body = {"error": {"code": -31001, "message": f"Blocked by policy: {why}"}}
        return self._say(at, "server", own.channel, read(response(own.id, body)))

    def _say(self, at: float, end: End, channel: str, message: Message, recorded: bytes | None = None) -> list[Effect]:
        """Say something in an end's name: recorded as interpose's, followed, delivered to the other end."""
        frame = Frame(message.raw, message, wire="body")
        event = Received(at, end, channel, frame)
        line = self._recorder.record(event, Ruling(by="interpose", recorded=recorded))
        self._session.see(self._recorder.seq, event)
        return [line, Deliver(other(end), channel, frame)]


def _under(raw: bytes, ident: str) -> bytes:
    """A response under another id."""
    return response(ident, {name: value for name, value in read(raw).body().items() if name not in ("jsonrpc", "id")})


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
