"""Builds the script of one end from a recording's entries: which messages it has, inside which call each happened, and
what of the other end each has to wait for. The session itself is followed by `Session`, as it was live.
"""

from array import array
from collections.abc import Iterable

from interpose.core.events import Closed, Decided, End, Requested
from interpose.core.policy.glob import matcher
from interpose.core.protocol import EXTENSIONS, VERSIONS, table
from interpose.core.recording.entry import Entry
from interpose.core.replay.keys import number_of, task_number
from interpose.core.replay.normal import Normal
from interpose.core.replay.script import NONE, Fetch, Mark, Script
from interpose.core.session.pending import STDIO
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

STOPPED = frozenset({"answer", "drop", "cut", "withhold", "refuse"})
POLLS = frozenset({"tasks/get", "tasks/list", "ping"})
LISTEN = "subscriptions/listen"
CANCELLED = "notifications/cancelled"
_OWN = "interpose"
_TABLES = (*(table(version) for version in VERSIONS), *EXTENSIONS.values())
# Notifications whose number depends on time: they are said in their place, and nobody waits for them.
TIMED = frozenset(
    method.name for each in _TABLES for method in each.methods.values() if method.polled and method.kind != "request"
)
_STATES = frozenset({"notifications/tasks/status", "notifications/tasks"})
_RACES = frozenset({"late", "after-cancel", "duplicate-answer", "replayed"})


def build(
    entries: Iterable[tuple[int, Entry]], normal: Normal, end: End, fetch: Fetch, free: tuple[str, ...] = ()
) -> Script:
    """The script for playing `end`. `fetch` takes the offsets of `entries`; `free` as in the options."""
    builder = _Builder(Script(end, fetch), normal, free)
    for offset, entry in entries:
        builder.hear(offset, entry)
    return builder.finish()


