"""The matrix of what servers ask and what rules do about it: tables, not tests.

A cell is an ask and an action. Its tool is called `ASK-ACTION`: the server offers it (`peers/py_asks.py`), the client
calls it, and a rule of the same name is about the asks of that tool alone, so one session holds many cells: all those
of one approver. How the call has to end, `endings.py` says.

A new action is an entry in `ACTIONS`, and its ending a line in `endings.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
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
NOT_TODAY, TROUBLE = -31050, -31060
APPROVERS = ("approve", "decline", "nobody")
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
    def is_joined(self) -> bool:
        """Whether its ends are of two SDKs, or of two transports."""
        return self.inside != self.outside or self.server not in (self.client, "fastmcp")

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
    def approver(self) -> str:
        """In whose session it is."""
        return ACTIONS[self.action].approver

    @property
    def kind(self) -> str:
        """What is asked, wherever the question stands."""
        return {"signin": "url", "shared": "sampling"}.get(self.ask, self.ask.removeprefix("task_"))

    @property
    def name(self) -> str:
        return f"{self.pair.name}-{self.tool}"


@dataclass(frozen=True, slots=True)
class Action:
    """What rules do about an ask. `asks` are those for which it is legal; `reaches`: the client is asked all the same.

    `why` is in the reason that the recording gives, `decision` how the waiting ends. The rules are about the `whole`
    call, or about what it asks.
    """

    rules: tuple[Rule, ...]
    asks: tuple[str, ...] = ASKS
    reaches: bool = False
    why: str = ""
    calls: int = 1
    approver: Literal["approve", "decline", "nobody"] = "approve"
    decision: str = ""
    whole: bool = False
    by_ask: dict[str, Rule] = field(default_factory=dict)


def _hold(on_timeout: str, timeout: float = 0.5) -> tuple[Rule]:
    return ({"do": "hold", "timeout": timeout, "on_timeout": on_timeout},)


def _late(on_timeout: str, asks: tuple[str, ...] = ASKS) -> Action:
    return Action(_hold(on_timeout), asks, approver="nobody", decision="expire")


LONG = 20  # seconds: more than a client waits, so what ends was decided
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
    "fault_delay": Action(
        ({"do": "fault", "fault": "delay", "seconds": 0.2},), reaches=True, why="for 0.2 s", decision="release"
    ),
    "hold_approve": Action(_hold("error", LONG), reaches=True, decision="approve"),
    "hold_decline": Action(_hold("error", LONG), approver="decline", decision="decline"),
    "hold_late_decline": _late("decline", MODES),
    "hold_late_cancel": _late("cancel", MODES),
    "hold_late_reject": _late("reject"),
    "hold_late_error": _late("error"),
    "call_approve": Action(_hold("error", LONG), ("form",), reaches=True, decision="approve", whole=True),
    "call_decline": Action(_hold("error", LONG), ("form",), approver="decline", decision="decline", whole=True),
    "call_late": Action(_hold("error"), ("form",), approver="nobody", decision="expire", whole=True),
    "limit": Action(({"do": "limit", "count": 1, "per": "session"},), why="more than 1 per session", calls=2),
    "audit": Action(tuple({**rule, "mode": "audit"} for rule in ({"do": "block"}, _REDACT, _FAULT)), reaches=True),
}
# What becomes of a link that is demanded by error -32042 has two endings only: it stands, or the call ends.
_ACTIONS_ON_SIGN_IN = (
    *("plain", "allow", "note", "block", "answer_decline", "redact", "fault_error", "fault_delay", "limit", "audit"),
    *("hold_approve", "hold_decline", "hold_late_cancel"),
)
# Two questions at once (2026-07-28), a rule about one of them; and which of them that is.
ACTIONS_ON_TWO = {
    **{"plain": "roots", "block": "roots", "answer_accept": "roots", "answer_decline": "form"},
    **{"hold_approve": "roots", "hold_decline": "form", "hold_late_cancel": "form"},
}
# What pairs have to show whose ends are tried elsewhere.
_FEW = ("plain", "block", "answer_accept", "answer_error", "redact", "set", "hold_approve", "audit")
# The actions that are not about asks.
ELSEWHERE = {"hide", "pin"}

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
            if _is_legal(cell) and _is_telling(cell) and not _is_beyond_client(cell):
                yield cell


def stripped(pair: Pair) -> list[Cell]:
    """The cells of the session in which no capability to be asked is left."""
    if pair.is_joined:
        return []
    return [Cell(pair, ask, "strip") for ask in pair.asks if ask not in ("two", "shared")]


def _is_legal(cell: Cell) -> bool:
    if cell.ask == "two":
        return cell.action in ACTIONS_ON_TWO
    if cell.ask == "signin":
        return cell.action in _ACTIONS_ON_SIGN_IN
    if cell.ask == "shared":
        return cell.action in ("block", "redact", "hold_approve", "hold_late_reject")
    return cell.kind in ACTIONS[cell.action].asks


def _is_telling(cell: Cell) -> bool:
    """What joins two ends that are tried elsewhere needs a few actions. A no comes as it does when time is over."""
    pair = cell.pair
    if pair.is_joined:
        return cell.action in _FEW
    return cell.approver != "decline" or (pair.server != "ts2" and pair.way != "sse")


def _is_beyond_client(cell: Cell) -> bool:
    """fastmcp-tasks answers elicitations only: other questions of a task raise in the client, proxy or not."""
    return cell.pair.server == "fastmcp" and cell.kind not in MODES and is_asked(cell)


def is_asked(cell: Cell, nth: int = 1) -> bool:
    """Whether the nth call of a cell's tool gets its question to the client."""
    return ACTIONS[cell.action].reaches or (cell.action == "limit" and nth == 1)


def policy(cells: Iterable[Cell]) -> str:
    """A rule, or several in audit mode, for every tool."""
    rules = [rule for cell in cells for rule in _rules(cell)]
    rules.append({"name": "strip", "mode": "audit", "do": "strip", "capability": CAPABILITIES})
    return "\n".join(_table(rule) for rule in rules)


def stripping() -> str:
    return _table({"name": "strip", "do": "strip", "capability": CAPABILITIES})


def _rules(cell: Cell) -> Iterator[Rule]:
    action = ACTIONS[cell.action]
    kind = ACTIONS_ON_TWO[cell.action] if cell.ask == "two" else cell.kind
    about: Rule = {"ask": "elicitation", "mode_is": kind} if kind in MODES else {"ask": kind}
    if action.whole:
        about = {"kind": "request"}
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
