"""Carries out what a policy decides: turns verdicts into lines for the recording and deliveries.

INVARIANT: a block answers the one who asked, with its id, and the other end sees nothing of it. After a request was
forwarded, nothing here answers it too. A message that is held goes on at most once, and never after who sent it left.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from interpose.core.effects import Cut, Deliver, Effect, Release, Seek, Store, Wake
from interpose.core.entrance import Entrance
from interpose.core.errands import STDIO, Errand, Errands
from interpose.core.events import Decided, Decision, End, Frame, Received, Ticked, Told, other
from interpose.core.holding import Held, Holds
from interpose.core.judge import Judge
from interpose.core.passing import Passing
from interpose.core.policy.actions.unseen import COMPLETE
from interpose.core.policy.approval import Unfit, answers, edited
from interpose.core.policy.engine import Engine
from interpose.core.policy.outcome import Json, encode, response
from interpose.core.policy.rule import Policy
from interpose.core.policy.rules import Rules
from interpose.core.policy.verdict import PASS, Hit, Verdict, Wait
from interpose.core.recording.recorder import Recorder
from interpose.core.reframing import reframed
from interpose.core.session.lagging import Lagging
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.throng import Throng
from interpose.core.voice import Voice
from interpose.core.wire.lines import Line
from interpose.core.wire.message import Kind, Message, id_text, read

_CANCELLED = {"error": {"code": -32800, "message": "Request cancelled"}}


class Enforcer:
    """The policy of one session at work."""

    def __init__(self, engine: Engine, recorder: Recorder) -> None:
        self.engine = engine
        self.lagging = Lagging(engine.notice)
        self._session = session = self.lagging.session
        self._recorder = recorder
        passing = self._passing = Passing(engine, self.lagging)
        self._voice = Voice(session, recorder)
        self._judge = Judge(engine)
        self._entrance = Entrance(recorder, self._voice, self._judge)
        self._errands = Errands(session, recorder, self._voice, self._judge.own, self._judge.ruling)
        self._throng = Throng(engine, recorder, self._entrance, passing, self._errands, self._judged)
        self._holds = Holds()
        self._refused: Ring[tuple[End, str | None], None] = Ring()  # requests that the other end never saw

    def begin(self, session: str, server: str) -> None:
        """What is named from here on is named after the session, which no peer knows."""
        self._errands.begin(session)
        self._holds = Holds(session, server)

    def feed(self, event: Received) -> list[Effect]:
        """Hear one frame and decide about its message. Where there is none, nothing has to be decided."""
        message = event.frame.message
        if message is None:
            return self._judged(event, None, None)
        value = self._entrance.glance(message) if self.engine.enforces else None
        if value is not None and self._passing.lets(self._recorder.seq + 1, event, message, value):
            if event.end == "client":
                self._errands.notice(message)
            return [self._recorder.record(event), Deliver(other(event.end), event.channel, event.frame)]
        return self._judged(event, message, value)

    def feed_lines(self, at: float, end: End, lines: Sequence[Line]) -> Iterator[list[Effect]]:
        """What follows from lines on stdio, step by step: what comes later is heard once the next step is asked for."""
        return self._throng.feed(at, end, lines)

    def _judged(self, event: Received, message: Message | None, value: dict[str, Any] | None) -> list[Effect]:
        """Decide about a message with all that is known."""
        if message is None:
            line = self._recorder.record(event)
            self.lagging.hear(self._recorder.seq, event)
            return [line, Deliver(other(event.end), event.channel, event.frame)]
        self.lagging.catch_up()
        if value is None and self.engine.enforces:
            objection = self._entrance.objection(event, message, self._session.opening)
            if objection is not None:
                return self._entrance.refuse(event, message, objection)
        return self._look(event, message, value)

    def _look(self, event: Received, message: Message, value: dict[str, Any] | None) -> list[Effect]:
        """Decide about a message by what the session knows of it."""
        errand = None
        if event.end == "server" and message.is_response:
            errand = self._errands.take(message)
        elif event.end == "client" and message.kind is Kind.REQUEST:
            self._errands.notice(message)
        sightings = self._session.see(self._recorder.seq + 1, event)
        if len(sightings) != 1:
            return self._entrance.batch(event, sightings, list(map(self._judge.verdict, sightings)))
        sighting = sightings[0]
        verdict = self._judge.verdict(sighting, value)
        if sighting.method == "notifications/cancelled" and verdict.decision in ("pass", "edit"):
            return self._cancel(event, sighting, verdict)
        if verdict is PASS and errand is None and sighting.method != COMPLETE:  # as nearly every message does
            return [self._recorder.record(event), Deliver(other(event.end), self._home(event), event.frame)]
        effects = self._go_on(event, event, sighting, verdict, errand, {})
        if self.engine.rules.learn:
            effects += [Store(path, content) for path, content in self.engine.learned()]
        return [*effects, *self._timed()]

    def tell(self, event: Told) -> list[Effect]:
        """Hear a fact: what a policy scrubs never reaches the recording."""
        event = msgspec.structs.replace(event, text=self.engine.scrub(event.text))
        line = self._recorder.record(event)
        self._session.see(self._recorder.seq, event)
        return [line]

    # --- what is held, and what time brings --------------------------------------------------------------------------

    def tick(self, event: Ticked) -> list[Effect]:
        """Time has passed: let go what waited for it, end the tasks that are over."""
        effects: list[Effect] = []
        for held in self._holds.due(event.at):
            effects += self._settle(held, Decided(event.at, held.hold, "release" if held.wait.delayed else "expire"))
        for channel, own in self.engine.lifetimes.expire(event.at):
            effects += self._errands.set_out(event.at, channel, own)
        return [*effects, *self._timed()]

    def decide(self, event: Decided) -> list[Effect]:
        """An approver has answered. What is held no more, or was never held, is not decided."""
        held = self._holds.get(event.hold)
        if held is None or (event.decision in ("edit", "answer") and self.doubt(event)):
            return []
        return self._settle(held, event)

    def doubt(self, event: Decided) -> str:
        """Why an approver's decision does not count; nothing when it does."""
        held = self._holds.get(event.hold)
        if held is None or held.wait.delayed:
            return "nothing of this name waits for a decision"
        if event.decision not in (*held.wait.may, "expire"):
            return f"`{event.decision}` cannot be said here; what can: {', '.join(held.wait.may)}"
        try:
            if event.decision == "edit":
                edited(held.sighting, held.shown, event.instead or b"")
            elif event.decision == "answer":
                answers(held.wait.asks, event.instead or b"")
        except Unfit as unfit:
            return str(unfit)
        return ""

    def left(self, at: float, channel: str | None) -> list[Effect]:
        """The client on a channel is gone, or with None the session is over: what it waits for never happens.

        A client that closes its input on stdio may still read what was held of the server's.
        """
        if channel is not None:
            self._errands.forget(channel)
        held = [each for each in self._holds if channel is None or channel in each.channels]
        if channel == STDIO:
            held = [each for each in held if each.end == "client"]
        return [effect for each in held for effect in self._settle(each, Decided(at, each.hold, "abandon"))]

    def govern(self, at: float, policies: Iterable[Policy] | Rules) -> list[Effect]:
        """Other policies take over: what is held for approval is judged anew, since it was held by the old ones."""
        self.engine.adopt(policies)
        effects: list[Effect] = []
        for held in [each for each in self._holds if not each.wait.delayed]:
            released = self._let_go(held, "reload", goes_on=True)
            verdict = self._judge.settled(held.sighting, {})
            cause = Decided(at, held.hold, "abandon", "policy")
            effects += [*self._go_on(cause, held.event, held.sighting, verdict, held.errand, {}), *released]
            effects += self._follow(at, held)
        return effects

    def holds(self, channel: str) -> bool:
        """Whether something that came on a channel is held."""
        return bool(self._holds) and any(channel in held.channels for held in self._holds)

    def home(self, channel: str) -> str:
        """The client's channel that one of interpose's own is for."""
        return self._errands.home(channel)

    def _home(self, event: Received) -> str:
        """Where a server's progress and logs about an errand belong: to the exchange of the call it is for."""
        return self._errands.home(event.channel) if event.end == "server" else event.channel

    def _go_on(
        self,
        cause: Received | Decided,
        event: Received,
        sighting: Sighting,
        verdict: Verdict,
        errand: Errand | None,
        settled: dict[str, Decision],
    ) -> list[Effect]:
        """Record what happened, with the verdict that follows from it, and carry that out or begin to wait.

        `cause` is what happened: that `event` came, or a decision about it.
        """
        if sighting.method == COMPLETE and not (isinstance(cause, Decided) and cause.decision == "approve"):
            verdict = self._holds.behind(cause.at, sighting, verdict)
        if (wait := verdict.wait) is None or self._holds.full:
            if wait is not None:
                verdict = self._overflow(sighting, wait)
            line = self._recorder.record(cause, self._judge.ruling(verdict))
            refused, task_ended = self.engine.refused(sighting)
            event = msgspec.structs.replace(event, at=cause.at)
            if isinstance(cause, Decided) and cause.decision == "answer" and verdict.answer is not None:
                effects: list[Effect] = [line, *self._answer(event, read(verdict.answer))]
            else:
                effects = [line, *self._carry_out(event, verdict, errand)]
            if refused:
                self._session.withdraw(sighting, refused, task_ended=task_ended)
            return effects
        message, until = sighting.message, round(cause.at + wait.seconds, 6)
        name = self._holds.name(message.raw, self.engine.rules.revision)
        shown = verdict.delivered or message.raw
        self._holds.put(Held(name, until, event, sighting, wait, shown, settled, errand))
        self._session.hold(name, sighting, until, delayed=wait.delayed, then=wait.outcome or None)
        told = self._judge.ruling(verdict)
        fields = {**(told.verdict or {}), "hold": name, "until": until, "delayed": wait.delayed}
        if wait.delayed:
            return [self._recorder.record(cause, msgspec.structs.replace(told, verdict=fields)), Wake(until, name)]
        fields["then"] = wait.outcome
        seek = Seek(
            cause.at,
            self._holds.session,
            self._holds.server,
            name,
            until,
            event.end,
            sighting.method or "",
            shown,
            wait.rules,
            wait.may,
            wait.outcome,
            sighting.name,
            wait.approver,
        )
        return [self._recorder.record(cause, msgspec.structs.replace(told, verdict=fields)), seek, Wake(until, name)]

    def _overflow(self, sighting: Sighting, wait: Wait) -> Verdict:
        """Too much waits already: what time would bring comes at once."""
        settled = self._judge.settled(sighting, dict.fromkeys(wait.rules, "release" if wait.delayed else "expire"))
        hits = (*settled.hits, Hit("interpose", "hold", "too much is held already"))
        return msgspec.structs.replace(settled, hits=hits)

    def _settle(self, held: Held, event: Decided) -> list[Effect]:
        """What was held goes on, or is refused; when nobody waits for it any more, it is gone.

        With it goes what waited behind it, unless that has gone before.
        """
        if self._holds.get(held.hold) is not held:
            return []
        released = self._let_go(held, event.decision, event.by, goes_on=event.decision != "abandon")
        if event.decision == "abandon":
            return [self._recorder.record(event), *released, *self._follow(event.at, held, "abandon")]
        came, sighting = held.event, held.sighting
        given: dict[str, Json] = {}
        if event.decision == "edit" and event.instead is not None:
            sighting = edited(sighting, held.shown, event.instead)
            came = msgspec.structs.replace(came, frame=reframed(came.frame, sighting.message.raw))
            event = msgspec.structs.replace(event, instead=sighting.message.raw)
        elif event.decision == "answer" and event.instead is not None:
            given = answers(held.wait.asks, event.instead)
            event = msgspec.structs.replace(event, instead=self._judge.scrubbed(event.instead))
        settled = {**held.settled, **dict.fromkeys(held.wait.rules, event.decision)}
        verdict = self._judge.settled(sighting, settled, given)
        if event.decision == "edit" and verdict.decision == "pass":
            verdict = msgspec.structs.replace(verdict, decision="edit", delivered=sighting.message.raw)
        effects = self._go_on(event, came, sighting, verdict, held.errand, settled)
        return [*effects, *released, *self._follow(event.at, held)]

    def _follow(self, at: float, asked: Held, why: Decision = "release") -> list[Effect]:
        """What waited behind a message that is held no more follows it, or is gone with it."""
        behind = self._holds.followers(asked)
        return [effect for each in behind for effect in self._settle(each, Decided(at, each.hold, why))]

    def _let_go(self, held: Held, why: Decision | Literal["reload"], by: str = "", *, goes_on: bool) -> list[Effect]:
        """Take it out, and tell who was asked about it."""
        self._holds.take(held.hold)
        self._session.release(held.hold, goes_on=goes_on)
        return [] if held.wait.delayed else [Release(held.hold, why, by)]

    def _answer(self, asked: Received, message: Message) -> list[Effect]:
        """An approver's answer to a request of the server's: judged as if the user's side had given it."""
        event = Received(asked.at, other(asked.end), asked.channel, Frame(message.raw, message, wire="body"))
        [sighting] = self._session.see(self._recorder.seq + 1, event)
        verdict = self._judge.own(sighting)
        line = self._recorder.record(event, self._judge.ruling(verdict, by="interpose"))
        return [line, *self._carry_out(event, verdict, None)]

    def _cancel(self, event: Received, sighting: Sighting, verdict: Verdict) -> list[Effect]:
        """A cancellation of what is held ends that, and goes nowhere: the other end never saw the request.

        Over HTTP the exchange of the request is answered, so that it ends; over stdio silence is what is asked for.
        """
        wanted = (sighting.message.section("params") or {}).get("requestId")
        ident = None if wanted is None else id_text(encode(wanted))
        if (event.end, ident) in self._refused:
            gone = Verdict("drop", (*verdict.hits, Hit("interpose", "drop", "what it cancels was refused")))
            return [self._recorder.record(event, self._judge.ruling(gone))]
        held = None if ident is None else self._holds.request(event.end, ident)
        if held is None:
            renamed = self._errands.cancelled(sighting) if event.end == "client" else None
            if renamed is not None:
                verdict = Verdict("edit", verdict.hits, delivered=renamed)
            return [self._recorder.record(event, self._judge.ruling(verdict)), *self._carry_out(event, verdict, None)]
        gone = Verdict("drop", (*verdict.hits, Hit("interpose", "hold", "what it cancels was held, and is dropped")))
        effects: list[Effect] = [self._recorder.record(event, self._judge.ruling(gone))]
        effects += self._settle(held, Decided(event.at, held.hold, "abandon"))
        if held.event.channel != STDIO and held.sighting.message.id is not None:
            answer = read(response(held.sighting.message.id, _CANCELLED))
            effects += self._voice.say(event.at, other(held.end), held.event.channel, answer)
        return effects

    def _timed(self) -> list[Effect]:
        """Say when the next task is over."""
        due = self.engine.lifetimes.next
        return [] if due is None else [Wake(due)]

    def _carry_out(self, event: Received, verdict: Verdict, errand: Errand | None) -> list[Effect]:
        effects: list[Effect] = []
        message = event.frame.message
        if verdict.decision in ("pass", "edit") and errand is not None and message is not None:
            effects += self._errands.bring_home(event.at, errand, message, verdict)
        elif verdict.decision in ("pass", "edit"):
            frame = event.frame if verdict.delivered is None else reframed(event.frame, verdict.delivered)
            if verdict.over:
                frame = msgspec.structs.replace(frame, over=verdict.over)
            effects.append(Deliver(other(event.end), self._home(event), frame))
        elif verdict.decision == "cut":
            effects.append(Cut("client", self._errands.home(event.channel)))
        elif verdict.answer is not None:
            if message is not None and message.kind is Kind.REQUEST:
                self._refused.put((event.end, message.id), None)
            effects += self._voice.say(event.at, other(event.end), event.channel, read(verdict.answer))
        for own in verdict.own:
            effects += self._errands.set_out(event.at, event.channel, own, errand)
        return effects
