"""A message while actions change it: its values, and what a rule's paths refer to."""

from typing import Any

import msgspec

from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting


class EditFault(Exception):
    """An action cannot do what the rule demands on this message."""


class Editing(msgspec.Struct):
    """One message being edited. `body` is the whole message and is changed in place.

    `ask` is the ask that the rule matched, if it was one; `root` is then its params, or its answer once it has one,
    else the params, result or error of the message: what `$` means in the rule's paths. `told` is what an action
    found and left as it is. `state` outlives the message: actions that count or remember keep it there under their
    rule's identity, bounded.
    """

    body: dict[str, Any]
    sighting: Sighting
    state: dict[str, Any]
    ask: Ask | None = None
    told: str | None = None

    @property
    def root(self) -> Any:
        """What `$` refers to. Raises EditFault when the message has no such place."""
        if self.ask is None:
            return self.body.get(self.section)
        try:
            return carried(self.ask, self.body)["params"] if self.ask.state == "open" else self._answer(self.ask)
        except (KeyError, TypeError):
            raise EditFault("the ask is not where it should be") from None

    @property
    def section(self) -> str:
        """`params`, `result` or `error`: the member that holds what the message says."""
        return next((name for name in ("result", "error") if name in self.body), "params")

    @property
    def creates(self) -> bool:
        """Whether what `$` refers to is asked for, so that members may be added; answers get none."""
        return self.section == "params" if self.ask is None else self.ask.state == "open"

    def _answer(self, ask: Ask) -> Any:
        if ask.carrier == "request":
            return self.body["result" if "result" in self.body else "error"]
        return self.body["params"]["inputResponses"][ask.key]


def carried(ask: Ask, body: dict[str, Any]) -> dict[str, Any]:
    """The part of a message that asks: the request, an input request, an entry of error -32042. Raises: EditFault."""
    try:
        if ask.carrier == "error":
            entries = body["error"]["data"]["elicitations"]
            entry = next(e for n, e in enumerate(entries) if str(e.get("elicitationId") or n) == ask.key)
            return {"params": entry}
        section = body["result"] if "result" in body else body["params"] if ask.carrier == "task" else body
        entry = body if ask.carrier == "request" and "method" in body else section["inputRequests"][ask.key]
    except (KeyError, TypeError, AttributeError, StopIteration):
        raise EditFault("the ask is not where it should be") from None
    if not isinstance(entry, dict):
        raise EditFault("the ask is not where it should be")
    return entry
