"""A recording followed entry by entry: the session, and what becomes of its requests. Holds no messages."""

from interpose.core.events import Event, Received
from interpose.core.formats.label import label, of_ask
from interpose.core.formats.ledger import Ledger, Place
from interpose.core.formats.words import cells
from interpose.core.recording.entry import Entry
from interpose.core.session.opening import Opening
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

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

    def take(self, offset: int, entry: Entry) -> Seen | None:
        """Follow one entry. None for the last one, which is no event."""
        self.entries += 1
        self.at = max(self.at, entry.at)
        event = entry.event()
        if event is None:
            self.last = entry
            return None
        sightings = self.session.see(self.entries, event)
        if entry.kind == "decision":
            self.session.release(entry.hold, goes_on=entry.decision != "abandon")
        elif sightings and (verdict := entry.verdict or {}).get("decision") == "hold" and "hold" in verdict:
            self.session.hold(verdict["hold"], sightings[0], float(verdict["until"]), delayed=verdict["delayed"])
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


class Again:
    """The same entries a second time: the session only, to see again what was seen."""

    def __init__(self) -> None:
        self._session = Session()
        self._entries = 0

    def take(self, entry: Entry) -> Seen | None:
        self._entries += 1
        event = entry.event()
        return None if event is None else (event, self._session.see(self._entries, event))
