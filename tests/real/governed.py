"""The matrix of what servers ask and what rules do about it: tables, not tests.

A cell is an ask and an action. Its tool is called `ASK-ACTION`: the server offers it (`peers/py_asks.py`), the client
calls it, and a rule of the same name is about the asks of that tool alone, so one session holds many cells. `ending`
says how the call has to end.

A new action is an entry in `ACTIONS`, its ending a line in `_ending`. For `hold` that will be three: one whose approver
approves (ends as `plain`), one whose approver declines (as `block`), one that nobody answers (as `on_timeout` says).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tests.real.world import STATELESS, Transport

Rule = dict[str, Any]
Way = Literal["stdio", "http", "sse", "http on stdio", "stdio on http"]

LEGACY = "2025-11-25"
MODES = ("form", "url")
# `signin`: error -32042 (2025-11-25). `two`: a form and roots at once. `shared`: sampling by a server that gives all of
# its calls the same requestState (2026-07-28). `task_...`: from within a task.
ASKS = ("sampling", "form", "url", "roots")
IN_TASKS = tuple(f"task_{ask}" for ask in ASKS)
REFUSED, NOT_TODAY, TROUBLE = -31001, -31050, -31060
SIGN_IN, REJECTED, NOT_FOUND, BAD_MODE = -32042, -1, -32601, -32602
CAPABILITIES = ["sampling", "elicitation", "roots"]


class Pair(NamedTuple):
    """A client, a server, and how they meet."""

    client: str
    server: str
    era: str
    way: Way
    asks: tuple[str, ...]

    @property
    def is_stateless(self) -> bool:
        return self.era == STATELESS

    @property
    def outside(self) -> Transport:
        """How the client reaches interpose."""
        return "http" if self.way == "http on stdio" else "stdio" if self.way == "stdio on http" else self.way

    @property
    def inside(self) -> Transport:
        """How interpose reaches the server."""
        return "stdio" if self.way == "http on stdio" else "http" if self.way == "stdio on http" else self.way

    @property
    def name(self) -> str:
        peers = self.client if self.client == self.server else f"{self.client}+{self.server}"
        return f"{peers}-{self.era}-{self.way.replace(' ', '_')}"


class Cell(NamedTuple):
    """One thing that a server asks, and one thing that a rule does about it."""

    pair: Pair
    ask: str
    action: str

    @property
    def tool(self) -> str:
        return f"{self.ask}-{self.action}"

    @property
    def kind(self) -> str:
        """What is asked, wherever the question stands."""
        return {"signin": "url", "shared": "sampling"}.get(self.ask, self.ask.removeprefix("task_"))

    @property
    def name(self) -> str:
        return f"{self.pair.name}-{self.tool}"


class Ending(NamedTuple):
    """How a tool call ends at the client: a text, a tool error with this in its text, or a protocol error."""

    how: Literal["text", "tool error", "error"]
    said: str
    code: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """What rules do about an ask. `asks` are those for which it is legal; `reaches`: the client is asked all the same.

    `why` is in the reason that the recording gives.
    """

    rules: tuple[Rule, ...]
    asks: tuple[str, ...] = ASKS
    reaches: bool = False
    why: str = ""
    calls: int = 1
    by_ask: dict[str, Rule] = field(default_factory=dict)


MASKED, MASKED_URI = "[custom:planted]", "file:///hidden"
_PATTERNS = {"planted": "PLANTED-(asked|answered)-[a-z_-]+"}
_REDACT: Rule = {"do": "redact", "patterns": _PATTERNS, "kind": ["request", "result"]}
_NAMED: Rule = {"do": "redact", "patterns": {"planted": "PLANTED-named-[a-z_-]+"}, "kind": "result"}
_FAULT: Rule = {"do": "fault", "fault": "error", "code": TROUBLE, "message": "planned trouble"}
CANNED: dict[str, Rule] = {
    "sampling": {"content": {"role": "assistant", "model": "policy-1", "content": {"type": "text", "text": "no idea"}}},
    "form": {"content": {"name": "Grace", "note": "away"}},
    "url": {},
    "roots": {"content": {"roots": [{"uri": "file:///srv/canned", "name": "canned"}]}},
}

ACTIONS: dict[str, Action] = {
    "plain": Action((), reaches=True),
    "allow": Action(({"do": "allow"},), reaches=True),
    "note": Action(({"do": "note", "text": "seen"},), reaches=True),
    "block": Action(({"do": "block"},)),
    "answer_accept": Action(({"do": "answer", "outcome": "accept"},), by_ask=CANNED),
    "answer_decline": Action(({"do": "answer", "outcome": "decline"},), MODES),
    "answer_cancel": Action(({"do": "answer", "outcome": "cancel"},), MODES),
    "answer_reject": Action(({"do": "answer", "outcome": "reject", "message": "not now"},)),
    "answer_error": Action(({"do": "answer", "outcome": "error", "code": NOT_TODAY, "message": "not today"},)),
    "redact": Action((_REDACT,), reaches=True, why="masked 1 planted"),
    # A field of a form may be called like a member of the protocol; and a root's uri has to stay one of a file.
    "redact_name": Action((_NAMED,), ("form",), reaches=True, why="masked 1 planted"),
    "redact_uri": Action(
        ({"do": "redact", "keys": "uri", "kind": "result"},), ("roots",), reaches=True, why="masked 1"
    ),
    "cap": Action(({"do": "cap", "path": "$.maxTokens", "at_most": 20},), ("sampling",), reaches=True, why="50 to 20"),
    "set": Action(
        ({"do": "set", "path": "$.systemPrompt", "value": "Be brief."},),
        ("sampling",),
        reaches=True,
        why="systemPrompt",
    ),
    "remove": Action(
        ({"do": "remove", "path": "$.systemPrompt"},), ("sampling",), reaches=True, why="removed $.systemPrompt"
    ),
    "fault_error": Action((_FAULT,)),
    "limit": Action(({"do": "limit", "count": 1, "per": "session"},), why="more than 1 per session", calls=2),
    "audit": Action(tuple({**rule, "mode": "audit"} for rule in ({"do": "block"}, _REDACT, _FAULT)), reaches=True),
}
# What becomes of a link that is demanded by error -32042 has two endings only: it stands, or the call ends.
_ACTIONS_ON_SIGN_IN = ("plain", "allow", "note", "block", "answer_decline", "redact", "fault_error", "limit", "audit")
# Two questions at once (2026-07-28), a rule about one of them; and which of them that is.
ACTIONS_ON_TWO = {"plain": "roots", "block": "roots", "answer_accept": "roots", "answer_decline": "form"}
# The actions that are not about asks.
ELSEWHERE = {"hide", "pin"}
NOT_YET = {"hold"}

_ALL = (*ASKS, "two", "signin")
_MODERN = (*ASKS, "two")
_SHARED = (*_MODERN, "shared")
PAIRS: tuple[Pair, ...] = (
    Pair("py", "py", LEGACY, "stdio", _ALL),
    Pair("py", "py", LEGACY, "http", _ALL),
    Pair("py", "py", LEGACY, "sse", _ALL),
    Pair("py", "py", STATELESS, "stdio", _MODERN),
    Pair("py", "py", STATELESS, "http", _MODERN),
    Pair("ts1", "ts1", LEGACY, "stdio", (*ASKS, "signin", *IN_TASKS)),
    Pair("ts1", "ts1", LEGACY, "http", (*ASKS, "signin", *IN_TASKS)),
    Pair("ts1", "ts1", LEGACY, "sse", (*ASKS, "signin", *IN_TASKS)),
    Pair("ts2", "ts2", LEGACY, "stdio", _ALL),
    Pair("ts2", "ts2", LEGACY, "http", _ALL),
    Pair("ts2", "ts2", STATELESS, "stdio", _SHARED),
    Pair("ts2", "ts2", STATELESS, "http", _SHARED),
    Pair("py", "fastmcp", STATELESS, "stdio", IN_TASKS),
    Pair("py", "fastmcp", STATELESS, "http", IN_TASKS),
    Pair("py", "ts2", STATELESS, "http", _SHARED),
    Pair("ts2", "py", STATELESS, "http", _MODERN),
    Pair("ts2", "py", LEGACY, "sse", _ALL),
    Pair("py", "py", LEGACY, "http on stdio", _ALL),
    Pair("py", "py", STATELESS, "stdio on http", _MODERN),
)


def cells(pair: Pair) -> Iterator[Cell]:
    """All cells of a pair, strip aside: that is a session of its own, since it is about no single tool."""
    for ask in pair.asks:
        for action in ACTIONS:
            cell = Cell(pair, ask, action)
            if _is_legal(cell) and not _is_beyond_client(cell):
                yield cell


def stripped(pair: Pair) -> list[Cell]:
    """The cells of the session in which no capability to be asked is left. Bridges need none of their own."""
    if pair.inside != pair.outside:
        return []
    return [Cell(pair, ask, "strip") for ask in pair.asks if ask not in ("two", "shared")]


def _is_legal(cell: Cell) -> bool:
    if cell.ask == "two":
        return cell.action in ACTIONS_ON_TWO
    if cell.ask == "signin":
        return cell.action in _ACTIONS_ON_SIGN_IN
    if cell.ask == "shared":
        return cell.action in ("block", "redact")
    return cell.kind in ACTIONS[cell.action].asks


def _is_beyond_client(cell: Cell) -> bool:
    """fastmcp-tasks answers elicitations only: other questions of a task raise in the client, proxy or not."""
    return cell.pair.server == "fastmcp" and cell.kind not in MODES and is_asked(cell)


def is_asked(cell: Cell, nth: int = 1) -> bool:
    """Whether the nth call of a cell's tool gets its question to the client."""
    return ACTIONS[cell.action].reaches or (cell.action == "limit" and nth == 1)


