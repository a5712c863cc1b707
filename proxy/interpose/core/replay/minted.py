"""What peers mint anew in every run: where the protocol has it, and what looks like it anywhere else."""

import json
import re
from collections.abc import Callable
from typing import Any, Literal

from interpose.core.session.ring import Ring

Kind = Literal["task", "cursor", "state", "elicitation", "subscription", "token", "input", "value"]

_PREFIX = "io.modelcontextprotocol/"
_PLACES: dict[Kind, tuple[str, ...]] = {
    "task": (
        "params taskId",
        "result taskId",
        "result task taskId",
        "result tasks * taskId",
        f"params _meta {_PREFIX}related-task taskId",
        f"result _meta {_PREFIX}related-task taskId",
        "params notifications taskIds *",
    ),
    "cursor": ("params cursor", "result nextCursor"),
    "state": ("params requestState", "result requestState"),
    "elicitation": ("params elicitationId", "error data elicitations * elicitationId"),
    "subscription": (f"params _meta {_PREFIX}subscriptionId", f"result _meta {_PREFIX}subscriptionId"),
    "token": ("params progressToken", "params _meta progressToken"),
}
INPUTS = (("result", "inputRequests"), ("params", "inputRequests"), ("params", "inputResponses"))
# Members that hold words of the protocol, or are what they are: no value of theirs is ever anybody's id.
WORDS = frozenset(
    {"jsonrpc", "method", "status", "type", "role", "action", "resultType", "mode", "level", "mimeType"}
    | {"protocolVersion", "stopReason", "cacheScope", "createdAt", "lastUpdatedAt", "inputSchema", "requestedSchema"}
)
_LEAST = 8
MOST = 65_536
_MOST_TEXTS = 64
_LONGEST = 4096
WORD = re.compile(r"[\w-]+")


class Step:
    """Where the places of the protocol's ids lead on to from here."""

    def __init__(self) -> None:
        self.below: dict[str, Step] = {}
        self.kind: Kind | None = None

    def into(self, part: str | int) -> "Step":
        return self.below.get("*" if isinstance(part, int) else part, _NOWHERE)


_NOWHERE = Step()


def _grown() -> Step:
    root = Step()
    for kind, rows in _PLACES.items():
        for row in rows:
            step = root
            for part in row.split():
                step = step.below.setdefault(part, Step())
            step.kind = kind
    return root


ROOT = _grown()


class Map:
    """Values and what to put in their stead, the latest of each; all at once, so that a swap is one."""

    def __init__(self) -> None:
        self._whole: Ring[str, Any] = Ring(MOST)
        self._words: Ring[str, str] = Ring(MOST)
        self._texts: Ring[str, str] = Ring(_MOST_TEXTS)

    def put(self, value: Any, instead: Any) -> None:
        self._whole.put(key_of(value), instead)
        one, other = str(value), str(instead)
        if not is_minted(value) or isinstance(value, float):
            return
        if WORD.fullmatch(one):
            self._words.put(one, other)
        elif len(one) <= _LONGEST:
            self._texts.put(one, other)

    def whole(self, value: Any) -> Any:
        return self._whole.get(key_of(value), value)

    def inside(self, text: str, count: Callable[[str], None]) -> str:
        """The text with what is known in it replaced: whole texts first, then words."""

        def replaced(match: re.Match[str]) -> str:
            found = match[0]
            instead = self._texts.get(found) or self._words.get(found)
            if instead is None:
                return found
            count(found)
            return instead

        if not self._words and not self._texts:
            return text
        longest = sorted((each for each in self._texts if each in text), key=lambda each: (-len(each), each))
        pattern = re.compile("|".join([*map(re.escape, longest), WORD.pattern])) if longest else WORD
        return pattern.sub(replaced, text)


def key_of(value: Any) -> str:
    """A value with its type: `1` and `"1"` are two."""
    return json.dumps(value)


def is_minted(value: Any) -> bool:
    """Whether a value is long enough to be nobody else's by accident."""
    if isinstance(value, str):
        return len(value) >= _LEAST
    return isinstance(value, int | float) and not isinstance(value, bool) and len(str(value)) >= _LEAST


def words_apart(recorded: str, live: str) -> dict[str, str]:
    """Long words at the same place of two texts that are otherwise built alike."""
    if WORD.split(recorded) != WORD.split(live):
        return {}
    pairs = zip(WORD.findall(recorded), WORD.findall(live), strict=True)
    return {one: other for one, other in pairs if one != other and len(one) >= _LEAST}
