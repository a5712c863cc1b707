"""Removes what stands at a path; what is not there is fine.

do = "remove"
path = "$.tools"
ask = "sampling"
"""

from interpose.core.policy.actions.place import holder, nodes
from interpose.core.policy.editing import Editing
from interpose.core.policy.rule import Remove


def remove(rule: Remove, editing: Editing) -> str | None:
    found = nodes(rule.path, editing.root)
    # The last item first, and what is inside before what it is in: places found earlier stay where they are.
    for location, _ in sorted(found, key=lambda node: _order(node[0]), reverse=True):
        del holder(editing.root, location)[location[-1]]
    if not found:
        return None
    return f"removed {rule.path}" if len(found) == 1 else f"removed {len(found)} values at {rule.path}"


def _order(location: tuple[str | int, ...]) -> tuple[tuple[int, str], ...]:
    return tuple((step, "") if isinstance(step, int) else (-1, step) for step in location)
