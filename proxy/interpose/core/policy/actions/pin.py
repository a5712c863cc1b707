"""Holds tools to what they were when first seen, or to what a file says of them.

Order and pages do not matter, nor how the JSON is spelled. A tool that shows itself changed is left out until it is
again what it was, and its call is refused. What becomes of new tools is the rule's to say.

    do = "pin"
    parts = ["description", "inputSchema"]
    file = "tools.lock.json"
    on_new = "note"
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from interpose.core.policy.actions.denial import INVALID_PARAMS, Denial
from interpose.core.policy.actions.lock import Locked, lock_text, read_lock
from interpose.core.policy.actions.place import entries, member, shown
from interpose.core.policy.editing import EditFault, Editing
from interpose.core.policy.rule import Pin
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_ROOM = 10_000
_MOST_NAMED = 5


class Pins(msgspec.Struct):
    """The tools of one session under one rule. `file` is where they belong, if anywhere."""

    tools: dict[str, Locked]
    file: str | None = None
    is_whole: bool = False  # a list has come to its end, or the file held one: what comes later is new
    is_unsaved: bool = False
    changed: set[str] = msgspec.field(default_factory=set)


class Found(msgspec.Struct):
    """What a list shows: tools that changed, that are blocked as new, and that are new and pass; each with words."""

    changed: dict[str | None, str] = msgspec.field(default_factory=dict)
    blocked: dict[str | None, str] = msgspec.field(default_factory=dict)
    new: dict[str | None, str] = msgspec.field(default_factory=dict)

    def words(self) -> str | None:
        titled = (("changed", self.changed | self.blocked), ("new", self.new))
        return "; ".join(_said(title, found) for title, found in titled if found) or None


def preset(state: dict[str, Any], rule: Pin, content: bytes | None) -> None:
    """Hold the session to what stands in the rule's file; without content it is learnt, to be written there.

    To be called whenever a rule with a `file` is put in force. Raises: LockError.
    """
    known = state.get(_key(rule))
    if content is None:
        state.setdefault(_key(rule), Pins({}, rule.file))
        return
    tools = read_lock(content)
    changed = known.changed & tools.keys() if isinstance(known, Pins) else set()
    state[_key(rule)] = Pins(tools, rule.file, is_whole=True, changed=changed)


def learned(state: dict[str, Any], scrub: Callable[[str], str] = str) -> Iterator[tuple[str, bytes]]:
    """The files that should be written since this was last asked, each with its whole content.

    `scrub` takes out of descriptions what may not be written down.
    """
    for pins in state.values():
        if isinstance(pins, Pins) and pins.file is not None and pins.is_whole and pins.is_unsaved:
            pins.is_unsaved = False
            yield pins.file, lock_text({name: _scrubbed(tool, scrub) for name, tool in pins.tools.items()})


def pin(rule: Pin, editing: Editing) -> str | None:
    result = editing.body.get("result")
    if not concerns(rule, editing.sighting) or (tools := entries(result, "tools")) is None:
        return None
    pins, found = _pins(rule, editing.state), Found()
    for tool in tools:
        _compare(rule, pins, tool, found)
    pins.is_whole = pins.is_whole or member(result, "nextCursor") is None
    _remember(pins, {_name(tool) for tool in tools}, set(found.changed))
    gone = found.blocked | (found.changed if rule.on_change == "block" else {})
    left = [tool for tool in tools if _name(tool) not in gone]
    if len(left) == len(tools):
        editing.told = found.words()
        return None
    tools[:] = left
    return found.words()


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
    return name in pins.changed or (name not in pins.tools and _may_not_come(rule, pins))


def denial(rule: Pin, sighting: Sighting, state: dict[str, Any]) -> Denial | None:
    """What the caller of a changed tool is told, if this is one."""
    if not is_blocked_call(rule, sighting, state):
        return None
    return Denial(INVALID_PARAMS, f"Blocked by policy: the tool {shown(sighting.name)} is not what it was")


def _compare(rule: Pin, pins: Pins, tool: Any, found: Found) -> None:
    """Finds what changed in a tool, and pins one that is seen for the first time."""
    name = _name(tool)
    if name is None:
        found.changed[None] = "no name"
        return
    locked = _locked(rule, tool)
    known = pins.tools.get(name)
    if known is not None:
        changed = [part for part in rule.parts if locked.digests.get(part) != known.digests.get(part)]
        if changed:
            found.changed[name] = ", ".join(changed)
    elif _may_not_come(rule, pins):
        found.blocked[name] = "unknown"
    elif pins.is_whole and rule.for_new == "note":
        found.new[name] = "not pinned"
    elif len(pins.tools) < _ROOM:
        pins.tools[name] = locked
        pins.is_unsaved = True
        if pins.is_whole:
            found.new[name] = "since the first list"


def _may_not_come(rule: Pin, pins: Pins) -> bool:
    """Whether a tool that has no pin is refused."""
    if pins.is_whole and rule.for_new == "block":
        return True
    return rule.on_change == "block" and len(pins.tools) >= _ROOM


def _remember(pins: Pins, seen: set[str | None], changed: set[str | None]) -> None:
    """Tools of no pin need no place: they are refused without one."""
    pins.changed -= {name for name in seen - changed if name is not None}
    pins.changed |= {name for name in changed if name is not None and name in pins.tools}


def _locked(rule: Pin, tool: dict[str, Any]) -> Locked:
    digests: dict[str, str] = {part: _digest(tool[part]) for part in rule.parts if part in tool}
    said = tool["description"] if rule.file is not None and "description" in digests else None
    return Locked(digests, said if said is None or isinstance(said, str) else _canonical(said))


def _scrubbed(tool: Locked, scrub: Callable[[str], str]) -> Locked:
    said = tool.description
    return tool if said is None else msgspec.structs.replace(tool, description=scrub(said))


def _digest(value: Any) -> str:
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def _canonical(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        raise EditFault("a tool is nested too deep to be compared") from None


def _name(tool: Any) -> str | None:
    name = member(tool, "name")
    return name if isinstance(name, str) else None


def _said(title: str, found: dict[str | None, str]) -> str:
    named = [f"{shown(name)} ({what})" for name, what in list(found.items())[:_MOST_NAMED]]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f"{title}: {', '.join(named)}{more}"


def _pins(rule: Pin, state: dict[str, Any]) -> Pins:
    found = state.setdefault(_key(rule), Pins({}, rule.file))
    assert isinstance(found, Pins)
    return found


def _key(rule: Pin) -> str:
    return f"pin {rule.identity!r}"
