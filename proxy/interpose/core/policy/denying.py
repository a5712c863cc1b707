"""Saying no to a whole message, and what a rule that denies makes of an ask. Asks one by one are in refusing.py."""

from typing import Any

import msgspec

from interpose.core.events import Decision
from interpose.core.policy.actions import fault as faults
from interpose.core.policy.actions.denial import Denial
from interpose.core.policy.outcome import BLOCKED, error, failed_call, response
from interpose.core.policy.refusing import Refusal
from interpose.core.policy.rule import Answer, AnyRule, Fault, Hold
from interpose.core.policy.verdict import Hit, Verdict
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_STRENGTH = {"deny": 3, "hold": 2, "edit": 1, "allow": 0, "note": 0, "none": 0}


class Matched(msgspec.Struct, frozen=True):
    """A rule that matched, and the ask that it matched, if it was one.

    `denial` is how a standing rule refuses; `decision` what became of a hold, `given` the answer of who decided.
    """

    rule: AnyRule
    effect: str
    ask: Ask | None = None
    why: str = ""
    denial: Denial | None = None
    swallows: bool = False
    decision: Decision | None = None
    given: Any = None

    @property
    def strength(self) -> int:
        return _STRENGTH[self.effect]

    @property
    def is_whole(self) -> bool:
        """Whether it is about the message, not about an ask in it."""
        return self.ask is None or self.breaks

    @property
    def breaks(self) -> bool:
        """Whether it makes the message vanish, whatever is in it."""
        fault = self.fault
        return fault is not None and not fault.passes and fault.kind != "error"

    @property
    def fault(self) -> faults.Fault | None:
        """The trouble that it makes on purpose, if it does."""
        return faults.fault_of(self.rule) if isinstance(self.rule, Fault) else None

    @property
    def takes_notes(self) -> bool:
        """Whether it only takes notes, which nothing overrules."""
        return self.effect == "note" and self.rule.mode == "enforce"

    def hit(self, *, acted: bool, why: str = "") -> Hit:
        return Hit(self.rule.name, self.rule.do, why or self.why, acted, self.ask.key if self.ask else None)


def strength_of(effect: str) -> int:
    """Deny beats hold beats edit beats allow."""
    return _STRENGTH[effect]


def broken(sighting: Sighting, why: str) -> Verdict:
    """The verdict on a message that could not be judged."""
    hits = (Hit("interpose", "block", why),)
    body = error(BLOCKED, "Blocked: the message could not be judged.", "interpose")
    return _instead(sighting, body, hits)


def denied(sighting: Sighting, code: int, text: str, rule: str, hits: tuple[Hit, ...]) -> Verdict:
    """A message that does not pass, with a protocol error for whoever waits for an answer."""
    return _instead(sighting, error(code, text, rule), hits)


def deny_message(sighting: Sighting, each: Matched, hits: tuple[Hit, ...]) -> Verdict:
    """A message that does not pass: who asked is answered, and nobody waits for an answer that was dropped."""
    if each.breaks:
        return Verdict("cut" if each.fault is not None and each.fault.is_timed else "drop", hits)
    if each.swallows:
        return Verdict("drop", hits)
    return _instead(sighting, _answer(sighting, each), hits)


def refusal(each: Matched, ask: Ask) -> Refusal:
    """What a rule answers to an ask that it denies."""
    rule = each.rule
    text = _text(each, ask.kind)
    if each.denial is not None:
        return Refusal(ask, rule.name, each.denial.text, "error", None, each.denial.code)
    match rule:
        case Answer():
            return Refusal(ask, rule.name, text, rule.outcome, rule.content, rule.code or BLOCKED)
        case Hold() if each.decision == "answer":
            return Refusal(ask, rule.name, text, "given", each.given)
        case Hold():
            return Refusal(ask, rule.name, text, _outcome(rule, each.decision, ask))
        case Fault(fault="error"):
            return Refusal(ask, rule.name, text, "error", None, faults.code_of(rule))
    return Refusal(ask, rule.name, text)


def _instead(sighting: Sighting, body: dict[str, Any], hits: tuple[Hit, ...]) -> Verdict:
    answer = response(sighting.message.id or "null", body)
    if sighting.kind is Kind.REQUEST:
        return Verdict("answer", hits, answer=answer)
    return Verdict("edit", hits, delivered=answer) if sighting.message.is_response else Verdict("drop", hits)


def _answer(sighting: Sighting, each: Matched) -> dict[str, Any]:
    rule = each.rule
    text = _text(each, sighting.method or "this")
    asked_by_client = sighting.end == "client" if sighting.kind is Kind.REQUEST else sighting.end == "server"
    if each.denial is not None:
        return error(each.denial.code, each.denial.text, rule.name)
    if isinstance(rule, Answer) and rule.outcome == "accept" and rule.content is not None:
        whole = {"resultType": "complete"} if sighting.era == "stateless" and asked_by_client else {}
        return {"result": whole | dict(rule.content)}
    if isinstance(rule, Fault):
        return faults.error_body(rule)
    code = getattr(rule, "code", None)
    if code is not None or not asked_by_client or _is_task_call(sighting):
        return error(code or BLOCKED, text, rule.name)
    return failed_call(sighting.method, sighting.era, text, rule.name)


def _is_task_call(sighting: Sighting) -> bool:
    """A call that is to become a task has no tool errors: its result is a task (2025-11-25 §tasks)."""
    params = sighting.message.section("params") if sighting.kind is Kind.REQUEST else None
    return sighting.era == "stateful" and params is not None and isinstance(params.get("task"), dict)


def _text(each: Matched, what: str) -> str:
    """What the one who is refused is told."""
    rule = each.rule
    match rule:
        case Hold():
            ends = f"nobody approved within {rule.timeout:g} s" if each.decision == "expire" else "it was not approved"
            return f"Held by policy: {what} needs approval, and {ends}."
        case Fault():
            return faults.text_of(rule)
    return getattr(rule, "message", None) or f"Blocked by policy: {what} is not allowed."


def _outcome(rule: Hold, decision: Decision | None, ask: Ask) -> str:
    """How a hold ends that nobody approved: as the rule says for the time, as the approver said else."""
    if decision in ("decline", "cancel"):
        return decision if ask.kind == "elicitation" else "reject"
    return rule.on_timeout
