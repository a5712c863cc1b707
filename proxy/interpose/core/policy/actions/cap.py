"""Lowers numbers that are too large, and never raises one.

A path that ends in `ttl` or `ttlMs` is about how long tasks live: then every task that the message shows is held to it
too, in either spelling, and "for ever" (null) becomes the largest time that passes. A call that wishes for a task
without saying for how long is given that time, since the server would choose (2025-11-25 §basic/utilities/tasks).

    do = "cap"
    path = "$.task.ttl"
    at_most = 60000
"""

import re
from collections.abc import Iterator
from typing import Any

from interpose.core.policy.actions.place import entries, holder, member, nodes
from interpose.core.policy.editing import EditFault, Editing
from interpose.core.policy.rule import Cap

_LIVES = ("ttl", "ttlMs")
_IS_LIFE = re.compile(r"""[.'"](?:ttl|ttlMs)['"\]]*$""")
_MOST_SAID = 10**15


def cap(rule: Cap, editing: Editing) -> str | None:
    root = editing.root
    # A message with nothing in it has nothing too large in it.
    found = nodes(rule.path, root) if root is not None else []
    lowered = [_lower(rule, holder(root, location), location[-1]) for location, _ in found]
    if _IS_LIFE.search(rule.path):
        lowered += [_lower(rule, *place) for place in _lives(root)]
        lowered += _wish(rule, editing)
    done = [was for was in lowered if was is not None]
    if not done:
        return None
    what = f"from {done[0]}" if len(done) == 1 else f"in {len(done)} places"
    return f"capped {rule.path} {what} to {rule.at_most}"


def _lower(rule: Cap, inside: Any, name: str | int) -> str | None:
    """What the number was, if it was too large."""
    value = inside[name]
    if value is None and name in _LIVES:
        inside[name] = rule.at_most
        return "no limit"
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # NaN is unlike itself
        raise EditFault(f"`{rule.path}` is no number")
    if name in _LIVES and value < 0:
        raise EditFault(f"`{rule.path}` is negative")
    if value <= rule.at_most:
        return None
    inside[name] = rule.at_most
    return str(value) if value < _MOST_SAID else "a huge number"


def _lives(root: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Where tasks say how long they live: nested, flat, and in lists of them."""
    tasks = [root, member(root, "task"), *(entries(root, "tasks") or ())]
    for task in tasks:
        if isinstance(task, dict) and "taskId" in task:
            yield from ((task, name) for name in _LIVES if name in task)


def _wish(rule: Cap, editing: Editing) -> list[str]:
    """A task that is wished for without a time to live. 2026-07-28 and later ignore the wish."""
    wish = member(editing.root, "task")
    is_asked = editing.section == "params" and editing.sighting.era == "stateful" and "id" in editing.body
    if not is_asked or not isinstance(wish, dict) or "taskId" in wish or "ttl" in wish:
        return []
    wish["ttl"] = rule.at_most
    return ["unsaid"]
