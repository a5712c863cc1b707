"""Sign-ins that the client was never shown: the report that one is complete is none of its business.

A server reports a URL elicitation as complete by its id (2025-11-25 §client/elicitation). Where a rule declined,
cancelled or answered it, or cut it out of error -32042, the client would hear of something it never saw.
"""

from collections.abc import Iterable
from typing import Any

from interpose.core.policy.editing import EditFault, carried
from interpose.core.session.asks import Ask
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, parse

COMPLETE = "notifications/elicitation/complete"
_UNSEEN = "sign-ins that the client was not shown"
_ROOM = 4096


def unseen(sighting: Sighting, state: dict[str, Any]) -> str | None:
    """Why a message must not reach the client; None for any other. To be asked before the verdict."""
    if sighting.end != "server" or sighting.kind is not Kind.NOTIFICATION or sighting.method != COMPLETE:
        return None
    rule = _known(state).get(sighting.name or "")
    return None if rule is None else f"the client was never asked: `{rule}` answered in its place"


def shown(
    sighting: Sighting, delivered: bytes | None, refused: Iterable[tuple[Ask, str]], state: dict[str, Any]
) -> None:
    """To be told after the verdict of every message with asks: which of its sign-ins the client gets to see.

    `delivered` is what goes on of the message, None when nothing does; `refused` are the asks that rules refused, each
    with the rule's name.
    """
    by = {ask.key: rule for ask, rule in refused}
    sign_ins = [ask for ask in sighting.asks if ask.state == "open" and ask.elicitation is not None]
    body = parse(delivered) if sign_ins and delivered is not None else None
    known = _known(state)
    for ask in sign_ins:
        if _goes_on(ask, body):
            known.pop(ask.elicitation or "", None)
        else:
            known.put(ask.elicitation or "", by.get(ask.key, next(iter(by.values()), "interpose")))


def _goes_on(ask: Ask, body: Any) -> bool:
    try:
        return body is not None and bool(carried(ask, body))
    except EditFault:
        return False


def _known(state: dict[str, Any]) -> Ring[str, str]:
    found: Ring[str, str] = state.setdefault(_UNSEEN, Ring(_ROOM))
    return found
