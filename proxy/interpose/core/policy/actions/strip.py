"""Takes capabilities out of what both sides declare, so that no peer tries to use them; and out of what leans on them.

A client declares in `initialize` or, from 2026-07-28, in every request; a server in the answers to `initialize` and
`server/discover`. What is used all the same is refused: see undeclared.py.

    do = "strip"
    capability = ["sampling", "elicitation.url", "tasks"]
"""

from typing import Any

from interpose.core.policy.actions.capability import Capability, covers, declared_modes, paths, take_out
from interpose.core.policy.actions.place import entries, member
from interpose.core.policy.editing import EditFault, Editing
from interpose.core.policy.outcome import BLOCKED, error
from interpose.core.policy.rule import Strip
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

Stripped = frozenset[Capability]

_DECLARED = "io.modelcontextprotocol/clientCapabilities"
_LOG_LEVEL = "io.modelcontextprotocol/logLevel"
_LACKING = -32021  # 2026-07-28: the client did not declare what this needs
_TOOL_TASKS = ("tasks", "requests", "tools", "call")
_TASK_WISHES: dict[str, Capability] = {
    "tools/call": _TOOL_TASKS,
    "sampling/createMessage": ("tasks", "requests", "sampling", "createMessage"),
    "elicitation/create": ("tasks", "requests", "elicitation", "create"),
}
_OPENINGS = ("initialize", "server/discover")
_FILTERS: dict[str, Capability] = {
    "toolsListChanged": ("tools", "listChanged"),
    "promptsListChanged": ("prompts", "listChanged"),
    "resourcesListChanged": ("resources", "listChanged"),
    "resourceSubscriptions": ("resources", "subscribe"),
    "taskIds": ("tasks",),
}


def strip(rule: Strip, editing: Editing) -> str | None:
    stripped = paths(rule.capability)
    body, method = editing.body, editing.sighting.method
    if "method" in body:
        taken = _from_request(body, editing.sighting, stripped)
    elif "error" in body:
        return _explained(body, rule, stripped)
    else:
        taken = _from_result(body.get("result"), method, stripped)
    return f"stripped {', '.join(taken)}" if taken else None


def concerns(rule: Strip, sighting: Sighting) -> bool:
    """Whether a message is one that `strip` may change."""
    method = sighting.method
    match sighting.kind:
        case Kind.REQUEST | Kind.NOTIFICATION:
            return method == "initialize" or method in _TASK_WISHES or sighting.era == "stateless"
        case Kind.RESULT:
            return method is None or method in _OPENINGS or method == "tools/list"
        case _:
            return sighting.kind is Kind.ERROR and sighting.end == "server"


def _from_request(body: dict[str, Any], sighting: Sighting, stripped: Stripped) -> list[str]:
    params = body.get("params")
    if not isinstance(params, dict):
        return []
    taken: list[str] = []
    if sighting.end == "client":
        meta = params.get("_meta")
        if sighting.method == "initialize":
            taken += _from_tree(params, "capabilities", stripped)
        taken += _from_tree(meta, _DECLARED, stripped)
        if isinstance(meta, dict) and _LOG_LEVEL in meta and covers(stripped, ("logging",)):
            del meta[_LOG_LEVEL]
            taken.append("the log level")
        if sighting.method == "subscriptions/listen":
            taken += _from_filter(params.get("notifications"), stripped)
    needed = _TASK_WISHES.get(sighting.method or "")
    if needed is not None and "task" in params and covers(stripped, needed):
        del params["task"]
        taken.append("the wish for a task")
    return taken


def _from_tree(inside: Any, name: str, stripped: Stripped) -> list[str]:
    tree = member(inside, name)
    if tree is None:
        return []
    if not isinstance(tree, dict):
        raise EditFault("the capabilities are no object")
    return take_out(tree, stripped)


def _from_filter(wanted: Any, stripped: Stripped) -> list[str]:
    """What a client wants to hear of (2026-07-28): a server need not honour it, so nothing is missed."""
    if not isinstance(wanted, dict):
        return []
    gone = [name for name, needed in _FILTERS.items() if name in wanted and covers(stripped, needed)]
    for name in gone:
        del wanted[name]
    return gone


def _from_result(result: Any, method: str | None, stripped: Stripped) -> list[str]:
    taken = _from_tree(result, "capabilities", stripped) if method in _OPENINGS or method is None else []
    if method in ("tools/list", None) and covers(stripped, _TOOL_TASKS):
        taken += _from_tools(result)
    return taken


def _from_tools(result: Any) -> list[str]:
    """Tools that only run as tasks go; the others say nothing of tasks, which means that they do not (2025-11-25)."""
    tools = entries(result, "tools")
    if tools is None:
        return []
    left = [tool for tool in tools if member(tool, "execution", "taskSupport") != "required"]
    count = len(tools) - len(left)
    tools[:] = left
    taken = [f"{count} tools that need tasks"] if count else []
    offering = [tool["execution"] for tool in left if isinstance(member(tool, "execution"), dict)]
    offers = [execution for execution in offering if "taskSupport" in execution]
    for execution in offers:
        del execution["taskSupport"]
    return [*taken, f"taskSupport of {len(offers)} tools"] if offers else taken


def _explained(body: dict[str, Any], rule: Strip, stripped: Stripped) -> str | None:
    """A server that needs what was stripped names it to a client which did declare it, and would try again."""
    failure = body["error"]
    needed = member(failure, "data", "requiredCapabilities")
    if member(failure, "code") != _LACKING or not _lacks(needed, stripped):
        return None
    body.update(error(BLOCKED, "Blocked by policy: the server needs a capability that is switched off here", rule.name))
    return "explained the lack of a capability"


def _lacks(needed: Any, stripped: Stripped) -> bool:
    if not isinstance(needed, dict):
        return False
    said = needed.get("elicitation")
    modes = declared_modes(said) if said is not None else set()
    if any(covers(stripped, ("elicitation", mode)) for mode in modes):
        return True
    return any(member(needed, *path) is not None for path in stripped)