class _Builder:
    """One pass over the entries."""

    def __init__(self, script: Script, normal: Normal, free: tuple[str, ...]) -> None:
        self._script = script
        self._normal = normal
        self._free = matcher(list(free)) if free else None
        self._session = Session()
        self._numbers: dict[str, int] = {}
        self._held: dict[str, tuple[int, tuple[Sighting, ...]]] = {}
        self._events: set[str] = set()
        self._resumed: set[str] = set()
        self._cause = NONE  # the latest row of the client that is no poll
        self._task_causes: dict[str, int] = {}  # the same, of those about a task
        self._over: set[int] = set()  # calls that go on saying things though they are answered or cancelled
        self._asks: dict[int, tuple[int, ...]] = {}  # rows of asks, and the calls that may have caused them
        self._asked: dict[str, int] = {}  # rows of what the server asked and has no answer to, by id
        self._again: dict[int, int] = {}  # the same, by where a resumed stream brought it again
        self._exchanges: dict[str, int] = {}  # stateless calls that wait, by the HTTP exchange that can end them

    def hear(self, offset: int, entry: Entry) -> None:
        """Take in one entry."""
        script = self._script
        if entry.kind == "stderr":
            script.stderr.append((len(script), entry.text or ""))
        event = entry.event()
        if event is None:
            return
        if isinstance(event, Decided):
            self._decide(offset, entry)
            return
        if isinstance(event, Requested) and any(name.lower() == "last-event-id" for name, _ in event.headers):
            self._resumed.add(event.channel)
        decision = str((entry.verdict or {}).get("decision", "pass"))
        if decision == "refuse":
            return
        sightings = self._session.see(entry.seq, event)
        if isinstance(event, Closed) and event.end == "client":
            self._leave(offset, entry)
        self._hear_again(sightings)
        if entry.kind != "message" or self._is_repeated(entry):
            return
        if self._is_own(entry) and decision == "hold":
            self._held[str((entry.verdict or {}).get("hold", ""))] = offset, sightings
        elif not self._is_own(entry) or decision not in STOPPED:
            self._add_all(offset, entry, sightings)

    def finish(self) -> Script:
        """Join the rows of each thread."""
        script = self._script
        for ask, parents in self._asks.items():
            script.threads[ask] = parents[-1]
        script.follows.extend([NONE] * len(script))
        tails = array("i", range(len(script)))
        root = NONE
        for row in range(len(script)):
            thread, marks = script.threads[row], script.marks[row]
            if thread == row or not (marks & Mark.OWN or self._is_awaited(row, marks)):
                continue
            before = root if thread == NONE else tails[thread]
            if thread == NONE:
                root = row
            else:
                tails[thread] = row
            if before == NONE:
                script.root = row
            else:
                script.follows[before] = row
        self._find_twins()
        return script

    def _find_twins(self) -> None:
        """Chain the rows that compare equal."""
        script = self._script
        script.twins.extend([NONE] * len(script))
        for row in range(len(script) - 1, -1, -1):
            if not script.marks[row] & (Mark.OWN | Mark.RESPONSE):
                script.twins[row] = script.first.get(script.keys[row], NONE)
                script.first[script.keys[row]] = row

    # --- which messages ----------------------------------------------------------------------------------------------

    def _is_own(self, entry: Entry) -> bool:
        """Whether the other end of the recording got this as the played end's."""
        return entry.end == self._script.end

    def _hear_again(self, sightings: tuple[Sighting, ...]) -> None:
        """What is answered after a resumed stream brought it again is the question that was asked before."""
        for seen in sightings:
            if "replayed" in seen.notes and seen.kind is Kind.REQUEST and seen.end == "server":
                self._again[seen.seq] = self._asked.get(seen.message.id or "", NONE)

    def _is_repeated(self, entry: Entry) -> bool:
        """Whether a resumed stream brings what was said before: its events keep their ids."""
        if entry.sse is None or not entry.sse.id:
            return False
        repeated = entry.channel in self._resumed and entry.sse.id in self._events
        self._events.add(entry.sse.id)
        return repeated

    def _decide(self, offset: int, entry: Entry) -> None:
        """What was held goes on now, unless nobody waits for it or it is refused."""
        held = self._held.pop(entry.hold, None)
        if held is None or (entry.decision == "abandon" and not entry.approver):  # else it is judged anew
            return
        verdict = entry.verdict or {}
        decision = verdict.get("decision", "pass")
        if decision == "hold":
            self._held[str(verdict.get("hold", ""))] = held
        elif decision not in STOPPED:
            self._add_all(offset if bytes(entry.delivered) else held[0], entry, held[1])

    def _add_all(self, offset: int, entry: Entry, sightings: tuple[Sighting, ...]) -> None:
        if entry.by == _OWN and not self._is_own(entry):
            return  # what interpose told the played end's other side is not what that side said
        for seen in sightings:
            if seen.kind is not Kind.OPAQUE and "replayed" not in seen.notes:
                self._add(offset, entry.at, seen, in_batch=len(sightings) > 1)

    def _leave(self, offset: int, entry: Entry) -> None:
        """Closing the stream of a stateless call cancels it (2026-07-28 §basic/transports): here by a message."""
        script, call = self._script, self._exchanges.pop(entry.channel, NONE)
        if call == NONE or script.replies[call] != NONE:
            return
        row, own = len(script), script.end == "client"
        self._put(offset, entry.seq, entry.at, CANCELLED, Mark.STATELESS | Mark.CERTAIN | (Mark.OWN if own else 0))
        script.threads.append(call)
        script.causes.append(NONE)
        script.keys.append(0)
        script.cancels[row] = script.message(call).id or ""
        if not own:
            self._over.add(call)
            self._cause = row

    # --- one row -----------------------------------------------------------------------------------------------------

    def _add(self, offset: int, at: float, seen: Sighting, *, in_batch: bool) -> None:
        script, row = self._script, len(self._script)
        own = seen.end == script.end
        request = NONE
        if seen.message.is_response:
            request = NONE if seen.call is None else self._again.get(seen.call.seq, NONE)
            if request == NONE and seen.call is not None:
                request = script.find(seen.call.seq, seen.call.part)
            if request == NONE or script.replies[request] != NONE:
                return  # the answer to what the played end never said or got
            script.replies[request] = row
        if in_batch:
            script.parts[row] = seen.part
        self._put(offset, seen.seq, at, seen.method or "", self._marks(seen, own))
        script.threads.append(self._thread(row, seen, request))
        script.causes.append(self._needs(row, seen, request) if own else NONE)
        script.keys.append(0 if own else self._key(seen))
        self._follow(row, seen)

    def _put(self, offset: int, seq: int, at: float, method: str, marks: int) -> None:
        script = self._script
        script.offsets.append(offset)
        script.seqs.append(seq)
        script.ats.append(at)
        script.method_numbers.append(self._number(method))
        script.marks.append(marks)
        script.replies.append(NONE)

    def _number(self, method: str) -> int:
        number = self._numbers.setdefault(method, len(self._numbers))
        if number == len(self._script.methods):
            self._script.methods.append(method)
        return number

    def _marks(self, seen: Sighting, own: bool) -> int:
        marks = 0
        if own:
            marks |= Mark.OWN
        match seen.kind:
            case Kind.REQUEST:
                marks |= Mark.REQUEST
            case Kind.RESULT:
                marks |= Mark.RESPONSE
            case Kind.ERROR:
                marks |= Mark.RESPONSE | Mark.ERROR
        if seen.era == "stateless":
            marks |= Mark.STATELESS
        if seen.method in POLLS and not seen.message.is_response:
            marks |= Mark.POLL
        if self._is_free(seen):
            marks |= Mark.FREE
        if seen.message.is_response or (seen.confidence == "certain" and seen.method not in _STATES):
            marks |= Mark.CERTAIN
        return marks

    def _is_free(self, seen: Sighting) -> bool:
        """Whether nobody may miss it: it crossed the end of what it is about, or the options say so."""
        if seen.kind is Kind.NOTIFICATION:
            raced = seen.end == "client" and seen.method in TIMED
            return raced or bool(_RACES & set(seen.notes)) or (self._free is not None and self._free(seen.method or ""))
        return bool(_RACES & set(seen.notes)) or (seen.kind is Kind.REQUEST and seen.method == "ping")

    def _key(self, seen: Sighting) -> int:
        """The number under which messages that compare equal are found; tasks keep apart, though their ids vary."""
        digest = self._normal.digest(seen.message, method=seen.method, era=seen.era, name=seen.name)
        key = number_of(digest)
        if seen.kind is Kind.REQUEST and (seen.method or "").startswith("tasks/") and seen.task is not None:
            key ^= task_number(seen.task)
        return key

    # --- what belongs to what ----------------------------------------------------------------------------------------

    def _thread(self, row: int, seen: Sighting, request: int) -> int:
        script = self._script
        if request != NONE:
            self._exchanges.pop(seen.channel, None)
            if seen.end == "client":
                self._asked.pop(seen.message.id or "", None)
            self._settle(request, row)
            return script.threads[request]
        if seen.end == "client" and seen.kind is Kind.REQUEST:
            if seen.era == "stateless" and seen.channel != STDIO:
                self._exchanges[seen.channel] = row
            return row
        if seen.call is not None and seen.call.end == "client" and seen.kind is Kind.NOTIFICATION:
            return script.find(seen.call.seq, seen.call.part)
        if seen.end == "client":
            return self._only(seen.parents) if seen.method in TIMED else NONE
        if seen.kind is Kind.REQUEST:
            self._asked[seen.message.id or ""] = row
        parents = tuple(found for found in map(script.find, seen.parents) if found != NONE)
        if seen.kind is Kind.REQUEST and len(parents) > 1:
            self._asks[row] = parents
            return NONE
        return self._only(seen.parents)

    def _only(self, parents: tuple[int, ...]) -> int:
        return self._script.find(parents[0]) if len(parents) == 1 else NONE

    def _settle(self, request: int, row: int) -> None:
        """An ask with several candidates belongs to the latest call that was still open when it was answered."""
        candidates = self._asks.pop(request, None)
        if candidates is not None:
            script = self._script
            still = [each for each in candidates if script.replies[each] == NONE]
            script.threads[request] = (still or candidates)[-1]
            if still:
                script.causes[request] = NONE  # what it waits for is in its thread

    def _needs(self, row: int, seen: Sighting, request: int) -> int:
        """The row of the client that must have come, beside what the thread itself waits for."""
        script = self._script
        if script.end != "server":
            return NONE
        thread = script.threads[row]
        if seen.message.is_response:
            if thread == request and (seen.method or "").startswith("tasks/") and seen.task is not None:
                return self._task_causes.get(seen.task, NONE) if seen.method in (*POLLS, "tasks/result") else NONE
            return self._cause if seen.method == LISTEN and seen.kind is Kind.RESULT else NONE
        if thread == NONE or script.replies[thread] != NONE or thread in self._over:
            return self._cause
        opened = script.method(thread) == LISTEN and seen.method != "notifications/subscriptions/acknowledged"
        return self._cause if opened else NONE

    def _follow(self, row: int, seen: Sighting) -> None:
        """Remember what later rows may have to wait for."""
        script = self._script
        if seen.end == script.end or seen.end == "server" or script.marks[row] & (Mark.POLL | Mark.FREE):
            return
        if seen.method == CANCELLED:
            self._over.add(script.threads[row])
        if seen.method != "tasks/result" or seen.kind is Kind.REQUEST:
            self._cause = row
        if seen.task is not None and seen.method != "tasks/result":
            self._task_causes[seen.task] = row

    def _is_awaited(self, row: int, marks: int) -> bool:
        """Whether the played server waits for this row inside its thread; a client goes by all that came before."""
        if self._script.end == "client":
            return True
        if marks & Mark.FREE:
            return False
        return bool(marks & Mark.RESPONSE) or self._script.method(row) == CANCELLED
