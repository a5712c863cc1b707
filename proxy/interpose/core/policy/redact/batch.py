"""Many texts as one, so that one pass finds what is in any of them."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from interpose.core.policy.redact.engine import Span


class Batch:
    """Texts in their quotes, one after the other. A part that ends in `:` is the name of the part after it."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self.parts = parts
        self.joined = b"".join(parts)
        self._known: list[int] | None = None

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> "Batch":
        return cls([b'"' + text + b'"' for text in texts])

    def __len__(self) -> int:
        return len(self.parts)

    def text(self, part: int) -> bytes:
        """A part without its quotes."""
        return self.parts[part][1 : self._size(part) + 1]

    def part_at(self, pos: int) -> int:
        return bisect_right(self._starts(), pos) - 1

    def start(self, part: int) -> int:
        """Where the text of a part begins in the joined one."""
        return self._starts()[part] + 1

    def end(self, part: int) -> int:
        """Where a part ends, its quotes and colon with it."""
        return self._starts()[part] + len(self.parts[part])

    def within(self, span: Span) -> Span | None:
        """The part that holds the whole span, and where the span begins in its text."""
        part = self.part_at(span[0])
        start = span[0] - self.start(part)
        return (part, start) if start >= 0 and start + span[1] - span[0] <= self._size(part) else None

    def _size(self, part: int) -> int:
        return self.parts[part].rindex(b'"') - 1

    def _starts(self) -> list[int]:
        if self._known is None:
            self._known = list(accumulate(map(len, self.parts), initial=0))[:-1]
        return self._known