def policy(pair: Pair) -> str:
    """A rule, or several in audit mode, for every tool."""
    rules = [rule for cell in cells(pair) for rule in _rules(cell)]
    rules.append({"name": "strip", "mode": "audit", "do": "strip", "capability": CAPABILITIES})
    return "\n".join(_table(rule) for rule in rules)


def stripping() -> str:
    return _table({"name": "strip", "do": "strip", "capability": CAPABILITIES})


def _rules(cell: Cell) -> Iterator[Rule]:
    action = ACTIONS[cell.action]
    kind = ACTIONS_ON_TWO[cell.action] if cell.ask == "two" else cell.kind
    about: Rule = {"ask": "elicitation", "mode_is": kind} if kind in MODES else {"ask": kind}
    for rule in action.rules:
        name = cell.tool if len(action.rules) == 1 else f"{cell.tool}-{rule['do']}"
        yield {"name": name, "tool": cell.tool, **about, **rule, **action.by_ask.get(kind, {})}


def _table(rule: Rule) -> str:
    return "[[rule]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in rule.items())


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


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
    said = "planned trouble" if cell.action == "fault_error" else "Blocked by policy"
    return Ending("tool error", said)


def _end_of_two(cell: Cell) -> Ending:
    """One question is answered by the rule, the other one by the client."""
    kind = ACTIONS_ON_TWO[cell.action]
    one = _refused(cell.pair, kind, cell.action, in_task=False)
    if one.how != "text":
        return one
    form, roots = answered("form", cell.tool).said, answered("roots", cell.tool).said
    return Ending("text", f"{one.said} in {roots}" if kind == "form" else f"{form} in {one.said}")


def _refused(pair: Pair, kind: str, action: str, *, in_task: bool) -> Ending:
    match action:
        case "answer_accept":
            canned = {"sampling": "policy-1 says no idea", "form": "Grace: away", "url": "accept"}
            return Ending("text", canned.get(kind, "canned at file:///srv/canned"))
        case "answer_decline" | "answer_cancel":
            return Ending("text", action.removeprefix("answer_"))
        case "answer_error":
            return _failed(pair, NOT_TODAY, "not today", in_task=in_task)
        case "fault_error":
            return _failed(pair, TROUBLE, "planned trouble", in_task=in_task)
    said = "not now" if action == "answer_reject" else "Blocked by policy"
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
