"""From what was found to what is written: one finder for each place, a placeholder for each value."""

from collections.abc import Callable
from dataclasses import dataclass

from interpose.core.policy.redact.pattern import Pattern
from interpose.core.policy.redact.surface import Edit, Hit, Inner, Space, splice

StandIn = Callable[[Pattern, bytes], str]
_INNER_RANK = 100  # what is found as it stands goes before what a text decodes to


@dataclass(frozen=True, slots=True)
class Finding:
    """What was masked: where (a JSON path), who found it, and what stands there now.

    Two are about the message itself: `unreadable`, it is no JSON and was not looked through; `unfinished`, too much is
    wrapped in itself to be read to the end. They have no placeholder, and the caller decides.
    """

    path: str
    detector: str
    placeholder: str


class Masker:
    """Masks one message; `noted` holds what it masked, in order."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        self.noted: list[tuple[str, str]] = []

    def edits(self, space: Space) -> list[Edit]:
        """What to write into a text, in order, none overlapping another."""
        return [(item.start, item.end, self._written(item)) for item in _chosen([*space.hits, *_found_in(space)])]

    def stand_in(self, pattern: Pattern, plain: bytes) -> bytes:
        placeholder = self._stand_in(pattern, plain)
        self.note(pattern, placeholder)
        return placeholder.encode()

    def note(self, pattern: Pattern, placeholder: str) -> None:
        self.noted.append((pattern.detector, placeholder))

    def _written(self, item: Hit | Inner) -> bytes:
        if isinstance(item, Hit):
            return item.literal or self.stand_in(item.pattern, item.plain)
        return item.encode(splice(item.space.text, self.edits(item.space)))


def _found_in(space: Space) -> list[Inner]:
    return [inner for inner in space.inner if not inner.space.is_clean()]


def _chosen(items: list[Hit | Inner]) -> list[Hit | Inner]:
    """Of those that overlap, the best: by rank, then the longest."""
    chosen: list[Hit | Inner] = []
    for item in sorted(items, key=lambda item: (item.start, _worth(item))):
        while chosen and chosen[-1].end > item.start and _worth(item) < _worth(chosen[-1]):
            chosen.pop()
        if not chosen or chosen[-1].end <= item.start:
            chosen.append(item)
    return chosen


def _worth(item: Hit | Inner) -> tuple[int, int]:
    return (item.pattern.rank if isinstance(item, Hit) else _INNER_RANK, item.start - item.end)
