"""Holds tools to what they were when first seen, or to what a file says of them.

Order and pages do not matter, nor how the JSON is spelled. A tool that shows itself changed is left out until it is
again what it was, and its call is refused. With a file, a tool that the file does not know counts as changed.

    do = "pin"
    parts = ["description", "inputSchema"]
    file = "tools.lock.json"
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from interpose.core.policy.actions.denial import INVALID_PARAMS, Denial
from interpose.core.policy.actions.place import entries, member, shown
from interpose.core.policy.editing import EditFault, Editing
from interpose.core.policy.rule import Pin
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

# A tool as pinned: of each part that it has, the SHA-256 of its canonical JSON.
Pinned = dict[str, str]

_ROOM = 10_000
_MOST_NAMED = 5


class Pins(msgspec.Struct):
    """The tools of one session under one rule. `is_closed` when they were given: then none is added."""

    tools: dict[str, Pinned]
    is_closed: bool = False
    is_whole: bool = False  # a list has come to its end: what comes later is new
    changed: set[str] = msgspec.field(default_factory=set)


def preset(rule: Pin, tools: Mapping[str, Mapping[str, str]], state: dict[str, Any]) -> None:
    """Hold the session to these tools, as read from the rule's file."""
    state[_key(rule)] = Pins({name: dict(parts) for name, parts in tools.items()}, is_closed=True, is_whole=True)


def pinned(rule: Pin, state: dict[str, Any]) -> dict[str, Pinned] | None:
    """The tools as first seen, for the rule's file to hold; None until a list was seen to its end."""
    pins = _pins(rule, state)
    return {name: dict(pins.tools[name]) for name in sorted(pins.tools)} if pins.is_whole else None


def pin(rule: Pin, editing: Editing) -> str | None:
    result = editing.body.get("result")
    if not concerns(rule, editing.sighting) or (tools := entries(result, "tools")) is None:
        return None
    pins = _pins(rule, editing.state)
    changes: dict[str | None, str] = {}
    new: dict[str | None, str] = {}
    for tool in tools:
        _compare(rule, pins, tool, changes, new)
    pins.is_whole = pins.is_whole or member(result, "nextCursor") is None
    _remember(pins, {_name(tool) for tool in tools}, set(changes))
    if rule.on_change == "block":
        tools[:] = [tool for tool in tools if _name(tool) not in changes]
    return "; ".join(_said(title, found) for title, found in (("changed", changes), ("new", new)) if found) or None


def concerns(rule: Pin, sighting: Sighting) -> bool:
    """Whether a message shows tools."""
    return sighting.kind is Kind.RESULT and sighting.end == "server" and sighting.method in ("tools/list", None)


def is_blocked_call(rule: Pin, sighting: Sighting, state: dict[str, Any]) -> bool:
    """Whether a client calls a tool that is not what it was."""
    if rule.on_change != "block" or sighting.end != "client" or sighting.message.method != "tools/call":
        return False
    name = sighting.name
    if name is None:
        return True  # no text, or none at all
    pins = _pins(rule, state)
    return name in pins.changed or (name not in pins.tools and (pins.is_closed or len(pins.tools) >= _ROOM))


def denial(rule: Pin, sighting: Sighting, state: dict[str, Any]) -> Denial | None:
    """What the caller of a changed tool is told, if this is one."""
    if not is_blocked_call(rule, sighting, state):
        return None
    return Denial(INVALID_PARAMS, f"Blocked by policy: the tool {shown(sighting.name)} is not what it was")


def _compare(rule: Pin, pins: Pins, tool: Any, changes: dict[str | None, str], new: dict[str | None, str]) -> None:
    """Finds what changed in a tool, and pins one that is seen for the first time."""
    name = _name(tool)
    if name is None:
        changes[None] = "no name"
        return
    parts = _parts(rule, tool)
    known = pins.tools.get(name)
    if known is not None:
        changed = [part for part in rule.parts if parts.get(part) != known.get(part)]
        if changed:
            changes[name] = ", ".join(changed)
    elif pins.is_closed or len(pins.tools) >= _ROOM:
        changes[name] = "unknown"
    else:
        pins.tools[name] = parts
        if pins.is_whole:
            new[name] = "since the first list"


def _remember(pins: Pins, seen: set[str | None], changed: set[str | None]) -> None:
    """Tools of no pin need no place: they are refused without one."""
    pins.changed -= {name for name in seen - changed if name is not None}
    pins.changed |= {name for name in changed if name is not None and name in pins.tools}


def _parts(rule: Pin, tool: dict[str, Any]) -> Pinned:
    return {part: _digest(tool[part]) for part in rule.parts if part in tool}


def _digest(value: Any) -> str:
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        raise EditFault("a tool is nested too deep to be compared") from None
    return hashlib.sha256(text.encode()).hexdigest()


def _name(tool: Any) -> str | None:
    name = member(tool, "name")
    return name if isinstance(name, str) else None


def _said(title: str, found: dict[str | None, str]) -> str:
    named = [f"{shown(name)} ({what})" for name, what in list(found.items())[:_MOST_NAMED]]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f"{title}: {', '.join(named)}{more}"


def _pins(rule: Pin, state: dict[str, Any]) -> Pins:
    found = state.setdefault(_key(rule), Pins({}))
    assert isinstance(found, Pins)
    return found


def _key(rule: Pin) -> str:
    return f"pin {rule.name}"
