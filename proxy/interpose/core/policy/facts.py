"""What rules count and remember beside the message: asks so far, what was declined, which call asked. Bounded."""

import hashlib

from interpose.core.protocol import AskKind
from interpose.core.session.asks import Ask
from interpose.core.session.call import Call
from interpose.core.session.notes import against_ask
from interpose.core.session.opening import Capabilities, Opening
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_SAID_NO = frozenset({"declined", "dismissed", "refused"})
_ROOM = 4096
_OUTSIDE = -1
# An ask, whatever message repeats it.
_Name = tuple[int, str, str]
_Origin = tuple[str, str | None]


class Facts:
    """One session as rules see it. Every sighting must be seen before rules are matched against it.

    `server` is the name it was configured under. Nothing here is what a peer says about itself.
    """

    def __init__(self, server: str | None = None) -> None:
        self.server = server
        self.capabilities: Capabilities | None = None
        self.version: str | None = None
        self._counts: dict[AskKind, int] = {}
        self._of_call: Ring[tuple[int, AskKind], int] = Ring(_ROOM)
        self._places: Ring[_Name, tuple[int, int]] = Ring(_ROOM)
        self._declined: Ring[bytes, None] = Ring(_ROOM)
        self._origins: Ring[int, _Origin] = Ring(_ROOM)
        self._first: Ring[int, int] = Ring(_ROOM)

    def see(self, sighting: Sighting) -> None:
        """Take in a message."""
        call = sighting.call
        if call is not None and call.end == "client":
            self._see_call(sighting, call)
        if sighting.asks:
            for ask in sighting.asks:
                if ask.state == "open":
                    self._count(ask)
                elif ask.state in _SAID_NO:
                    self.declined(ask)

    def knows(self, opening: Opening) -> bool:
        """Whether a call in a session that opened like this would tell nothing new."""
        return self.version == opening.version and self.capabilities is opening.client_capabilities

    def declined(self, ask: Ask) -> None:
        """Remember that an elicitation was answered with no, also when a rule gave that answer."""
        if ask.kind == "elicitation":
            self._declined.put(_digest(ask), None)

    def nth_of_session(self, ask: Ask) -> int:
        """The how many-th of its kind an ask is."""
        return self._place(ask)[0]

    def nth_of_call(self, ask: Ask) -> int:
        """The same within its call, all rounds of it; of several calls it may belong to, the one that asked most."""
        return self._place(ask)[1]

    def asked_again(self, ask: Ask) -> bool:
        return ask.kind == "elicitation" and _digest(ask) in self._declined

    def origins(self, ask: Ask) -> tuple[_Origin | None, ...]:
        """Method and name of the calls an ask may come from; None for one that is forgotten."""
        return tuple(self._origins.get(seq) for seq in ask.parents)

    def is_declared(self, ask: Ask, call: Call | None) -> bool:
        """Whether the client said that it can be asked this."""
        known = call.capabilities if call is not None else None
        declared = known or self.capabilities
        version = call.version if call is not None and call.version is not None else self.version
        return declared is not None and not against_ask(ask, declared, version)

    def _see_call(self, sighting: Sighting, call: Call) -> None:
        self.capabilities = call.capabilities or self.capabilities
        self.version = call.version or self.version
        if sighting.kind is Kind.REQUEST:
            self._origins.put(call.seq, (call.method, call.name))
            if call.previous is not None:
                self._first.put(call.seq, self._first.get(call.previous, call.previous))

    def _count(self, ask: Ask) -> None:
        name = (ask.seq, ask.carrier, ask.key)
        if name in self._places:
            self._places.move_to_end(name)
            return
        in_session = self._counts[ask.kind] = self._counts.get(ask.kind, 0) + 1
        in_call = 0
        for parent in ask.parents or (_OUTSIDE,):
            key = (self._first.get(parent, parent), ask.kind)
            number = self._of_call.get(key, 0) + 1
            self._of_call.put(key, number)
            in_call = max(in_call, number)
        self._places.put(name, (in_session, in_call))

    def _place(self, ask: Ask) -> tuple[int, int]:
        return self._places.get((ask.seq, ask.carrier, ask.key), (self._counts.get(ask.kind, 0), 0))


def _digest(ask: Ask) -> bytes:
    """What an elicitation says, whatever its spacing and letter case; the rest when it says nothing."""
    said = ask.params if ask.message is None else " ".join(ask.message.split()).casefold().encode(errors="replace")
    return hashlib.sha256(said).digest()
