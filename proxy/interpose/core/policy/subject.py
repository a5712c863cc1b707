"""What a rule is matched against: a message, or an ask in it, or the answer to one. Read no earlier than needed."""

from typing import Any

from interpose.core.events import End
from interpose.core.policy.fault import RuleFault
from interpose.core.session.asks import Ask
from interpose.core.session.reading import Params, read
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, parse

_UNREAD: Any = object()
_KINDS: dict[str, str] = {
    "open": "request",
    "answered": "result",
    "accepted": "result",
    "declined": "result",
    "dismissed": "result",
    "refused": "error",
}
_SECTIONS = {Kind.REQUEST: "params", Kind.NOTIFICATION: "params", Kind.RESULT: "result", Kind.ERROR: "error"}


class Subject:
    """A message as seen, or one of the asks it opens or settles.

    An ask looks the same whatever carries it: `value` is its parameters while it is open, its answer afterwards.
    """

    __slots__ = ("_value", "ask", "sighting")

    def __init__(self, sighting: Sighting, ask: Ask | None = None) -> None:
        self.sighting = sighting
        self.ask = ask
        self._value = _UNREAD

    @property
    def method(self) -> str | None:
        return self.sighting.method if self.ask is None else self.ask.method

    @property
    def kind(self) -> str:
        """`request`, `result`, `error`, `notification`; of an ask, the asking or the answer, empty for neither."""
        ask = self.ask
        if ask is None:
            return self.sighting.kind
        return _KINDS.get(ask.state, "")

    @property
    def end(self) -> End:
        """Who said it."""
        return self.sighting.end

    @property
    def value(self) -> Any:
        """What `$` is in a path. Raises: RuleFault for what cannot be read."""
        if self._value is _UNREAD:
            try:
                self._value = _read(self._raw())
            except RuleFault as fault:
                self._value = fault
        if isinstance(self._value, RuleFault):
            raise self._value
        return self._value

    def _raw(self) -> bytes:
        ask, message = self.ask, self.sighting.message
        if ask is not None and ask.state == "open":
            return ask.params or b"{}"
        if ask is not None and ask.carrier != "request":
            return _answer(message.params, ask.key)
        section = _SECTIONS.get(self.sighting.kind)
        if section is None:
            raise RuleFault("the message cannot be read")
        raw: bytes = getattr(message, section)
        return raw or b"{}"


def _read(raw: bytes) -> Any:
    value = parse(raw)
    if value is None and raw.strip() != b"null":
        raise RuleFault("the message cannot be read")
    return value


def _answer(params: bytes, key: str) -> bytes:
    """One of `inputResponses` (2026-07-28, tasks extension)."""
    answers = read(params, Params).answers or {}
    return bytes(answers.get(key, b"{}"))
