"""What a rule is matched against: a message, or an ask in it, or the answer to one. Read no earlier than needed."""

from typing import Any

from interpose.core.events import End
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.jsonpath import Path
from interpose.core.session.asks import Ask
from interpose.core.session.reading import Params, read
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, parse

_KINDS: dict[str, str] = {
    "open": "request",
    "answered": "result",
    "accepted": "result",
    "declined": "result",
    "dismissed": "result",
    "refused": "error",
}
_REQUEST, _NOTIFICATION, _RESULT, _ERROR = Kind.REQUEST, Kind.NOTIFICATION, Kind.RESULT, Kind.ERROR
_UNREAD: Any = object()


class Subject:
    """A message as seen, or one of the asks it opens or settles.

    An ask looks the same whatever carries it: `value` is its parameters while it is open, its answer afterwards. Who
    has read it already gives it.
    """

    __slots__ = ("_doubt", "_found", "_value", "ask", "end", "kind", "method", "sighting")

    def __init__(self, sighting: Sighting, ask: Ask | None = None, value: dict[str, Any] | None = None) -> None:
        self.sighting = sighting
        self.ask = ask
        self.end: End = sighting.end  # who said it
        self.method: str | None = sighting.method if ask is None else ask.method
        self.kind: str = sighting.kind if ask is None else _KINDS.get(ask.state, "")  # the asking, the answer, neither
        self._value: Any = _UNREAD if value is None else value
        self._doubt: RuleFault | None = None
        self._found: dict[str, list[Any] | RuleFault] | None = None

    @property
    def value(self) -> Any:
        """What `$` is in a path. Raises: RuleFault for what cannot be read."""
        if self._value is _UNREAD:
            if self._doubt is None:
                try:
                    self._value = _read(self._raw())
                except RuleFault as fault:
                    self._doubt = fault
            if self._doubt is not None:
                raise self._doubt
        return self._value

    def values(self, path: Path) -> list[Any]:
        """What a path leads to; one that has to search does so once. Raises: RuleFault, also for too many values."""
        if path.singular:
            return path.values(self.value)
        found = self._found = self._found or {}
        if path.text not in found:
            try:
                found[path.text] = path.values(self.value)
            except RuleFault as fault:
                found[path.text] = fault
        values = found[path.text]
        if isinstance(values, RuleFault):
            raise values
        return values

    def _raw(self) -> bytes:
        ask, message = self.ask, self.sighting.message
        if ask is not None and ask.state == "open":
            return ask.params or b"{}"
        if ask is not None and ask.carrier != "request":
            return _answer(message.params, ask.key)
        kind = self.sighting.kind
        if kind is _RESULT:
            return message.result or b"{}"
        if kind is _ERROR:
            return message.error or b"{}"
        if kind is _REQUEST or kind is _NOTIFICATION:
            return message.params or b"{}"
        raise RuleFault("the message cannot be read")


def _read(raw: bytes) -> Any:
    value = parse(raw)
    if value is None and raw.strip() != b"null":
        raise RuleFault("the message cannot be read")
    return value


def _answer(params: bytes, key: str) -> bytes:
    """One of `inputResponses` (2026-07-28, tasks extension)."""
    answers = read(params, Params).answers or {}
    return bytes(answers.get(key, b"{}"))
