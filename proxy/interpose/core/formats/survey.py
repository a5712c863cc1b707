"""A recording followed entry by entry: the session, and what becomes of its requests. Holds no messages."""

from typing import Any

from interpose.core.events import Event, Received
from interpose.core.formats.approval import holders
from interpose.core.formats.excerpt import said
from interpose.core.formats.label import label, of_ask
from interpose.core.formats.ledger import Ledger, Place
from interpose.core.formats.words import cells
from interpose.core.recording.entry import Entry
from interpose.core.session.opening import Opening
from interpose.core.session.ring import Ring
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_SHORT = 8  # characters of a name by which it can be decided about
Seen = tuple[Event, tuple[Sighting, ...]]


class Survey:
    """What is known after the entries so far. The session counts entries itself: a damaged file may count wrongly."""

    def __init__(self) -> None:
        self.session = Session()
        self.ledger = Ledger()
        self.entries = 0
        self.at = 0.0
        self.last: Entry | None = None  # the recording's last line, when it has one
        self.opening: Opening = self.session.opening  # the last that was agreed: a session may end before the recording
        self.label = 0  # the columns that the longest name takes
        self._held: Ring[str, Sighting] = Ring(4096)

    def take(self, offset: int, entry: Entry) -> Seen | None:
        """Follow one entry. None for the last one, which is no event."""
        self.entries += 1
        self.at = max(self.at, entry.at)
        event = entry.event()
        if event is None:
            self.last = entry
            return None
        sightings = self.session.see(self.entries, event)
        held = sightings[0] if sightings else None
        if entry.kind == "decision":
            gone = entry.decision == "abandon" and not entry.approver  # else other rules have judged it anew
            self.session.release(entry.hold, goes_on=not gone)
            held = self._held.pop(entry.hold, None)  # which another rule may hold once more
        if held is not None and (verdict := entry.verdict or {}).get("decision") == "hold" and "hold" in verdict:
            self._held.put(verdict["hold"], held)
            until, delayed = float(verdict["until"]), verdict["delayed"]
            self.session.hold(verdict["hold"], held, until, delayed=delayed, then=_then(verdict))
        size = len(event.frame.raw) if isinstance(event, Received) else 0
        self.ledger.take(Place(offset, size), event, sightings)
        if sightings and self.session.opening.version is not None:
            self.opening = self.session.opening
        for seen in sightings:
            if seen.kind is Kind.REQUEST:
                self._name(label(seen), bool(seen.parents))
            for ask in seen.asks:
                self._name(of_ask(ask), bool(ask.parents))
        return event, sightings

    def _name(self, name: str, inside: bool) -> None:
        self.label = max(self.label, cells(name) + 2 * inside)


def _then(verdict: dict[str, Any]) -> str | None:
    """What happens when nobody decides, by which rule, and the name to decide under."""
    if not verdict.get("then"):
        return None
    return f"{said(str(verdict['then']), 60)} (hold {said(str(verdict['hold'])[:_SHORT])}, rule {holders(verdict)})"


class Again:
    """The same entries a second time: the session only, to see again what was seen."""

    def __init__(self) -> None:
        self._session = Session()
        self._entries = 0

    def take(self, entry: Entry) -> Seen | None:
        self._entries += 1
        event = entry.event()
        return None if event is None else (event, self._session.see(self._entries, event))
