"""What a user filled in: free text all of it, also where a field is called like a word of the protocol.

An elicitation is answered by a result, or by an entry of `inputResponses`, that has an `action`.
"""

from collections.abc import Sequence

from interpose.core.policy.redact import tokens
from interpose.core.policy.redact.tokens import Path

_ACTION = b'"action"'


class Forms:
    """The filled forms of a message, by its bytes and their `tokens.parts`."""

    def __init__(self, raw: bytes, parts: Sequence[bytes]) -> None:
        named = parts if _ACTION in raw or b"\\u" in raw else ()
        actions = [number for number, part in enumerate(named) if part.startswith(_ACTION) and part[-1:] == b":"]
        self._answers = frozenset(_answers(raw, actions)) if actions else frozenset[Path]()

    def hold(self, path: Path) -> bool:
        """Is this a field of a form, or in one."""
        if not self._answers:
            return False
        size = _answer_size(path)
        way = path[size : size + 2]
        return path[:size] in self._answers and len(way) == 2 and way[0] == "content" and isinstance(way[1], str)


def _answers(raw: bytes, actions: Sequence[int]) -> list[Path]:
    spans = tokens.spans(raw)
    names = tokens.leaves(raw, [spans[part][0] for part in actions])
    return [name.path[:-1] for name in names if 0 < _answer_size(name.path) == len(name.path) - 1]


def _answer_size(path: Path) -> int:
    """How many steps lead to what may be the answer to an elicitation; 0 when the path leads elsewhere."""
    begin = 1 if path and isinstance(path[0], int) else 0  # in a batch
    if path[begin : begin + 1] == ("result",):
        return begin + 1
    return begin + 3 if path[begin : begin + 2] == ("params", "inputResponses") else 0
