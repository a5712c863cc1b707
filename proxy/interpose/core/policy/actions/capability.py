"""Capabilities as paths in what a side declares, and taking them out. Not where they are declared: see strip.py."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from interpose.core.policy.actions.place import member
from interpose.core.protocol import tasks_extension

Capability = tuple[str, ...]

TASKS: Capability = ("extensions", tasks_extension.NAME)
_MODES = ("form", "url")
# What cannot be had without another.
_IMPLIED: dict[Capability, tuple[Capability, ...]] = {
    ("sampling",): (("tasks", "requests", "sampling"),),
    ("elicitation",): (("tasks", "requests", "elicitation"),),
    ("tasks",): (TASKS,),
}


@lru_cache(maxsize=256)
def paths(names: tuple[str, ...]) -> frozenset[Capability]:
    """Capabilities by their names in a rule, and what goes with them. Names of extensions have dots of their own."""
    found: set[Capability] = set()
    for name in names:
        first = name.partition(".")[0]
        found.add(tuple(name.split(".", 1 if first in ("extensions", "experimental") else -1)))
    if {("elicitation", mode) for mode in _MODES} <= found:
        found.add(("elicitation",))
    for path in tuple(found):
        found.update(_IMPLIED.get(path, ()))
    return frozenset(found)


def covers(stripped: Iterable[Capability], wanted: Capability) -> bool:
    """Whether a capability is gone with one of these."""
    return any(wanted[: len(path)] == path for path in stripped)


def take_out(tree: dict[str, Any], stripped: frozenset[Capability]) -> list[str]:
    """Removes capabilities from what a side declares; the names of what was there."""
    taken = []
    for path in sorted(stripped):
        inside = member(tree, *path[:-1])
        is_mode = path[0] == "elicitation" and len(path) > 1
        if not is_mode and isinstance(inside, dict) and path[-1] in inside:
            del inside[path[-1]]
            taken.append(".".join(path))
    return taken + _take_modes(tree, {path[1] for path in stripped if path[0] == "elicitation" and len(path) == 2})


def _take_modes(tree: dict[str, Any], modes: set[str]) -> list[str]:
    """Modes of elicitation: an empty object means forms, so one that would become empty goes as a whole."""
    said = tree.get("elicitation")
    if said is None or said is False or not modes:
        return []
    declared = declared_modes(said)
    left = declared - modes
    if left == declared:
        return []
    if left:
        for mode in modes:
            said.pop(mode, None)
        return [f"elicitation.{mode}" for mode in sorted(declared & modes)]
    del tree["elicitation"]
    tied = member(tree, "tasks", "requests")
    if isinstance(tied, dict):
        tied.pop("elicitation", None)
    return ["elicitation"]


def declared_modes(said: Any) -> set[str]:
    """The modes in a value of `elicitation`; one that names none means forms (2025-11-25 §client/elicitation)."""
    named = {mode for mode in _MODES if member(said, mode) not in (None, False)}
    return named or {"form"}
