"""What rules do to a message that goes on: one file an action, and this list.

An action gets the message as Python values, to change in place, and says in a few words what it changed; None when it
changed nothing: what it only found stands in `told`. It raises EditFault when it cannot do what it must: then the
message is blocked.

Not in the list: `redact`, which works on bytes, and `limit` and `fault`, which change nothing in a message.
"""

from collections.abc import Callable
from typing import Any

from interpose.core.policy.actions import cap, hide, pin, remove, set, strip
from interpose.core.policy.editing import EditFault, Editing
from interpose.core.session.sighting import Sighting

Edit = Callable[[Any, Editing], str | None]
Concerns = Callable[[Any, Sighting], bool]

EDITS: dict[str, Edit] = {
    "set": set.put,
    "remove": remove.remove,
    "cap": cap.cap,
    "hide": hide.hide,
    "strip": strip.strip,
    "pin": pin.pin,
}
# These pick their messages themselves: whether they may change one at all, without a look into it.
CONCERNS: dict[str, Concerns] = {"hide": hide.concerns, "strip": strip.concerns, "pin": pin.concerns}

__all__ = ["CONCERNS", "EDITS", "Concerns", "Edit", "EditFault", "Editing"]
