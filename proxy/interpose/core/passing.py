"""What passes under a policy without a look at the session: a plain call, and its plain answer, that no rule is about.

Most of what is said is neither blocked nor changed. Who follows it late (`session/lagging.py`) and asks only whether a
rule could be about it at all, is done with it in half the time.
"""

from typing import Any

from interpose.core.events import Received
from interpose.core.policy.engine import Engine
from interpose.core.session.lagging import Lagging
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

    def lets(self, seq: int, event: Received, message: Message, value: dict[str, Any]) -> bool:
        """Whether the message of an event is let pass. What passes is followed, sooner or later.

        `value` are its params or result.
        """
        lagging = self._lagging
        if self._turn != lagging.turn:  # nothing that counts here changes unless the session catches up first
            self._turn = lagging.turn
            self._pauses = self._engine.needs_all(lagging.opening)
        if self._pauses:
            return False
        if event.end == "server":
            call = lagging.call_of(event.channel, message) if message.kind is _RESULT else None
            if call is None or self._engine.has_a_say((call[0], _RESULT, "server", False, call[1]), value):
                return False
            return lagging.takes(seq, event, message, None, value)
        method = message.method or ""
        name = value.get(_NAMED[method]) if method in _NAMED else None
        if message.kind is not _REQUEST or not (name is None or type(name) is str):
            return False
        if self._engine.has_a_say((method, _REQUEST, "client", False, name), value):
            return False
        return lagging.takes(seq, event, message, name, value)
