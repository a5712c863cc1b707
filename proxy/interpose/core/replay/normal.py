"""What of a message counts when two runs of the same session are compared: everything but what varies by itself.

What that is stands in volatile.py; what else does not count is for the options to say.
"""

import hashlib
from typing import Any

from interpose.core.policy.jsonpath import Location
from interpose.core.protocol import Era
from interpose.core.replay.canonical import canonical
from interpose.core.replay.options import DEFAULT, Options
from interpose.core.replay.scope import Scope, name_of
from interpose.core.replay.volatile import MASK, mask
from interpose.core.wire.message import Message

_SIZE = 12


class Normal:
    """Makes messages comparable, under the options of a replay."""

    def __init__(self, options: Options = DEFAULT) -> None:
        self._ignored = [Scope(text) for text in options.ignore]

    def comparable(self, message: Message, *, method: str | None, era: Era, name: str | None = None) -> Any:
        """The message as a JSON value without what varies by itself.

        `method` and `name` (of the tool, the prompt, the resource) are those of the request that a response answers;
        of other messages the message's own count. What is no JSON object is compared as it is.
        """
        body = message.body()
        if not isinstance(body, dict):
            return message.raw.decode("utf-8", "backslashreplace") if body is None else body
        method = message.method or method
        for scope in self._ignored:
            for location in scope.locations(body, method, name):
                _remove(body, location)
        mask(body, method, era)
        return body

    def digest(self, message: Message, *, method: str | None, era: Era, name: str | None = None) -> bytes:
        """12 bytes, equal for messages with equal comparables."""
        try:
            text = canonical(self.comparable(message, method=method, era=era, name=name))
        except RecursionError:  # pragma: no cover - where a reader goes deeper than a writer
            text = message.raw
        return hashlib.blake2b(text, digest_size=_SIZE).digest()


def _remove(body: dict[str, Any], location: Location) -> None:
    """Take a member out. Items of lists keep their place: only what they are does not count."""
    if not location:
        body.clear()
        return
    value: Any = body  # what an earlier path took out is not there any more
    for part in location[:-1]:
        if isinstance(value, dict):
            value = value.get(part)
        else:
            value = value[part] if isinstance(value, list) and isinstance(part, int) else None
    last = location[-1]
    if isinstance(value, dict):
        value.pop(last, None)
    elif isinstance(value, list) and isinstance(last, int):
        value[last] = MASK


__all__ = ["Normal", "name_of"]
