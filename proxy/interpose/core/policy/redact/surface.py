"""A text to scan, and where its bytes come from: as it stands, rewritten, or decoded out of another text."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from interpose.core.policy.redact.engine import Span
from interpose.core.policy.redact.pattern import Pattern

Edit = tuple[int, int, bytes]  # from, to, what stands there instead
Encode = Callable[[bytes], bytes]

_CHAPTER = 4096
_even = re.compile(rb"[A-Za-z ]{12}").search  # longer than any escape: none reaches over the end of it


@dataclass(slots=True)
class Hit:
    """A piece of a space to mask.

    `plain` is the value it spells; `name_at` the part that names it, if not its own; `literal` what to write whatever
    the value.
    """

    start: int
    end: int
    pattern: Pattern
    plain: bytes
    name_at: int = -1
    literal: bytes = b""


@dataclass(slots=True)
class Space:
    """A text that is edited as a whole: a string of the message, or what one decodes to."""

    text: bytes
    hits: list[Hit] = field(default_factory=list)
    inner: list["Inner"] = field(default_factory=list)

    def is_clean(self) -> bool:
        return not self.hits and all(inner.space.is_clean() for inner in self.inner)


@dataclass(slots=True)
class Inner:
    """A space that is spelled in another, in `[start:end]` of it."""

    start: int
    end: int
    space: Space
    encode: Encode


class Rewriting:
    """A text with pieces of another spelling, and the way back to the first, which is made where it is asked for."""

    __slots__ = ("_first", "_known", "_news", "_olds", "_pattern", "_spell", "text")

    def __init__(
        self, text: bytes, pattern: re.Pattern[bytes], spell: Encode, read: Callable[[bytes], bytes] | None = None
    ) -> None:
        self._first, self._pattern, self._spell = text, pattern, spell
        self._known: dict[int, tuple[list[Span], list[Span]]] = {}  # the pieces of chapters, new and old
        self._olds = [0, *_ends(text)]  # where the chapters begin in the first text,
        read = read or (lambda part: pattern.sub(lambda match: spell(match.group()), part))
        chapters = [read(text[start:end]) for start, end in pairwise((*self._olds, len(text)))]
        self._news = list(accumulate(map(len, chapters), initial=0))[:-1]  # and in the new one
        self.text = b"".join(chapters)

    def origin(self, start: int, end: int) -> Span:
        """What `text[start:end]` was made from; a piece of another spelling is never divided."""
        return self._origin(start)[0], self._origin(max(start, end - 1))[1]

    def _origin(self, pos: int) -> Span:
        chapter = bisect_right(self._news, pos) - 1
        begin = self._olds[chapter]
        news, olds = self._pieces(chapter)
        pos -= self._news[chapter]
        piece = bisect_right(news, (pos, len(self.text) + 1)) - 1
        if piece < 0:
            return begin + pos, begin + pos + 1
        new, old = news[piece], olds[piece]
        if pos < new[1]:
            return begin + old[0], begin + old[1]
        there = begin + old[1] + pos - new[1]
        return there, there + 1

    def _pieces(self, chapter: int) -> tuple[list[Span], list[Span]]:
        """Where the pieces of a chapter stand in it, new and old."""
        if chapter not in self._known:
            news, olds = list[Span](), list[Span]()
            done = size = 0
            start, end = (*self._olds, len(self._first))[chapter : chapter + 2]
            text = self._first[start:end]
            for match in self._pattern.finditer(text):
                start, end = match.span()
                size += start - done
                after = size + len(self._spell(match.group()))
                news.append((size, after))
                olds.append((start, end))
                size, done = after, end
            self._known[chapter] = news, olds
        return self._known[chapter]


def _ends(text: bytes) -> Iterator[int]:
    """Where chapters end: where no piece does, which is far from what is odd."""
    pos = _CHAPTER
    while pos < len(text) and (match := _even(text, pos)) is not None:
        yield match.end()
        pos = match.end() + _CHAPTER


class Excerpt:
    """A piece of a text, and the way back to the whole."""

    __slots__ = ("_start",)

    def __init__(self, start: int) -> None:
        self._start = start

    def origin(self, start: int, end: int) -> Span:
        return self._start + start, self._start + end


@dataclass(slots=True)
class Surface:
    """A reading of a space, or of a piece of it. `way` leads back to the space's own bytes, step by step."""

    text: bytes
    space: Space
    way: tuple[Rewriting | Excerpt, ...] = ()

    def origin(self, start: int, end: int) -> Span:
        for step in reversed(self.way):
            start, end = step.origin(start, end)
        return start, end

    def rewritten(self, rewrite: Callable[[bytes], Rewriting], piece: Span) -> "Surface":
        """What a piece of it reads like in another spelling."""
        start, end = piece
        way: tuple[Rewriting | Excerpt, ...] = self.way if not start else (*self.way, Excerpt(start))
        rewriting = rewrite(self.text[start:end])
        return Surface(rewriting.text, self.space, (*way, rewriting))


def splice(text: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with some pieces replaced; edits come in order and do not overlap."""
    pieces: list[bytes] = []
    done = 0
    for start, end, new in edits:
        pieces += (text[done:start], new)
        done = end
    pieces.append(text[done:])
    return b"".join(pieces)
