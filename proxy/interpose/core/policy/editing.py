"""A message while actions change it: its values, and what a rule's paths refer to."""

from typing import Any

import msgspec

from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting


class EditFault(Exception):
    """An action cannot do what the rule demands on this message."""


class Editing(msgspec.Struct):
    """One message being edited. `body` is the whole message and is changed in place.

    `ask` is the ask that the rule matched, if it was one; `root` is then its params, else the params, result or error
    of the message: what `$` means in the rule's paths. `state` outlives the message: actions that count or remember
    keep it there under their rule's name, bounded.
    """

    body: dict[str, Any]
    sighting: Sighting
    state: dict[str, Any]
    ask: Ask | None = None

    @property
    def root(self) -> Any:
        """What `$` refers to. Raises EditFault when the message has no such place."""
        return self._asked() if self.ask is not None else self.body.get(self.section)

    @property
    def section(self) -> str:
        """`params`, `result` or `error`: the member that holds what the message says."""
        return next((name for name in ("result", "error") if name in self.body), "params")

    def _asked(self) -> Any:
        ask = self.ask
        assert ask is not None
        try:
            if ask.carrier == "request":
                return self.body["params"]
            if ask.carrier == "error":
                entries = self.body["error"]["data"]["elicitations"]
                return next(e for n, e in enumerate(entries) if str(e.get("elicitationId") or n) == ask.key)
            return self.body[self.section]["inputRequests"][ask.key]["params"]
        except (KeyError, TypeError, StopIteration):
            raise EditFault("the ask is not where it should be") from None
