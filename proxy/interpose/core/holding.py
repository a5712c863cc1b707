"""Messages that wait, for somebody's approval or for their time: bounded, each with a name, a deadline, and an end.

Waiting never lasts longer than a rule said, and what is let go is let go once.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from interpose.core.errands import Errand
from interpose.core.events import Decision, End, Received
from interpose.core.policy.actions.unseen import COMPLETE
from interpose.core.policy.verdict import Hit, Verdict, Wait
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_MOST = 1000
_MOST_BYTES = 64 << 20


class Held(msgspec.Struct, frozen=True):
    """A message that waits until `until`, seconds. `settled` is what was decided before about other rules.

    `shown` is what would go on now. `errand` is the request of interpose's own that it answers, if it does.
    """

    hold: str
    until: float
    event: Received
    sighting: Sighting
    wait: Wait
    shown: bytes
    settled: dict[str, Decision]
    errand: Errand | None = None

    @property
    def end(self) -> End:
        return self.event.end

    @property
    def channels(self) -> tuple[str, ...]:
        """Where it came, and where the call is that waits for it through an errand."""
        return (self.event.channel,) if self.errand is None else (self.event.channel, self.errand.own.channel)

    @property
    def is_behind(self) -> bool:
        """Whether it waits for no rule, but for another message that is held (`Holds.behind`)."""
        return not self.wait.rules

    def asks_for(self, elicitation: str | None) -> bool:
        """Whether it asks the user for this sign-in."""
        asked = (ask.elicitation for ask in self.sighting.asks if ask.state == "open")
        return elicitation is not None and elicitation in asked


class Holds:
    """All that waits in one session, in front of a server.

    The session's name, which no peer knows, goes into names, so that no peer can know one of these either.
    """

    def __init__(self, session: str = "", server: str = "") -> None:
        self.session, self.server = session, server
        self._held: dict[str, Held] = {}
        self._bytes = 0
        self._count = 0

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._held.values()))

    def __bool__(self) -> bool:
        return bool(self._held)

    def name(self, message: bytes, revision: str) -> str:
        """A name for what is held, bound to server, session, message and policies; never given twice."""
        self._count += 1
        bound = (self.server, self.session, revision, str(self._count))
        seed = b"\0".join((*(each.encode("utf-8", "surrogatepass") for each in bound), message))
        return hashlib.sha256(seed).hexdigest()[:20]

    @property
    def full(self) -> bool:
        return len(self._held) >= _MOST or self._bytes >= _MOST_BYTES

    def put(self, held: Held) -> None:
        self._held[held.hold] = held
        self._bytes += len(held.sighting.message.raw)

    def get(self, hold: str) -> Held | None:
        return self._held.get(hold)

    def take(self, hold: str) -> Held | None:
        """Take it out; None when it is gone already."""
        held = self._held.pop(hold, None)
        if held is not None:
            self._bytes -= len(held.sighting.message.raw)
        return held

    def behind(self, at: float, sighting: Sighting, verdict: Verdict) -> Verdict:
        """The same, or a wait: that a sign-in is complete must not overtake the message that asks for it."""
        held = self._asking(sighting) if verdict.decision in ("pass", "edit") else None
        if held is None:
            return verdict
        hit = Hit("interpose", "hold", "what asks for this sign-in is held")
        wait = Wait(max(held.until - at, 0.0), (), delayed=True)
        return msgspec.structs.replace(verdict, decision="hold", hits=(*verdict.hits, hit), wait=wait)

    def followers(self, asked: Held) -> list[Held]:
        """What waited behind a message that is held no more."""
        return [held for held in self if held.is_behind and asked.asks_for(held.sighting.name)]

    def _asking(self, sighting: Sighting) -> Held | None:
        """The held message that asks for the sign-in which this reports as complete."""
        if sighting.method != COMPLETE or sighting.end != "server":
            return None
        return next((held for held in self._held.values() if held.asks_for(sighting.name)), None)

    def due(self, at: float) -> list[Held]:
        """Those whose time has come, in the order of their times."""
        return sorted((held for held in self._held.values() if held.until <= at), key=lambda held: held.until)

    def request(self, end: End, ident: str | None) -> Held | None:
        """The held request of an end by its id."""
        requests = (held for held in self._held.values() if held.end == end and held.sighting.kind is Kind.REQUEST)
        return next((held for held in requests if held.sighting.message.id == ident), None)
