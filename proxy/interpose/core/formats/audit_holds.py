"""What was held for approval, in the consent trail: who decided what about it, and each way to end told apart."""

from collections.abc import Callable

from interpose.core.events import Decision as Held
from interpose.core.formats.approval import holders
from interpose.core.formats.audit_record import By, Decision, Record, correlation
from interpose.core.formats.excerpt import said
from interpose.core.formats.label import label
from interpose.core.recording.entry import Entry
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting

_ENDS: dict[Held, tuple[Decision, By]] = {
    "approve": ("allowed", "approver"),
    "edit": ("changed", "approver"),
    "answer": ("answered", "approver"),
    "decline": ("refused", "approver"),
    "cancel": ("dismissed", "approver"),
    "expire": ("refused", "nobody"),
    "abandon": ("withdrawn", "nobody"),
}
_REFUSALS = frozenset({"decline", "cancel", "expire"})
ANSWERED = frozenset({"answer", "decline", "cancel"})  # what the one who asked hears is the approver's


class HoldTrail:
    """Follows what is held. `name` gives the number of a message."""

    def __init__(self, name: Callable[[int], str | None]) -> None:
        self._name = name
        self._held: Ring[str, tuple[Record, int, Sighting]] = Ring(4096)
        self._answered: Ring[int, str] = Ring(4096)
        self._ended: tuple[Record, Sighting] | None = None  # what was decided last

    def see(self, entry: Entry, seen: Sighting | None) -> tuple[Record, Sighting] | None:
        """Follow an entry; what begins to be held is a record, with the message that it is about."""
        if entry.kind == "decision":
            seen = self._decided(entry)
        verdict = entry.verdict or {}
        if seen is None or verdict.get("decision") != "hold" or verdict.get("delayed", True):
            return None
        hold = str(verdict.get("hold", ""))
        record = Record("approval", "held", entry.seq, entry.at, decision="open", by="nobody", rule=holders(verdict))
        record.number, record.call, record.correlation = self._name(seen.seq) or "", label(seen), correlation(hold)
        self._held.put(hold, (record, seen.seq, seen))
        return record, seen

    def refused(self, entry: Entry) -> tuple[Record, Sighting] | None:
        """What a decision refuses: the record of the hold, complete, and the message. To be asked after `see`."""
        found = self._ended if entry.kind == "decision" else None
        return found if found is not None and found[0].event in _REFUSALS else None

    def approver(self, seq: int) -> str | None:
        """Who answered what a message asked, where an approver did in the user's place."""
        return self._answered.get(seq)

    def _decided(self, entry: Entry) -> Sighting | None:
        """Complete a record. Returns what may be held once more."""
        record, seq, seen = self._held.pop(entry.hold, None) or (None, 0, None)
        decision = entry.decision or "abandon"
        self._ended = None if record is None or seen is None else (record, seen)
        if record is None or decision not in _ENDS:
            return seen
        record.event, (record.decision, record.by) = decision, _ENDS[decision]
        record.seconds, record.approver = entry.at - record.at, said(entry.approver, 80)
        if decision == "abandon" and entry.approver:
            record.by = "policy"
        if decision in ANSWERED:
            self._answered.put(seq, record.approver)
        return seen
