"""Requests that interpose makes at the server in the client's place, from the asking to the answer.

INVARIANT: they are judged like the client's own, so that what a rule masked or capped is so here too.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from interpose.core.effects import Deliver, Effect
from interpose.core.events import Frame, Received
from interpose.core.policy.outcome import encode, response
from interpose.core.policy.verdict import Own, Verdict
from interpose.core.recording.recorder import Recorder, Ruling
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.voice import Voice
from interpose.core.wire.message import Message, id_text, parse_exact, read

STDIO = "stdio"
_ROUNDS = 10  # how often interpose repeats one call with answers of its own
Judge = Callable[[Sighting], Verdict]
Tells = Callable[[Verdict, str], Ruling]


class Errand(msgspec.Struct, frozen=True):
    """A request under way: whose call it is for, the channel it went out on, and its round of questions."""

    own: Own
    channel: str
    round: int = 1


class Errands:
    """All of one session. `judge` decides about each before it goes; `told` says what its line holds of that."""

    def __init__(self, session: Session, recorder: Recorder, voice: Voice, judge: Judge, told: Tells) -> None:
        self._session = session
        self._recorder = recorder
        self._voice = voice
        self._judge = judge
        self._told = told
        self._under_way: dict[str, Errand] = {}
        self._prefix = "interpose-"
        self._envelope: Message | None = None
        self._count = 0

    def begin(self, session: str) -> None:
        """Name errands after the session, which no peer knows: none can use their ids, and so take their answers."""
        self._prefix = f"interpose-{hashlib.sha256(session.encode()).hexdigest()[:10]}-"

    def notice(self, request: Message) -> None:
        """The client's latest request: what interpose asks in its place carries the same envelope."""
        self._envelope = request

    def take(self, message: Message) -> Errand | None:
        """The errand that a response of the server answers."""
        return self._under_way.pop(message.id or "", None)

    def forget(self, channel: str) -> None:
        """A channel is closed: nobody waits for an errand on it any more."""
        for ident in [ident for ident, errand in self._under_way.items() if errand.channel == channel != STDIO]:
            del self._under_way[ident]

    def home(self, channel: str) -> str:
        """The client's channel that an errand's own channel is for; any other is its own home."""
        if channel != STDIO:
            for errand in self._under_way.values():
                if errand.channel == channel and errand.own.channel:
                    return errand.own.channel
        return channel

    def cancelled(self, sighting: Sighting) -> bytes | None:
        """A client's cancellation of a call that interpose repeats for it: the server knows it by another id."""
        if sighting.method != "notifications/cancelled" or not self._under_way:
            return None
        wanted = (sighting.message.section("params") or {}).get("requestId")
        for ident, errand in self._under_way.items():
            if wanted is not None and errand.own.id == id_text(encode(wanted)):
                body = parse_exact(sighting.message.raw)
                body["params"]["requestId"] = ident.strip('"')
                return encode(body)
        return None

    def set_out(self, at: float, channel: str, own: Own, errand: Errand | None = None) -> list[Effect]:
        """Make a request because of what came on `channel`; `errand` is the one whose answer led to it."""
        if errand is not None and own.id is not None:
            own = msgspec.structs.replace(own, id=errand.own.id, channel=errand.own.channel)
        elif not own.channel:
            own = msgspec.structs.replace(own, channel=self.home(channel))
        round_ = errand.round + 1 if errand is not None else 1
        if round_ > _ROUNDS:
            return self._give_up(at, own, "the server keeps asking")
        self._count += 1
        ident = f'"{self._prefix}{self._count}"'
        channel = STDIO if channel == STDIO else f"i{self._count}"
        body = {name: value for name, value in own.body.items() if name != "jsonrpc"}
        body["params"] = self._enveloped(body.get("params") or {})
        raw = b'{"jsonrpc":"2.0","id":' + ident.encode() + b"," + encode(body)[1:]
        asked = Received(at, "client", channel, Frame(raw, read(raw), wire="body"))
        [sighting] = self._session.see(self._recorder.seq + 1, asked)
        verdict = self._judge(sighting)
        effects: list[Effect] = [self._recorder.record(asked, self._told(verdict, "interpose"))]
        if verdict.decision not in ("pass", "edit"):
            return effects + self._give_up(at, own, "the call is not allowed")
        self._under_way[ident] = Errand(own, channel, round_)
        frame = asked.frame
        if verdict.delivered is not None:
            frame = Frame(verdict.delivered, read(verdict.delivered), wire="body")
        return [*effects, Deliver("server", channel, frame)]

    def bring_home(self, at: float, errand: Errand, message: Message, verdict: Verdict) -> list[Effect]:
        """The answer to an errand goes to the client whose call it was, under that call's id."""
        ident = errand.own.id
        if ident is None:
            return []
        said = _under(verdict.delivered or message.raw, ident)
        kept = None if verdict.recorded is None else _under(verdict.recorded, ident)
        return self._voice.say(at, "server", errand.own.channel, read(said), kept)

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
        return self._voice.say(at, "server", own.channel, read(response(own.id, body)))


def _under(raw: bytes, ident: str) -> bytes:
    """A response under another id."""
    return response(ident, {name: value for name, value in parse_exact(raw).items() if name not in ("jsonrpc", "id")})
