"""RE2, typed: linear in the text whatever the pattern, which is why patterns of users run here and nowhere else.

Texts are bytes. Built-in patterns read them byte for byte, patterns of users as UTF-8.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import re2  # type: ignore[import-untyped]

Span = tuple[int, int]
Spans = tuple[Span, ...]  # the match, then its groups; (-1, -1) for a group that took no part

_MEMORY = 64 << 20  # of one automaton: with too little, RE2 gives up without a word


class RefusedError(ValueError):
    """RE2 does not take a pattern; the text says why."""


class Expression:
    """One compiled pattern."""

    def __init__(self, pattern: str, *, utf8: bool = False) -> None:
        self.pattern = pattern
        try:
            self._compiled: Any = re2.compile(pattern.encode(), _options(utf8))
        except re2.error as refusal:
            raise RefusedError(_reason(refusal)) from None
        self._groups = range(1 + int(self._compiled.groups))

    def find(self, text: bytes, start: int = 0) -> Iterator[Spans]:
        """The matches, from left to right, none overlapping another."""
        groups = self._groups
        for match in self._compiled.finditer(text, start):
            yield tuple(map(match.span, groups))

    def group(self, name: str) -> int:
        """The number of the group of that name; 0, the whole match, when there is none."""
        return int(self._compiled.groupindex.get(name.encode(), 0))

    def first(self, text: bytes, start: int = 0) -> Span | None:
        match = self._compiled.search(text, start)
        return None if match is None else match.span()


class Union:
    """Which of many patterns occur in a text, found in one pass over it."""

    def __init__(self, patterns: Sequence[str], *, utf8: bool = False) -> None:
        self._empty = not patterns
        options = _options(utf8)
        options.never_capture = True
        self._set: Any = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(pattern.encode())
        if patterns:
            self._set.Compile()

    def matching(self, text: bytes) -> list[int]:
        """The numbers of the patterns that occur, ascending."""
        return [] if self._empty else sorted(self._set.Match(text) or ())


def _options(utf8: bool) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    if not utf8:
        options.encoding = re2.Options.Encoding.LATIN1
    return options


def _reason(refusal: Exception) -> str:
    reason = refusal.args[0] if refusal.args else refusal
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
