"""What a policy would have done to a recorded session, message by message: no I/O, no waiting, the same core as live.

A rehearsal cannot know what the ends would have said instead, nor whether somebody would have approved of what it
holds: what was held when it was recorded is let go as it was then, anything else at once. What the ends said only
because a message reached them that would have been stopped is left out and counted (`moot`).
"""

from collections.abc import Iterable, Iterator

import msgspec

from interpose.core.effects import Append, Effect, Wake
from interpose.core.events import Decided, End, Event, Received
from interpose.core.formats.rehearsal_explain import Explainer, Explanation
from interpose.core.formats.rehearsal_finding import DENIES, STOPPED, Difference, Finding
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.rule import Policy
from interpose.core.policy.verdict import Hit
from interpose.core.protocol import Era
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry, Header
from interpose.core.session.asks import Ask
from interpose.core.session.reading import Result, read
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind
from interpose.core.wire.message import read as read_message

OWN = "interpose"
_VERDICT = b',"verdict":'
_NOTHING = Entry(0, 0.0, "message")


def rehearse(
    header: Header, entries: Iterable[Entry], engine: Engine, policies: Iterable[Policy] = ()
) -> Iterator[Finding]:
    """What the engine's policies would have done: one finding for each message that a rule matched."""
    rehearsal = Rehearsal(header, engine, policies)
    return (finding for entry in entries if (finding := rehearsal.hear(entry)) is not None)


def compare(first: "Rehearsal", second: "Rehearsal", entries: Iterable[Entry]) -> Iterator[Difference]:
    """Every message that a rule of either matched; see `differs` for those treated differently."""
    for entry in entries:
        found = Difference(first.hear(entry), second.hear(entry))
        if found.first is not None or found.second is not None:
            yield found


def differs(found: Difference) -> bool:
    """Whether either end would have got something else."""
    one, other = (found.first, found.second) if found.first is not None else (found.second, found.first)
    return one is not None and not one.alike(other)


def explain(
    header: Header, entries: Iterable[Entry], engine: Engine, policies: tuple[Policy, ...], seq: int
) -> Explanation | None:
    """How each rule takes the message of one entry; None when there is no such entry, or no message in it."""
    rehearsal, explainer = Rehearsal(header, engine, policies), Explainer(policies, _server(header))
    for entry in entries:
        finding = rehearsal.hear(entry)
        if entry.seq == seq:
            return explainer.explain(entry, rehearsal.seen, finding) if rehearsal.seen or finding else None
        explainer.see(rehearsal.seen)
    return None


