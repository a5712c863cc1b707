"""What a user chose to hide by its place: JSON paths, and names of members wherever they are.

Paths are the part of RFC 9535 that names places: `$.a.b`, `['a']`, `[0]`, `[*]`, `.*`, `..a`; `$` is the message, in a
batch each of its messages. What lies below a chosen place is chosen too. Names of members are compared without regard
to case, `-` and `_`, and as a whole: `token` is not `maxTokens`.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from interpose.core.policy.redact.detectors import BY_KEY, BY_PATH, PatternError
from interpose.core.policy.redact.pattern import Pattern
from interpose.core.policy.redact.tokens import Path
from interpose.core.policy.redact.zones import is_member

_STEP = re.compile(
    r"(?P<deep>\.\.)?(?:(?(deep)|\.)(?P<name>[^\s.\[\]'\"*$]+|\*)"
    r"|\[(?:(?P<index>\d+)|(?P<any>\*)|'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\")\])"
)
_SPACING = re.compile(r"[-_ ]")


class _Step(NamedTuple):
    part: str | int | None  # None takes any
    deep: bool

    def takes(self, part: str | int) -> bool:
        return self.part is None or (self.part == part and type(self.part) is type(part))


class Choice:
    """Raises: PatternError for a path that cannot be read or a name that is empty."""

    def __init__(self, paths: Sequence[str], keys: Sequence[str]) -> None:
        self._paths = [_steps(path) for path in paths]
        self._keys = frozenset(map(_plain_key, keys))
        names = "|".join("[-_ ]?".join(map(re.escape, key)) for key in sorted(self._keys))
        self._key_spelled = re.compile(rf'"(?:{names})\\*"'.encode(), re.IGNORECASE) if keys else None
        self._words = [
            [f'"{step.part}"'.encode() for step in steps if isinstance(step.part, str)] for steps in self._paths
        ]

    def may_choose(self, raw: bytes) -> bool:
        """False when there is surely nothing of it in a message."""
        if not self._paths and not self._keys:
            return False
        return (
            b"\\u" in raw
            or any(all(word in raw for word in words) for words in self._words)
            or self.may_choose_key(raw)
        )

    def may_choose_key(self, text: bytes) -> bool:
        return self._key_spelled is not None and self._key_spelled.search(text) is not None

    def chooses(self, path: Path) -> Pattern | None:
        """Which kind of choice, if any, a leaf of a message falls under."""
        own = path[1:] if path and isinstance(path[0], int) else path
        if any(_leads(steps, own) for steps in self._paths):
            return BY_PATH
        return BY_KEY if self._keys and self._names(own, declared=True) else None

    def names(self, path: Path) -> bool:
        """Does a leaf of some data lie under a member of a chosen name."""
        return self._names(path, declared=False)

    def _names(self, path: Path, declared: bool) -> bool:
        return any(
            isinstance(part, str)
            and _SPACING.sub("", part).lower() in self._keys
            and (not declared or is_member(path[: number + 1]))
            for number, part in enumerate(path)
        )


def _plain_key(key: str) -> str:
    plain = _SPACING.sub("", key).lower()
    if not plain:
        raise PatternError(f"key `{key}`", "a name of a member is needed")
    return plain


def _steps(path: str) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    pos = 1
    while path.startswith("$") and (match := _STEP.match(path, pos)):
        steps.append(_Step(_part(match), match["deep"] is not None))
        pos = match.end()
    if not steps or pos != len(path):
        rest = f"; `{path[pos:]}` was not understood" if path.startswith("$") and steps else ""
        raise PatternError(f"path `{path}`", f"write it like `$.params.arguments.user[0]['e-mail']`, `$..token`{rest}")
    return tuple(steps)


def _part(match: re.Match[str]) -> str | int | None:
    if match["index"] is not None:
        return int(match["index"])
    quoted = match["single"] if match["single"] is not None else match["double"]
    if quoted is not None:
        return quoted
    return None if match["any"] or match["name"] == "*" else match["name"]


def _leads(steps: tuple[_Step, ...], path: Path) -> bool:
    """Do these steps lead to a leaf or to something it is in."""
    reached = {0}
    for part in path:
        following: set[int] = set()
        for number in reached:
            step = steps[number]
            if step.takes(part):
                following.add(number + 1)
            if step.deep:
                following.add(number)
        if len(steps) in following:
            return True
        reached = following
    return False
