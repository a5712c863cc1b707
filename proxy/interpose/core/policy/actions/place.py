"""Places in a message: what a path leads to, and members reached one by one without trusting any type."""

from functools import lru_cache
from typing import Any

from interpose.core.policy.editing import EditFault
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.jsonpath import Location, Node, Path, PathError

_MOST_SHOWN = 80


@lru_cache(maxsize=1024)
def compiled(text: str) -> Path:
    """A path that was checked when its rule was read. Raises: EditFault if it was not."""
    try:
        return Path(text)
    except PathError as refusal:
        raise EditFault(str(refusal)) from None


def definite(text: str) -> Location:
    """The steps of a path that leads to one place, there or not. Raises: EditFault for any other."""
    location = compiled(text)._plain
    if not location:
        raise EditFault(f"`{text}` does not name one member")
    return location


def nodes(text: str, root: Any) -> list[Node]:
    """What a path leads to, each place once. Raises: EditFault for too much, and for `$` itself."""
    try:
        found = compiled(text).nodes(root)
    except (RuleFault, RecursionError) as fault:
        raise EditFault(str(fault)) from None
    if any(not location for location, _ in found):
        raise EditFault(f"`{text}` is the whole of it, not a part")
    return list({location: (location, value) for location, value in found}.values())


def holder(root: Any, location: Location) -> Any:
    """The object or list that a place lies in."""
    for step in location[:-1]:
        root = root[step]
    return root


def member(value: Any, *names: str) -> Any:
    """A member of a member; None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def entries(value: Any, name: str) -> list[Any] | None:
    """The list under a name; None where the name is absent. Raises: EditFault for anything that is no list."""
    if not isinstance(value, dict) or name not in value:
        return None
    found = value[name]
    if not isinstance(found, list):
        raise EditFault(f"`{name}` is no list")
    return found


def shown(name: Any) -> str:
    """A name that a peer chose, fit for a line that people read: escaped, and not too long."""
    text = ascii(name)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + "..."
