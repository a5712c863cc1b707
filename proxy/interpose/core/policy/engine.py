"""Decides about messages: which rules match, which of them is strongest, what follows. Pure; fails closed.

Deny beats hold beats edit beats allow, whatever the order in the file; among equals the first decides. A rule that
cannot tell counts as a match where it denies or edits, and as none where it would let through.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from interpose.core.policy.actions.denial import Denial
from interpose.core.policy.actions.limit import follow
from interpose.core.policy.changing import Change, Changer
from interpose.core.policy.editing import EditFault
from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.outcome import BLOCKED, encode, error, failed_call, response
from interpose.core.policy.refusing import Refusal, refuse
from interpose.core.policy.rule import Answer, AnyRule, Fault, Hold, Note, Policy, effect_of
from interpose.core.policy.select import Selector, compile_rule
from interpose.core.policy.standing import STANDING, exceeded, may_concern, stand
from interpose.core.policy.subject import Subject
from interpose.core.policy.verdict import PASS, Hit, Verdict
from interpose.core.session.asks import Ask
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, parse

_STRENGTH = {"deny": 3, "hold": 2, "edit": 1, "allow": 0, "note": 0}
_CANDIDATES = 4096  # method names are the peers' to choose


class Matched(msgspec.Struct, frozen=True):
    """A rule that matched, and the ask that it matched, if it was one. `denial` is how a standing rule refuses."""

    rule: AnyRule
    effect: str
    ask: Ask | None = None
    why: str = ""
    denial: Denial | None = None
    swallows: bool = False

    @property
    def strength(self) -> int:
        return _STRENGTH[self.effect]

    def hit(self, *, acted: bool, why: str = "") -> Hit:
        return Hit(self.rule.name, self.rule.do, why or self.why, acted, self.ask.key if self.ask else None)


class Chosen(msgspec.Struct, frozen=True):
    """The rules worth a look for one kind of message."""

    selectors: Sequence[Selector]
    standing: Sequence[tuple[AnyRule, Selector]]


class Engine:
    """The rules of one session, compiled. `key` makes the digests behind placeholders hard to guess."""

    def __init__(self, policies: Iterable[Policy], server: str, key: bytes = b"") -> None:
        self.named = True
        self._facts = Facts(server)
        self._state: dict[str, Any] = {}
        self._changer = Changer(self._state, key)
        self._owed: dict[int, dict[str, Any]] = {}
        self._forged: Ring[str, dict[str, Any]] = Ring()
        self.adopt(policies)

    def adopt(self, policies: Iterable[Policy]) -> None:
        """Put rules in force, all at once; what the session has counted so far stays."""
        rules = [rule for policy in policies for rule in policy.rules]
        self._selectors = [compile_rule(rule) for rule in rules if not isinstance(rule, STANDING)]
        self._standing = [(rule, _where(rule)) for rule in rules if isinstance(rule, STANDING)]
        self._candidates: dict[tuple[Any, ...], Chosen] = {}
        self._counts = any(rule.do == "limit" for rule in rules)
        self._scrubbers = [rule for rule in rules if rule.do == "redact" and "recording" in rule.where]
        self.enforces = any(rule.mode == "enforce" and _STRENGTH[effect_of(rule)] > 0 for rule in rules)

    def judge(self, sighting: Sighting) -> Verdict:
        """The verdict on one message."""
        self._facts.see(sighting)
        if self._counts:
            follow(sighting, self._state)
        chosen = self._chosen(sighting, has_asks=bool(sighting.asks))
        matched = [*self._matches(sighting, chosen), *self._stands(sighting, chosen)]
        if not matched:
            return self._passed(sighting, PASS)
        acting = [each for each in matched if each.rule.mode == "enforce"]
        strongest = max((each.strength for each in acting), default=0)
        if strongest >= _STRENGTH["hold"]:
            denying = [each for each in acting if each.strength == strongest]
            return self._denied(sighting, denying, [each for each in matched if each not in denying])
        return self._passed(sighting, self._changed(sighting, matched, acting))

    def _passed(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """What earlier verdicts still demand of a message that no rule refuses."""
        return self._ended(sighting, self._repay(sighting, verdict))

    def scrub(self, text: str) -> str:
        """A text that is no message (a line of standard error, noise), as the recording may hold it."""
        for rule in self._scrubbers:
            if rule.mode == "enforce":
                text = self._changer.text(rule, text)
        return text

    def _matches(self, sighting: Sighting, chosen: Chosen) -> Iterator[Matched]:
        whole = [Subject(sighting)]
        asks = [Subject(sighting, ask) for ask in sighting.asks]
        for selector in chosen.selectors:
            for subject in asks if selector.about_asks else whole:
                why = self._why(selector, subject)
                if why is None:
                    continue
                if selector.rule.do == "limit" and not why:
                    why = exceeded(selector.rule, sighting, subject.ask, self._state)
                if why is not None:
                    yield Matched(selector.rule, effect_of(selector.rule), _open(subject.ask), why)

    def _chosen(self, sighting: Sighting, *, has_asks: bool) -> Chosen:
        """The rules that could match such a message at all: found once for each kind of message and name."""
        key = (sighting.method, sighting.kind, sighting.end, has_asks, sighting.name)
        found = self._candidates.get(key)
        if found is None:
            selectors = [each for each in self._selectors if each.applies_to(*key)]
            standing = [each for each in self._standing if may_concern(each[0], sighting)]
            found = Chosen(selectors, standing)
            if len(self._candidates) < _CANDIDATES:
                self._candidates[key] = found
        return found

    def _why(self, selector: Selector, subject: Subject) -> str | None:
        """Why a rule matches; None when it does not. INVARIANT: a broken rule blocks."""
        rule = selector.rule
        try:
            return "" if selector(subject, self._facts) else None
        except RuleFault as fault:
            lets_through = rule.permits or isinstance(rule, Note)
            return None if lets_through else f"could not tell, and so it counts: {fault}"

    def _stands(self, sighting: Sighting, chosen: Chosen) -> Iterator[Matched]:
        subject = Subject(sighting)
        for rule, where in chosen.standing:
            if self._why(where, subject) is None:
                continue
            found = stand(rule, sighting, self._state)
            if found.denial is not None:
                yield Matched(rule, "deny", None, found.denial.text, found.denial)
            elif found.swallowed:
                yield Matched(rule, "deny", None, "not offered", swallows=True)
            elif found.edits:
                yield Matched(rule, "edit")
            for ask, denial in found.asks:
                yield Matched(rule, "deny", ask, denial.text, denial)

    def _denied(self, sighting: Sighting, denying: list[Matched], others: list[Matched]) -> Verdict:
        told = [each for each in others if each.effect != "edit"]
        hits = (*(each.hit(acted=True) for each in denying), *(each.hit(acted=_notes(each)) for each in told))
        recorded = self._changer.recorded(sighting, [each.rule for each in others if each.rule.mode == "enforce"])
        whole = next((each for each in denying if each.ask is None), None)
        if whole is not None:
            verdict = _refuse_message(sighting, whole, hits)
        else:
            verdict = self._refuse_asks(sighting, denying, hits)
        return msgspec.structs.replace(verdict, recorded=recorded)

    def _refuse_asks(self, sighting: Sighting, denying: list[Matched], hits: tuple[Hit, ...]) -> Verdict:
        refusals = {each.ask.key: _refusal(each, each.ask) for each in reversed(denying) if each.ask is not None}
        verdict = refuse(sighting, refusals, hits)
        if verdict.decision == "edit" and sighting.task is not None and verdict.delivered is not None:
            self._remember_end(sighting.task, verdict.delivered)
        for refusal in refusals.values():
            self._facts.declined(refusal.ask)
        partial = verdict.decision == "edit" and sighting.call is not None
        if partial and sighting.call and all(each.ask.carrier == "input_request" for each in refusals.values()):
            values = {key: refusal.value() for key, refusal in refusals.items()}
            if None not in values.values():
                self._owed[sighting.call.seq] = values
        return verdict

    def _remember_end(self, task: str, delivered: bytes) -> None:
        body = parse(delivered)
        shown = body.get("result") or body.get("params") or {}
        if shown.get("status") == "failed":
            self._forged.put(task, {name: shown.get(name) for name in ("status", "statusMessage", "error")})

    def _ended(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """A task that was shown as failed stays so: a terminal state never changes (tasks extension)."""
        forged = self._forged.get(sighting.task) if sighting.task is not None and sighting.end == "server" else None
        if forged is None or verdict.decision not in ("pass", "edit"):
            return verdict
        body = parse(verdict.delivered or sighting.message.raw) or {}
        member = next((name for name in ("result", "params") if isinstance(body.get(name), dict)), None)
        if member is None or "status" not in body[member]:
            return verdict
        kept = {name: value for name, value in body[member].items() if name not in ("result", "inputRequests")}
        hits = (*verdict.hits, Hit("interpose", "keep", "the task was ended by a rule before"))
        delivered = encode(body | {member: kept | forged})
        return msgspec.structs.replace(verdict, decision="edit", hits=hits, delivered=delivered)

    def _changed(self, sighting: Sighting, matched: list[Matched], acting: list[Matched]) -> Verdict:
        """Carry out the rules that change; one that cannot do what it must blocks the message."""
        done: dict[int, Change] = {}
        try:
            changed = self._changer.change(sighting, [(each.rule, each.ask) for each in acting], done)
        except EditFault as fault:
            culprit = acting[self._changer.at]
            blocked = Matched(culprit.rule, "deny", culprit.ask, f"could not be carried out, and so it blocks: {fault}")
            return self._denied(sighting, [blocked], [each for each in matched if each is not culprit])
        words = {id(each): done[number] for number, each in enumerate(acting) if number in done}
        found = (self._hit(each, each in acting, words.get(id(each))) for each in matched)
        hits = tuple(hit for hit in found if hit is not None)
        if changed.delivered is None:
            return Verdict(hits=hits, recorded=changed.recorded)
        return Verdict("edit", hits, delivered=changed.delivered, recorded=changed.recorded)

    def _hit(self, each: Matched, acted: bool, change: Change | None) -> Hit | None:
        """How a rule stands in the verdict; None for one that had nothing to change."""
        if each.effect != "edit" or not acted:
            return each.hit(acted=acted) if each.effect != "edit" or each.rule.mode == "audit" else None
        return None if change is None or change.words is None else each.hit(acted=True, why=change.words)

    def _repay(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """A client that repeats a call answers only what it was asked: add the answers to what was cut out (MRTR)."""
        call = sighting.call
        if call is None or call.previous is None or sighting.kind is not Kind.REQUEST:
            return verdict
        owed = self._owed.pop(call.previous, None)
        if owed is None:
            return verdict
        body = msgspec.json.decode(verdict.delivered) if verdict.delivered else sighting.message.body()
        params = body["params"]
        params["inputResponses"] = {**params.get("inputResponses", {}), **owed}
        return msgspec.structs.replace(verdict, decision="edit", delivered=encode(body))


def _where(rule: AnyRule) -> Selector:
    """Where a standing rule is in force: its selection without the names, which say what is taken away there."""
    return compile_rule(rule.model_copy(update={"tool": None, "prompt": None, "resource": None, "ask": None}))


def _open(ask: Ask | None) -> Ask | None:
    """An ask that can still be refused; what is said about a settled one goes for the message that settles it."""
    return ask if ask is not None and ask.state == "open" else None


def broken(sighting: Sighting, why: str) -> Verdict:
    """The verdict on a message that could not be judged."""
    hits = (Hit("interpose", "block", why),)
    body = error(BLOCKED, "Blocked: the message could not be judged.", "interpose")
    answer = response(sighting.message.id or "null", body)
    if sighting.kind is Kind.REQUEST:
        return Verdict("answer", hits, answer=answer)
    return Verdict("edit", hits, delivered=answer) if sighting.message.is_response else Verdict("drop", hits)


def _notes(each: Matched) -> bool:
    """Whether a rule only takes notes, which nothing overrules."""
    return each.effect == "note" and each.rule.mode == "enforce"


def _refusal(each: Matched, ask: Ask) -> Refusal:
    rule = each.rule
    text = getattr(rule, "message", None) or f"Blocked by policy: {ask.kind} is not allowed."
    if each.denial is not None:
        return Refusal(ask, rule.name, each.denial.text, "error", None, each.denial.code)
    match rule:
        case Answer():
            return Refusal(ask, rule.name, text, rule.outcome, rule.content, rule.code or BLOCKED)
        case Hold():
            return Refusal(ask, rule.name, text, rule.on_timeout)
        case Fault(fault="error"):
            return Refusal(ask, rule.name, text, "error", None, rule.code or BLOCKED)
    return Refusal(ask, rule.name, text)


def _refuse_message(sighting: Sighting, each: Matched, hits: tuple[Hit, ...]) -> Verdict:
    """A message that does not pass: who asked is answered, and nobody waits for an answer that was dropped."""
    if each.swallows or (isinstance(each.rule, Fault) and each.rule.fault in ("drop", "disconnect")):
        return Verdict("drop", hits)
    match sighting.kind:
        case Kind.REQUEST:
            return Verdict("answer", hits, answer=response(sighting.message.id or "null", _answer(sighting, each)))
        case Kind.RESULT | Kind.ERROR:
            return Verdict("edit", hits, delivered=response(sighting.message.id or "null", _answer(sighting, each)))
    return Verdict("drop", hits)


def _answer(sighting: Sighting, each: Matched) -> dict[str, Any]:
    rule = each.rule
    text = getattr(rule, "message", None) or f"Blocked by policy: {sighting.method or 'this'} is not allowed."
    if each.denial is not None:
        return error(each.denial.code, each.denial.text, rule.name)
    if isinstance(rule, Answer) and rule.outcome == "accept" and rule.content is not None:
        return {"result": dict(rule.content)}
    code = getattr(rule, "code", None)
    asked_by_client = sighting.end == "client" if sighting.kind is Kind.REQUEST else sighting.end == "server"
    if code is not None or not asked_by_client:
        return error(code or BLOCKED, text, rule.name)
    return failed_call(sighting.method, sighting.era, text, rule.name)
