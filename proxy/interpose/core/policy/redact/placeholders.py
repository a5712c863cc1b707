"""What stands in the place of a value: the same for the same value, all through a session, in both directions."""

import re
from collections.abc import Callable, Iterable

from interpose.core.policy.redact.detectors import BY_KEY, DETECTORS
from interpose.core.policy.redact.pattern import Pattern

Digest = Callable[[bytes], bytes]


class Placeholders:
    """The placeholders of one session.

    Values are kept as digests only. The digest is the caller's and should be keyed, or whoever gets hold of the table
    can try values against it.
    """

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self._given: dict[bytes, str] = {}
        self._counts: dict[str, int] = {}

    def stand_in(self, pattern: Pattern, plain: bytes) -> str:
        """What stands for a value; its first finder names it."""
        digest = self._digest(plain)
        given = self._given.get(digest)
        if given is None:
            name = f"{pattern.kind}:{pattern.label}"
            number = self._counts[name] = self._counts.get(name, 0) + 1
            given = self._given[digest] = f"[{name}-{number}]"
        return given


def known(patterns: Iterable[Pattern]) -> str:
    """An expression for the placeholders of these patterns and of all built-in ones, of this session or another.

    The labels are spelled out and the numbers short: nothing else passes for a placeholder.
    """
    built_in = (pattern for patterns in DETECTORS.values() for pattern in patterns)
    names = {f"{pattern.kind}:{pattern.label}" for pattern in (*patterns, *built_in, BY_KEY)}
    return rf"\[(?:{'|'.join(map(re.escape, sorted(names)))})-[0-9]{{1,7}}\]"
