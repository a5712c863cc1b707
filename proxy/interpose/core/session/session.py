"""Follows one session: events in, sightings out, and what waits for whom. It notes what is odd and refuses nothing."""

from collections.abc import Iterable, Sequence

import msgspec

from interpose.core.events import Event, Received
from interpose.core.session.answering import see_response
from interpose.core.session.asking import see_request
from interpose.core.session.asks import Ask
from interpose.core.session.closing import follow
from interpose.core.session.opening import Opening
from interpose.core.session.pending import SESSION
from interpose.core.session.sighting import Heard, Sighting
from interpose.core.session.state import Counts, Held, State
from interpose.core.session.tasks import Task
from interpose.core.session.telling import see_notification
from interpose.core.session.waiting import Wait, waits
from interpose.core.wire.message import Kind

_REQUEST, _RESULT, _NOTIFICATION, _ERROR = Kind.REQUEST, Kind.RESULT, Kind.NOTIFICATION, Kind.ERROR
_BATCH = Kind.BATCH
_REPETITIONS = frozenset({"duplicate-answer", "duplicate-id", "reused-id"})


class Session:
    """What both ends of one session have said so far.

    One stdio process, or one HTTP endpoint as one client uses it. Events must come in the order of their numbers.
    """

    def __init__(self) -> None:
        self._state = State()

    def see(self, seq: int, event: Event) -> tuple[Sighting, ...]:
        """Follow one event. One sighting for each message in it, none for events that carry none. Never raises."""
        if not isinstance(event, Received):
            follow(self._state, event)
            return ()
        if event.frame.block is not None:
            self._state.exchanges.streamed(event.channel, event.frame.block)
        message = event.frame.message
        if message is None:
            return ()
        if message.kind is not _BATCH:
            return (self._see(Heard(seq, event.at, event.end, event.channel, message)),)
        parts = enumerate(message.parts)
        return self._in_batch(
            tuple(self._see(Heard(seq, event.at, event.end, event.channel, part, number)) for number, part in parts)
        )

    def _see(self, heard: Heard) -> Sighting:
        counts = self._state.counts
        counts.messages += 1
        kind = heard.message.kind
        if kind is _REQUEST:
            counts.requests += 1
            found = see_request(self._state, heard)
        elif kind is _RESULT:
            counts.results += 1
            found = see_response(self._state, heard)
        elif kind is _NOTIFICATION:
            counts.notifications += 1
            found = see_notification(self._state, heard)
        elif kind is _ERROR:
            counts.errors += 1
            found = see_response(self._state, heard)
        else:
            counts.opaque += 1
            found = self._opaque(heard)
        if found.notes:
            counts.noted += 1
            return self._explained(found)
        return found

    def _explained(self, found: Sighting) -> Sighting:
        """What looks like a repetition is none of its sender's when a resumed stream brings it again."""
        exchange = self._state.exchanges.open.get(found.channel)
        if exchange is None or not exchange.resumes or not _REPETITIONS.intersection(found.notes):
            return found
        notes = dict.fromkeys("replayed" if note in _REPETITIONS else note for note in found.notes)
        return msgspec.structs.replace(found, notes=tuple(notes))

    def _opaque(self, heard: Heard) -> Sighting:
        era = self._state.current or "stateful"
        return Sighting(
            heard.seq, heard.at, heard.end, heard.channel, heard.message, heard.message.kind, era, heard.part
        )

    def _in_batch(self, found: tuple[Sighting, ...]) -> tuple[Sighting, ...]:
        """Only 2025-03-26 has batches."""
        era = self._state.current or "stateful"
        version = self._state.version(era)
        if version is None or self._state.table(era, version).batches:
            return found
        return tuple(msgspec.structs.replace(each, notes=(*each.notes, "batch-not-in-version")) for each in found)

    def hold(
        self, name: str, sighting: Sighting, until: float, *, delayed: bool = False, then: str | None = None
    ) -> None:
        """A policy holds a message under a name until it lets it go; `then` is what happens at `until`, in words."""
        what = " ".join(word for word in (sighting.method, sighting.name) if word) or str(sighting.kind)
        call = sighting.call
        blocks = (call.seq,) if call is not None and call.seq != sighting.seq else sighting.parents
        self._state.pending.suspend(sighting.seq, suspended=True)
        self._state.held[name] = Held(sighting.seq, sighting.at, until, what, blocks, delayed, then)

    def release(self, name: str, *, goes_on: bool) -> None:
        """It is held no more. What does not go on, since nobody waits for it, causes nothing either."""
        held = self._state.held.pop(name, None)
        if held is not None and goes_on:
            self._state.pending.suspend(held.seq, suspended=False)

    def withdraw(self, sighting: Sighting, asks: Sequence[Ask], *, task_ended: bool = False) -> None:
        """A policy refused asks of a message: the user's side was never asked, and nobody waits for it."""
        keys = frozenset(ask.key for ask in asks)
        if sighting.call is not None:
            self._state.rounds.withdraw(sighting.call.seq, keys)
        for ask in asks:
            self._state.sign_ins.pop(ask.elicitation or "", None)
        task = self._state.tasks.get("server", sighting.task) if sighting.task is not None else None
        if task is not None and task_ended:
            self._state.tasks.gone("server", task.id, sighting.at)
        elif task is not None:
            self._state.tasks.settled(task, tuple(ask.became("refused") for ask in task.asks if ask.key in keys))

    def waits(self, at: float) -> tuple[Wait, ...]:
        """What waits at a time, and for whom."""
        return waits(self._state, at)

    def remembers(self, ident: str) -> bool:
        """Whether a call of the client's with this id waits, or waited, for an answer on stdio or in a session."""
        key, pending = ("client", SESSION, ident), self._state.pending
        return key in pending.open or key in pending.tombs

    def remembers_any(self, idents: Iterable[str]) -> bool:
        """The same for one of many."""
        pending, keys = self._state.pending, [("client", SESSION, ident) for ident in idents]
        return not (pending.open.keys().isdisjoint(keys) and pending.tombs.keys().isdisjoint(keys))

    @property
    def opening(self) -> Opening:
        """How the session opened, in the era that the latest evidence speaks for."""
        return self._state.opening

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that run."""
        return tuple(self._state.tasks.running.values())

    @property
    def in_flight(self) -> tuple[int, ...]:
        """The client's calls of a session that could be the cause of what its server says."""
        return self._state.pending.in_flight()

    @property
    def subscribed(self) -> tuple[str, ...]:
        """The resources a session is subscribed to."""
        return tuple(self._state.listening.resources)

    @property
    def counts(self) -> Counts:
        return self._state.counts
