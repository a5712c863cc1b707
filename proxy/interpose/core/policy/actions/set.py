"""Sets a value, and creates the last member of its path.

In params, objects on the way are created too: a call without `arguments` must not escape a rule about one of them. In
results, errors and answers nothing is created, since a rule about calls sees their answers as well.

    do = "set"
    path = "$.includeContext"
    value = "none"
"""

import json
from typing import Any

from interpose.core.policy.actions.place import definite, member
from interpose.core.policy.editing import EditFault, Editing
from interpose.core.policy.jsonpath import Location
from interpose.core.policy.rule import Put


def put(rule: Put, editing: Editing) -> str | None:
    location = definite(rule.path)
    makes = editing.creates
    if makes and editing.ask is None and editing.body.get("params") is None:
        editing.body["params"] = {}
    holder = _holder(editing.root, location[:-1], makes, rule.path)
    if holder is None and not makes:
        return None
    last = location[-1]
    done = _put_member(holder, last, rule) if isinstance(last, str) else _put_item(holder, last, rule)
    return f"set {rule.path}" if done else None


def _put_member(holder: Any, name: str, rule: Put) -> bool:
    if not isinstance(holder, dict):
        raise EditFault(f"`{rule.path}` has no object to stand in")
    if name in holder and _same(holder[name], rule.value):
        return False
    holder[name] = _copy(rule.value)
    return True


def _put_item(holder: Any, index: int, rule: Put) -> bool:
    if not isinstance(holder, list) or not -len(holder) <= index < len(holder):
        raise EditFault(f"`{rule.path}` has no such item")
    if _same(holder[index], rule.value):
        return False
    holder[index] = _copy(rule.value)
    return True


def _holder(here: Any, way: Location, makes: bool, path: str) -> Any:
    """What the value is to stand in; None where that is absent and may be."""
    for step in way:
        if makes and isinstance(step, str) and isinstance(here, dict):
            here = here.setdefault(step, {})
            continue
        found = _inside(here, step)
        if found is None and makes:
            raise EditFault(f"there is no way to `{path}`")
        here = found
    return here


def _inside(here: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return member(here, step)
    return here[step] if isinstance(here, list) and -len(here) <= step < len(here) else None


def _copy(value: Any) -> Any:
    """The rule's value is every message's: none may change it for the others."""
    return json.loads(json.dumps(value))


def _same(one: Any, other: Any) -> bool:
    """Alike to the letter: `true` is not 1, and 1.0 is not 1."""
    try:
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    except RecursionError:
        return False
