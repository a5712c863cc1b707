"""An action tried on one message: a rule as a person writes it, a message as a session sees it, what comes of it."""

from typing import Any

from interpose.core.policy.actions import EDITS, EditFault, Editing
from interpose.core.policy.rule import RULE
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting

BLOCKED = "blocked"


def rule(do: str, **keys: Any) -> Any:
    if do not in ("strip", "pin", "hide"):
        keys = {"all": True} | keys if not keys.keys() & {"ask", "tool", "method"} else keys
    return RULE.validate_python({"name": "one", "do": do, **keys})


def attempt(one: Any, seen: Sighting, ask: Ask | None = None, state: Any = None) -> tuple[Any, str | None]:
    """The message after the action, and what the action says it changed or found; BLOCKED when it cannot."""
    editing = Editing(seen.message.body(), seen, {} if state is None else state, ask)
    try:
        words = EDITS[one.do](one, editing)
    except EditFault:
        return BLOCKED, None
    assert words is not None or editing.body == seen.message.body()
    return editing.body, words or editing.told


def changed(one: Any, seen: Sighting, ask: Ask | None = None, state: Any = None) -> Any:
    """What `$` is after the action; BLOCKED, or None where nothing was said to be changed."""
    body, words = attempt(one, seen, ask, state)
    if body == BLOCKED:
        return BLOCKED
    if words is None:
        assert body == seen.message.body()
        return None
    return Editing(body, seen, {}, ask).root
