"""How the tool calls of `governed.py` have to end: at the client, in its own words."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tests.real.governed import ACTIONS_ON_TWO, IN_TASKS, MODES, NOT_TODAY, TROUBLE, Cell, Pair, is_asked

REFUSED, SIGN_IN, REJECTED, NOT_FOUND = -31001, -32042, -1, -32601
MASKED, MASKED_URI = "[custom:planted]", "file:///hidden"
_BLOCKED, _DECLINED, _LATE = "Blocked by policy", "it was not approved", "nobody approved within 0.5 s"
_REASONS = {
    "answer_reject": "not now",
    "answer_error": "not today",
    "fault_error": "planned trouble",
    "hold_decline": _DECLINED,
    "hold_late_cancel": _LATE,
    "hold_late_reject": _LATE,
    "hold_late_error": _LATE,
    "call_decline": _DECLINED,
    "call_late": _LATE,
}


class Ending(NamedTuple):
    """How a tool call ends at the client: a text, a tool error with this in its text, or a protocol error."""

    how: Literal["text", "tool error", "error"]
    said: str
    code: int = 0


def answered(kind: str, tool: str) -> Ending:
    """How a call ends after the client's user, model or host has answered."""
    plant, named = f"PLANTED-answered-{tool}", f"PLANTED-named-{tool}"
    text = {
        "sampling": f"canned-1 says {plant}",
        "form": f"{named}: {plant}",
        "url": "accept",
        "roots": f"{plant} at file:///srv/{named}",
        "two": f"{named}: {plant} in {plant} at file:///srv/{named}",
    }
    return Ending("text", text[kind])


def ending(cell: Cell, nth: int = 1) -> Ending:
    """How the nth call of a cell's tool ends."""
    passes = is_asked(cell, nth)
    if cell.ask == "signin":
        return Ending("error", "Sign-in needed", SIGN_IN) if passes else _end_of_sign_in(cell)
    if cell.ask == "two" and not passes:
        return _end_of_two(cell)
    if passes:
        return _masked(answered(cell.kind, cell.tool), cell)
    return _refused(cell.pair, cell.kind, cell.action, in_task=cell.ask in IN_TASKS)


def _masked(end: Ending, cell: Cell) -> Ending:
    """The ending with `MASKED` for each placeholder that the rule must have put there."""
    if cell.action == "redact_uri":
        return end._replace(said=end.said.replace(f"file:///srv/PLANTED-named-{cell.tool}", MASKED_URI))
    secret = {"redact": "PLANTED-answered-", "redact_name": "PLANTED-named-"}.get(cell.action)
    return end if secret is None else end._replace(said=end.said.replace(secret + cell.tool, MASKED))


def _end_of_sign_in(cell: Cell) -> Ending:
    return Ending("tool error", _REASONS.get(cell.action, _BLOCKED))


def _end_of_two(cell: Cell) -> Ending:
    """One question is answered by the rule, the other one by the client."""
    kind = ACTIONS_ON_TWO[cell.action]
    one = _refused(cell.pair, kind, cell.action, in_task=False)
    if one.how != "text":
        return one
    form, roots = answered("form", cell.tool).said, answered("roots", cell.tool).said
    return Ending("text", f"{one.said} in {roots}" if kind == "form" else f"{form} in {one.said}")


def _refused(pair: Pair, kind: str, action: str, *, in_task: bool) -> Ending:
    said = _REASONS.get(action, _BLOCKED)
    match action:
        case "answer_accept":
            canned = {"sampling": "policy-1 says no idea", "form": "Grace: away", "url": "accept"}
            return Ending("text", canned.get(kind, "canned at file:///srv/canned"))
        case "answer_cancel" | "hold_late_cancel":
            return Ending("text", "cancel")
        case "answer_error":
            return _failed(pair, NOT_TODAY, said, in_task=in_task)
        case "fault_error":
            return _failed(pair, TROUBLE, said, in_task=in_task)
        case "hold_late_error":
            return _failed(pair, REFUSED, said, in_task=in_task)
        case "call_decline" | "call_late":
            # A call that is to become a task has no tool errors: its result is a task (2025-11-25 §tasks).
            return Ending("error", said, REFUSED) if in_task and not pair.is_stateless else Ending("tool error", said)
    if kind in MODES:
        return Ending("text", "decline")
    if kind == "roots":
        return Ending("text", "nowhere") if pair.is_stateless else _failed(pair, NOT_FOUND, said, in_task=in_task)
    return _failed(pair, REJECTED, said, in_task=in_task)


def _failed(pair: Pair, code: int, said: str, *, in_task: bool) -> Ending:
    """An error for an ask: the Python SDK hands it to the caller as it is, TypeScript makes a tool error of it.

    2026-07-28 has no error for an ask: there the call ends, with a tool error.
    """
    is_relayed = pair.server == "py" and not pair.is_stateless and not in_task
    return Ending("error", said, code) if is_relayed else Ending("tool error", said)
