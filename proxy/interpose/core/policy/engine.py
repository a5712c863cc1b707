"""Decides about messages: which rules match, which of them is strongest, what follows. Pure; fails closed.

Deny beats hold beats edit beats allow, whatever the order in the file; among equals the first decides. A rule that
cannot tell counts as a match where it denies or edits, and as none where it would let through.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from interpose.core.events import Decision
from interpose.core.policy.actions.answered import ended_task, refuse_answers
from interpose.core.policy.actions.limit import passed
from interpose.core.policy.actions.pin import learned, preset
from interpose.core.policy.actions.unseen import shown, unseen
from interpose.core.policy.approval import decisions, held_asks, outcome
from interpose.core.policy.changing import Change, Changer
from interpose.core.policy.denying import Matched, deny_message, refusal
from interpose.core.policy.editing import EditFault
from interpose.core.policy.facts import Facts
from interpose.core.policy.house import in_house
from interpose.core.policy.lifetimes import Lifetimes
from interpose.core.policy.matching import Matcher
from interpose.core.policy.promises import Promises
from interpose.core.policy.refusing import refuse
from interpose.core.policy.rule import Cap, Fault, Hold, Pin, Policy
from interpose.core.policy.rules import Rules
from interpose.core.policy.standing import exceeded
from interpose.core.policy.verdict import PASS, Hit, Verdict, Wait
from interpose.core.session.asks import Ask
from interpose.core.session.opening import Opening
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind


class Engine:
    """The rules of one session, compiled. `key` makes the digests behind placeholders hard to guess."""

    def __init__(self, policies: Iterable[Policy] | Rules, server: str, key: bytes = b"") -> None:
        self.named = True
        self._facts = Facts(server)
        self._state: dict[str, Any] = {}
        self._changer = Changer(self._state, key)
        self._promises = Promises()
        self._approved: Ring[tuple[str, str | None, str], None] = Ring()
        self._refused: list[tuple[Ask, str]] = []
        self._stopped = self._counted = False
        self.lifetimes = Lifetimes()
        self.adopt(policies)

    def adopt(self, policies: Iterable[Policy] | Rules) -> None:
        """Put rules in force, all at once; what the session has counted so far stays."""
        self.rules = rules = policies if isinstance(policies, Rules) else Rules(policies)
        self.enforces = rules.enforce
        """Whether a rule may change or refuse anything."""
        self._matcher = Matcher(rules, self._facts, self._state)
        for policy in rules.policies:
            for rule in policy.rules:
                if isinstance(rule, Pin) and rule.file is not None:
                    preset(self._state, rule, policy.locks.get(rule.file))

    def needs_all(self, opening: Opening) -> bool:
        """Whether every message must be judged for now: much may depend on it, or on what a session that opened like
        this would tell rules with each call."""
        if self.rules.note or self.lifetimes or self._promises or self._approved:
            return True
        return not self._facts.knows(opening)

    def notice(self, sighting: Sighting) -> None:
        """Take in a message that passed before it was followed."""
        self._facts.see(sighting)

    def judge(self, sighting: Sighting, value: dict[str, Any] | None = None) -> Verdict:
        """The verdict on one message; `value` are its params or result, where they were read already."""
        self._facts.see(sighting)
        return self._told(sighting, self._decide(sighting, {}, value))

    def settle(
        self, sighting: Sighting, settled: Mapping[str, Decision], answers: Mapping[str, Any] | None = None
    ) -> Verdict:
        """The verdict on a message that was held, now that something was decided about the rules that held it.

        `answers` are those that an approver gave, by the keys of the asks.
        """
        if sighting.task is not None:
            for rule, decision in settled.items():
                if decision == "approve":
                    for ask in sighting.asks:
                        self._approved.put((rule, sighting.task, ask.key), None)
        return self._told(sighting, self._decide(sighting, settled, answers=answers))

    def learned(self) -> Iterator[tuple[str, bytes]]:
        """The files of pins that should be written since this was last asked."""
        return learned(self._state, self.scrub)

    def refused(self, sighting: Sighting) -> tuple[list[Ask], bool]:
        """The open asks of the message judged last that were refused, and whether its task is over with that."""
        asks = [ask for ask, _ in self._refused if ask.state == "open"]
        return asks, self._promises.has_ended(sighting.task)

    def _told(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """The final verdict, of which all that counts what passes has heard."""
        if self.lifetimes:
            verdict = self.lifetimes.keep(sighting, verdict)
        if self.enforces and (sighting.notes or (sighting.end == "server" and sighting.kind is Kind.REQUEST)):
            verdict = in_house(sighting, verdict)
        repeated = self.rules.limit and sighting.call is not None and sighting.call.previous is not None
        if not (self._counted or repeated or sighting.asks):
            return verdict
        goes_on = verdict.decision in ("pass", "edit") and not self._stopped
        delivered = (verdict.delivered or sighting.message.raw) if goes_on else None
        if self.rules.limit:
            passed(sighting, delivered, frozenset(ask.key for ask, _ in self._refused), self._state)
        if sighting.asks and verdict.decision != "hold":  # what waits is shown, or refused, when it is judged again
            shown(sighting, delivered, self._refused, self._state)
        return verdict

    def _decide(
        self,
        sighting: Sighting,
        settled: Mapping[str, Decision],
        value: dict[str, Any] | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> Verdict:
        self._refused, self._stopped, self._counted = [], False, False
        matched = self._matcher.match(sighting, value)
        if self._approved and sighting.task is not None:
            matched = [each for each in matched if not self._is_approved(each)]
        unasked = unseen(sighting, self._state) if sighting.kind is Kind.NOTIFICATION else None
        if not matched and unasked is None:
            return self._promises.keep(sighting, PASS) if self._promises else PASS
        if settled:
            matched = [_settled(each, sighting, settled.get(each.rule.name), answers or {}) for each in matched]
        matched = self._limited(sighting, matched)
        acting = [each for each in matched if each.rule.mode == "enforce"]
        if unasked is not None:
            told = (each.hit(acted=each.takes_notes) for each in matched if each.effect != "edit")
            hits = (Hit("interpose", "drop", unasked), *told)
            return Verdict("drop", hits, recorded=self._recorded(sighting, acting))
        denying = [each for each in acting if each.effect == "deny"]
        if denying:
            return self._denied(sighting, denying, [each for each in matched if each not in denying])
        holding = [each for each in acting if each.effect == "hold"] or [each for each in acting if _delays(each)]
        if holding:
            return self._held(sighting, holding, matched, acting)
        return self._promises.keep(sighting, self._changed(sighting, matched, acting))

    def scrub(self, text: str) -> str:
        """A text that is no message (a line of standard error, noise), as the recording may hold it."""
        for rule in self.rules.scrubbers:
            if rule.mode == "enforce":
                text = self._changer.text(rule, text)
        return text

    def kept(self, message: bytes) -> bytes:
        """A message that goes on, as the recording may hold it."""
        return self._changer.kept(message, [rule for rule in self.rules.scrubbers if rule.mode == "enforce"])

    def _limited(self, sighting: Sighting, matched: list[Matched]) -> list[Matched]:
        """The same, with the limits among them judged: by what other rules leave of the message."""
        self._counted = any(each.effect == "limit" for each in matched)
        if not self._counted:
            return matched
        acting = [each for each in matched if each.rule.mode == "enforce"]
        denied = [each for each in acting if each.effect == "deny"]
        gone = {each.ask.key for each in denied if each.ask is not None}
        stopped = any(each.is_whole for each in denied)
        would_be = self._valued(sighting, [each for each in acting if each.effect == "edit"])
        found: list[Matched] = []
        for each in matched:
            if each.effect != "limit":
                found.append(each)
            elif not (stopped or (each.ask is not None and each.ask.key in gone)):
                why = exceeded(each.rule, sighting, each.ask, self._state, would_be)
                found += [] if why is None else [msgspec.structs.replace(each, effect="deny", why=why)]
        return found

    def _valued(self, sighting: Sighting, editing: list[Matched]) -> bytes | None:
        try:
            return self._changer.valued(sighting, [(each.rule, each.ask) for each in editing]) if editing else None
        except EditFault:
            return None  # it blocks when it is carried out

    def _is_approved(self, each: Matched) -> bool:
        """Whether this is a question that a task goes on showing while it is being answered."""
        ask = each.ask
        return each.effect == "hold" and ask is not None and (each.rule.name, ask.task, ask.key) in self._approved

    def _held(
        self, sighting: Sighting, holding: list[Matched], matched: list[Matched], acting: list[Matched]
    ) -> Verdict:
        """The message waits: until its time has come, or for somebody's approval of what would go on now."""
        delays = [each for each in holding if isinstance(each.rule, Fault)]
        others = [each for each in matched if each not in holding]
        words = f"for {sum(_seconds(each) for each in delays):g} s" if delays else ""
        hits = (
            *(each.hit(acted=True, why=words) for each in holding),
            *(each.hit(acted=each.takes_notes) for each in others if each.effect != "edit"),
        )
        rules = tuple(dict.fromkeys(each.rule.name for each in holding))
        if delays:
            wait = Wait(sum(_seconds(each) for each in delays), rules, delayed=True)
            return Verdict("hold", hits, recorded=self._recorded(sighting, acting), wait=wait)
        holds = [each.rule for each in holding if isinstance(each.rule, Hold)]
        approver = next((rule.approver for rule in holds if rule.approver is not None), None)
        soonest, asks = min(holds, key=lambda rule: rule.timeout), [each.ask for each in holding]
        wait = Wait(
            soonest.timeout,
            rules,
            approver=approver,
            may=decisions(sighting, asks),
            outcome=outcome(soonest, asks),
            asks=held_asks(sighting, asks),
        )
        shown = self._changed(sighting, others, [each for each in acting if each not in holding])
        if shown.decision not in ("pass", "edit"):
            return shown
        return msgspec.structs.replace(
            shown, decision="hold", hits=hits, wait=wait, recorded=self._recorded(sighting, acting)
        )

    def _recorded(self, sighting: Sighting, acting: Iterable[Matched]) -> bytes | None:
        """What the recording may hold of a message that does not pass, or not yet."""
        return self._changer.recorded(sighting, [each.rule for each in acting if each.rule.mode == "enforce"])

    def _denied(self, sighting: Sighting, denying: list[Matched], others: list[Matched]) -> Verdict:
        told = [each for each in others if each.effect != "edit"]
        hits = (*(each.hit(acted=True) for each in denying), *(each.hit(acted=each.takes_notes) for each in told))
        recorded = self._recorded(sighting, others)
        whole = next((each for each in denying if each.is_whole), None)
        self._stopped = whole is not None
        if whole is not None:
            self._refused = [(ask, whole.rule.name) for ask in sighting.asks]
            verdict = deny_message(sighting, whole, hits)
        else:
            verdict = self._refuse_asks(sighting, denying, hits)
        return msgspec.structs.replace(verdict, recorded=recorded)

    def _refuse_asks(self, sighting: Sighting, denying: list[Matched], hits: tuple[Hit, ...]) -> Verdict:
        refusals = {each.ask.key: refusal(each, each.ask) for each in reversed(denying) if each.ask is not None}
        self._refused = [(refused.ask, refused.rule) for refused in refusals.values()]
        for refused in refusals.values():
            if not refused.is_accepted:
                self._facts.declined(refused.ask)
        if all(refused.ask.state == "open" for refused in refusals.values()):
            verdict = self._promises.without_refused(sighting, refuse(sighting, refusals, hits))
            self._promises.make(sighting, refusals, verdict)
            return verdict
        for refused in refusals.values():
            if sighting.task is not None and (ended := ended_task(sighting, refused)) is not None:
                self._promises.end(sighting.task, ended)
        return refuse_answers(sighting, refusals, hits)

    def _changed(self, sighting: Sighting, matched: list[Matched], acting: list[Matched]) -> Verdict:
        """Carry out the rules that change; one that cannot do what it must blocks the message."""
        done: dict[int, Change] = {}
        tried = [each for each in matched if each.rule.mode == "audit" or each in acting]
        try:
            changed = self._changer.change(sighting, [(each.rule, each.ask) for each in tried], done)
        except EditFault as fault:
            culprit = tried[self._changer.at]
            blocked = Matched(culprit.rule, "deny", culprit.ask, f"could not be carried out, and so it blocks: {fault}")
            return self._denied(sighting, [blocked], [each for each in matched if each is not culprit])
        words = {id(each): done[number].words for number, each in enumerate(tried) if number in done}
        slow = [each for each in acting if each.fault is not None and each.fault.kind == "slow"]
        words |= {id(each): f"over {_seconds(each):g} s" for each in slow}
        found = (self._hit(each, each in acting, words.get(id(each))) for each in matched)
        hits = tuple(hit for hit in found if hit is not None)
        if changed.delivered is not None and sighting.end == "server":
            for each in acting:
                if isinstance(each.rule, Cap) and words.get(id(each)) is not None:
                    self.lifetimes.lowered(sighting, changed.delivered, each.rule.name)
        over = sum(map(_seconds, slow))
        return Verdict(
            "pass" if changed.delivered is None else "edit",
            hits,
            changed.delivered,
            recorded=changed.recorded,
            over=over,
        )

    def _hit(self, each: Matched, acted: bool, words: str | None) -> Hit | None:
        """How a rule stands in the verdict; None for one that had nothing to change."""
        if each.effect != "edit" or (isinstance(each.rule, Fault) and not acted):
            return each.hit(acted=acted and each.effect != "none")
        return None if words is None else each.hit(acted=acted, why=words)


_LET_GO: dict[Decision, str] = {"approve": "approved", "edit": "approved, changed", "release": ""}


def _settled(each: Matched, sighting: Sighting, decision: Decision | None, answers: Mapping[str, Any]) -> Matched:
    """A rule that held the message, after the decision about it."""
    if decision is None or not (each.effect == "hold" or _delays(each)):
        return each
    if (words := _LET_GO.get(decision)) is not None:
        return msgspec.structs.replace(each, effect="note", decision=decision, why=words)
    held = held_asks(sighting, [each.ask])
    if decision == "answer" and held and held[0].key in answers:
        given = answers[held[0].key]
        return msgspec.structs.replace(each, effect="deny", ask=held[0], decision=decision, given=given, why="answered")
    why = "nobody approved in time" if decision == "expire" else "not approved"
    return msgspec.structs.replace(each, effect="deny", decision=decision, why=why)


def _delays(each: Matched) -> bool:
    return each.effect == "edit" and each.fault is not None and each.fault.kind == "delay"


def _seconds(each: Matched) -> float:
    return 0.0 if each.fault is None else each.fault.seconds