class Rehearsal:
    """One recording heard again under a policy. `seen` is what the session made of the last entry.

    `policies` are the engine's. What they had hidden before it was written cannot be found again: where they were in
    force live, a verdict that redacted something is taken from the recording.
    """

    def __init__(self, header: Header, engine: Engine, policies: Iterable[Policy] = ()) -> None:
        digests = [policy.digest for policy in policies]
        self._is_same = bool(digests) and digests == [policy.get("digest") for policy in header.policies]
        self._core = Interposer(engine)
        self._core.open(header)
        self._session = Session()  # the conversation as it was: names messages, whatever the policy does to them
        self._lines: dict[End, bool] = {
            "client": header.client.get("transport") == "stdio",
            "server": header.server.get("transport") == "stdio",
        }
        self._stopped: set[int] = set()
        self._holds: dict[str, str] = {}  # by their names in the recording
        self._unasked: set[tuple[str | None, str]] = set()  # of tasks, by the key of the ask
        self.seen: tuple[Sighting, ...] = ()
        self.messages = self.moot = 0

    def hear(self, entry: Entry) -> Finding | None:
        """Hear one entry. None where no rule matched."""
        self.seen = ()
        event = entry.event()
        if event is None:
            return None
        if isinstance(event, Decided):
            self._decide(event)
            return None
        recorded = (entry.verdict or {}).get("decision")
        if recorded != "refuse":  # what the gate refused was never part of the conversation
            self.seen = self._session.see(entry.seq, event)
        if entry.by == OWN:
            return None
        self.messages += len(self.seen) or (recorded == "refuse")
        if self.seen and all(map(self._is_moot, self.seen)):
            self.moot += 1
            return None
        effects = self._core.feed(self._framed(entry, event))
        self._follow_hold(entry, effects)
        finding = self._finding(entry, effects) if isinstance(event, Received) and event.frame.message else None
        if finding is not None and recorded not in STOPPED and not _was_live(finding, entry):
            self._stop(finding)
        return finding

    def _follow_hold(self, entry: Entry, effects: list[Effect]) -> None:
        """What is held now is let go with what was held then; else nobody knows for how long."""
        held, recorded = _held(effects), str((entry.verdict or {}).get("hold", ""))
        if held and recorded:
            self._holds[recorded] = held
        while held and not recorded:
            held = _held(self._core.feed(Decided(entry.at, held, "approve")))

    def _decide(self, event: Decided) -> None:
        if event.decision == "abandon" and event.by:  # other policies came into force: it was judged anew, and went on
            event = msgspec.structs.replace(event, decision="approve")
        held = self._holds.pop(event.hold, "")
        if held and (again := _held(self._core.feed(msgspec.structs.replace(event, hold=held)))):
            self._holds[event.hold] = again

    def _framed(self, entry: Entry, event: Event) -> Event:
        """The event with the framing that it came in: the gate wants to know."""
        if not isinstance(event, Received):
            return event
        if entry.sse is not None:
            frame = msgspec.structs.replace(event.frame, wire="block")
        elif self._lines[event.end]:
            return event
        else:
            frame = msgspec.structs.replace(event.frame, wire="body")
        return msgspec.structs.replace(event, frame=frame)

    def _is_moot(self, seen: Sighting) -> bool:
        """Whether it answers or repeats what would not have got there."""
        call = seen.call
        if call is None or not (self._stopped or self._unasked):
            return False
        if seen.message.is_response and call.seq in self._stopped:
            self._stopped.discard(call.seq)
            return True
        unasked = bool(seen.asks) and all((ask.task, ask.key) in self._unasked for ask in seen.asks)
        if seen.kind is Kind.REQUEST and (call.previous in self._stopped or unasked):
            self._stopped.add(call.seq)
            return True
        return False

    def _stop(self, finding: Finding) -> None:
        """Remember whose answer, or whose next round, would never have come."""
        denied = {hit.ask for hit in finding.rules if hit.acted and hit.do in DENIES}
        for seen in self.seen:
            self._unasked.update((ask.task, ask.key) for ask in seen.asks if ask.key in denied and _is_in_task(ask))
            if seen.call is None:
                continue
            if (seen.kind is Kind.REQUEST and finding.decision in STOPPED) or (_is_round(seen) and not _asks(finding)):
                self._stopped.add(seen.call.seq)

    def _finding(self, entry: Entry, effects: list[Effect]) -> Finding | None:
        """What the core's line says. It is decoded only where there is a verdict in it."""
        lines = [effect.pieces for effect in effects if isinstance(effect, Append)]
        line = entry
        if not (self._is_same and _is_altered(entry)):
            line = decode_entry(b"".join(lines[0])) if any(_VERDICT in piece for piece in lines[0]) else _NOTHING
        if line.verdict is None:
            return None
        hits = tuple(msgspec.convert(hit, Hit) for hit in line.verdict["rules"])
        said = (decode_entry(b"".join(pieces)).payload() for pieces in lines[1:])
        return Finding(
            entry.seq,
            entry.at,
            entry.end or "client",
            *self._named(entry),
            line.verdict["decision"],
            hits,
            "; ".join(dict.fromkeys(hit.why for hit in hits if hit.why)),
            bytes(line.delivered) or None,
            tuple(each for each in said if each is not None),
        )

    def _named(self, entry: Entry) -> tuple[Era, str | None, str | None]:
        """Era, method and name; of what the gate refused live, the session never knew."""
        if self.seen:
            return self.seen[0].era, self.seen[0].method, self.seen[0].name
        return self._session.opening.era, read_message(entry.payload() or b"").method, None


def _held(effects: list[Effect]) -> str:
    """The name of what begins to wait."""
    return next((effect.hold for effect in effects if isinstance(effect, Wake) and effect.hold), "")


def _was_live(finding: Finding, entry: Entry) -> bool:
    """Whether that is what happened when it was recorded: then all that followed did come."""
    decision = (entry.verdict or {}).get("decision", "pass")
    return (finding.decision, finding.delivered) == (decision, bytes(entry.delivered) or None)


def _is_altered(entry: Entry) -> bool:
    """Whether the line may hold something else than what was judged, since a rule hid a part of it."""
    verdict = entry.verdict or {}
    acted = {rule.get("do") for rule in verdict.get("rules", ()) if rule.get("acted", True)}
    return "redact" in acted or verdict.get("decision") == "refuse"


def _is_in_task(ask: Ask) -> bool:
    return ask.carrier == "task" and ask.state == "open"


def _is_round(seen: Sighting) -> bool:
    return any(ask.carrier == "input_request" and ask.state == "open" for ask in seen.asks)


def _asks(finding: Finding) -> bool:
    """Whether the client is still asked something."""
    if finding.decision in STOPPED or finding.delivered is None:
        return finding.decision not in STOPPED
    return read(read_message(finding.delivered).result, Result).type == "input_required"


def _server(header: Header) -> str:
    return str(header.server.get("name", ""))
