"""A text to scan, and where its bytes come from: as it stands, rewritten, or decoded out of another text."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from interpose.core.policy.redact.engine import Span
from interpose.core.policy.redact.pattern import Pattern

Edit = tuple[int, int, bytes]  # from, to, what stands there instead
Encode = Callable[[bytes], bytes]


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
    """A text with pieces of another spelling, and the way back to the first."""

    __slots__ = ("_news", "_olds", "text")

    def __init__(self, text: bytes, edits: Iterable[Edit]) -> None:
        pieces: list[bytes] = []
        self._news: list[Span] = []
        self._olds: list[Span] = []
        done = size = 0
        for start, end, new in edits:
            pieces += (text[done:start], new)
            size += start - done
            self._news.append((size, size + len(new)))
            self._olds.append((start, end))
            size += len(new)
            done = end
        pieces.append(text[done:])
        self.text = b"".join(pieces)

    def origin(self, start: int, end: int) -> Span:
        """What `text[start:end]` was made from; a piece of another spelling is never divided."""
        return self._origin(start)[0], self._origin(max(start, end - 1))[1]

    def _origin(self, pos: int) -> Span:
        piece = bisect_right(self._news, (pos, len(self.text) + 1)) - 1
        if piece < 0:
            return pos, pos + 1
        new, old = self._news[piece], self._olds[piece]
        if pos < new[1]:
            return old
        there = old[1] + pos - new[1]
        return there, there + 1


@dataclass(slots=True)
class Surface:
    """A reading of a space. `way` leads back to the space's own bytes, one rewriting after the other."""

    text: bytes
    space: Space
    way: tuple[Rewriting, ...] = ()

    def origin(self, start: int, end: int) -> Span:
        for rewriting in reversed(self.way):
            start, end = rewriting.origin(start, end)
        return start, end

    def rewritten(self, rewriting: Rewriting) -> "Surface":
        return Surface(rewriting.text, self.space, (*self.way, rewriting))


def splice(text: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with some pieces replaced; edits come in order and do not overlap."""
    pieces: list[bytes] = []
    done = 0
    for start, end, new in edits:
        pieces += (text[done:start], new)
        done = end
    pieces.append(text[done:])
    return b"".join(pieces)
