"""What passes under a policy without a look at the session: a plain call, and its plain answer, that no rule is about.

Most of what is said is neither blocked nor changed. Who follows it late (`session/lagging.py`) and asks only whether a
rule could be about it at all, is done with it in half the time.
"""

from collections.abc import Sequence
from typing import Any

from interpose.core.events import End, Received
from interpose.core.policy.engine import Engine
from interpose.core.policy.rules import Key
from interpose.core.policy.shortlist import calls_for_a_look
from interpose.core.session.lagging import Lagging
from interpose.core.session.unfollowed import About
from interpose.core.wire.gate_lines import Everyday
from interpose.core.wire.message import Kind, Message

_NAMED = {"prompts/get": "name", "resources/read": "uri", "tools/call": "name"}
_REQUEST, _RESULT = Kind.REQUEST, Kind.RESULT


class Passing:
    """Of one session. INVARIANT: the verdict on what passes here would have been PASS."""

    def __init__(self, engine: Engine, lagging: Lagging) -> None:
        self._engine = engine
        self._lagging = lagging
        self._turn = -1
        self._pauses = False

    @property
    def pauses(self) -> bool:
        """Whether nothing is let pass here for now."""
        if self._turn != self._lagging.turn:  # nothing that counts here changes unless the session catches up first
            self._turn = self._lagging.turn
            self._pauses = self._engine.needs_all(self._lagging.opening)
        return self._pauses

    def lets(self, seq: int, event: Received, message: Message, value: dict[str, Any]) -> bool:
        """Whether the message of an event is let pass. What passes is followed, sooner or later.

        `value` are its params or result.
        """
        if self.pauses:
            return False
        lagging = self._lagging
        if event.end == "server":
            call = lagging.call_of(event.channel, message) if message.kind is _RESULT else None
            if call is None or self._has_a_say((call[0], _RESULT, "server", False, call[1]), value):
                return False
            return lagging.takes(seq, event, message, None, value)
        method = message.method or ""
        name = value.get(_NAMED[method]) if method in _NAMED else None
        if message.kind is not _REQUEST or not (name is None or type(name) is str):
            return False
        if self._has_a_say((method, _REQUEST, "client", False, name), value):
            return False
        return lagging.takes(seq, event, message, name, value)

    def lets_lines(self, seq: int, at: float, lines: Sequence[bytes], seen: Everyday) -> bool:
        """Whether lines that came together on stdio, numbered from `seq`, are all let pass; else none of them is."""
        if seen.methods:
            about = list(map(_about, seen.methods, seen.values))
            say = self._have_a_say(_REQUEST, "client", about, seen.values)
        else:
            about = self._lagging.calls_of(seen.ids) or []
            say = not about or self._have_a_say(_RESULT, "server", about, seen.values)
        return not say and self._lagging.takes_lines(seq, at, lines, seen, about)

    def _has_a_say(self, kind: Key, value: dict[str, Any]) -> bool:
        """Whether a rule could be about a message of this kind with these params or result."""
        watched = self._engine.rules.watched(kind)
        return watched is None or calls_for_a_look(watched, (value,))

    def _have_a_say(self, kind: Kind, end: End, about: Sequence[About], values: Sequence[dict[str, Any]]) -> bool:
        """Whether one could be about any of these messages."""
        distinct = set(about)
        for each in distinct:
            watched = self._engine.rules.watched((each[0], kind, end, False, each[1]))
            if watched is None:
                return True
            if watched:
                one = len(distinct) == 1
                those = values if one else [value for of, value in zip(about, values, strict=True) if of == each]
                if calls_for_a_look(watched, those):
                    return True
        return False


def _about(method: str, params: dict[str, Any]) -> About:
    name = params.get(_NAMED[method]) if method in _NAMED else None
    return method, name
