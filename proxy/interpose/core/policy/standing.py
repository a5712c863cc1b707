"""Rules that pick their messages themselves: what they take away stays away, in lists and in use.

`hide`, `strip` and `pin` edit what is offered and refuse what is used all the same; `limit` counts.
"""

from typing import Any

import msgspec

from interpose.core.policy.actions import CONCERNS
from interpose.core.policy.actions.denial import Denial
from interpose.core.policy.actions.hide import denial as of_hidden
from interpose.core.policy.actions.hide import is_hidden_call
from interpose.core.policy.actions.hide import is_swallowed as swallows_hidden
from interpose.core.policy.actions.limit import exceeded as over_limit
from interpose.core.policy.actions.pin import denial as of_changed
from interpose.core.policy.actions.undeclared import asked_all_the_same
from interpose.core.policy.actions.undeclared import denial as of_stripped
from interpose.core.policy.actions.undeclared import is_swallowed as swallows_stripped
from interpose.core.policy.rule import AnyRule, Hide, Limit, Pin, Strip
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

STANDING = (Hide, Strip, Pin)
_USES = frozenset({"tools/call", "prompts/get", "resources/read"})  # where the name says all that `hide` looks at


class Stand(msgspec.Struct, frozen=True):
    """What a standing rule makes of a message: refuse it, refuse an ask in it, swallow it, or edit it."""

    denial: Denial | None = None
    asks: tuple[tuple[Ask, Denial], ...] = ()
    swallowed: bool = False
    edits: bool = False


def stand(rule: AnyRule, sighting: Sighting, state: dict[str, Any]) -> Stand:
    """What a rule of STANDING makes of a message."""
    edits = rule.do in CONCERNS and CONCERNS[rule.do](rule, sighting)
    match rule:
        case Hide():
            return Stand(of_hidden(rule, sighting), (), swallows_hidden(rule, sighting), edits)
        case Strip():
            put = [ask for ask in sighting.asks if ask.state == "open"] if sighting.end == "server" else []
            found = ((ask, asked_all_the_same(rule, ask)) for ask in put)
            asks = tuple((ask, denial) for ask, denial in found if denial is not None)
            return Stand(of_stripped(rule, sighting), asks, swallows_stripped(rule, sighting), edits)
        case Pin():
            return Stand(of_changed(rule, sighting, state), edits=edits)
    return Stand()


def may_concern(rule: AnyRule, sighting: Sighting) -> bool:
    """Whether a rule could matter to messages of this method, kind and name; False only where it surely does not."""
    if not isinstance(rule, Hide) or sighting.method not in _USES:
        return True
    return sighting.kind is Kind.REQUEST and (sighting.name is None or is_hidden_call(rule, sighting))


def exceeded(
    rule: AnyRule, sighting: Sighting, ask: Ask | None, state: dict[str, Any], would_be: bytes | None = None
) -> str | None:
    """Why a limit is passed by this; None while it is not, and for any other rule. `would_be` as for limits."""
    return over_limit(rule, sighting, ask, state, would_be) if isinstance(rule, Limit) else None
