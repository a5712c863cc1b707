"""Secrets cut in two by the border between text blocks: the blocks of one array are read on as one text.

Only what its shape alone gives away is looked for there: blocks are whole texts as a rule, and the end of one with the
beginning of the next makes many a thing that nobody wrote.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from interpose.core.policy.redact.engine import Span
from interpose.core.policy.redact.likeness import is_random
from interpose.core.policy.redact.scanner import Scanner
from interpose.core.policy.redact.surface import Hit, Space
from interpose.core.policy.redact.tokens import Path

_WINDOW = 4096  # how much of a long block is read on both of its sides
_NEAR = 512  # how much of a block is read with its follower alone
_text_member = re.compile(rb'"text"\s*:')
_LEFTOVER = 12  # a random remainder of that length is masked though its first part was found by itself


@dataclass(frozen=True, slots=True)
class Crossing:
    """Something that lies in several parts, all of which must be neighbours in one array."""

    parts: tuple[int, ...]
    hits: tuple[tuple[int, Hit], ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    part: int
    offset: int

    def cut(self, span: Span) -> Span:
        """Where in its block the span is, as far as it is in this piece."""
        start, end = max(self.start, span[0]), min(self.end, span[1])
        return start - self.start + self.offset, end - self.start + self.offset


def has_blocks(raw: bytes) -> bool:
    """Are there two texts that could be one."""
    return len(_text_member.findall(raw)) > 1


def text_blocks(parts: Sequence[bytes]) -> list[int]:
    """The parts that are values of members `text`."""
    names = (number for number, part in enumerate(parts) if part[:6] == b'"text"' and part[-1:] == b":")
    return [name + 1 for name in names if name + 1 < len(parts) and parts[name + 1][-1:] != b":"]


def crossings(parts: Sequence[bytes], spaces: Mapping[int, Space], scanner: Scanner) -> list[Crossing]:
    """What is seen only when the text blocks of a message are read on into the next."""
    seams = _seams(parts, text_blocks(parts))
    found: list[Crossing] = []
    for pattern, spans in scanner.look(seams.text()):
        span = spans[pattern.group]
        met = seams.met(span)
        if len({piece.part for piece in met}) > 1:
            plain = pattern.plain(seams.text()[slice(*span)])
            left = _leftover(parts, spaces, [(piece.part, Hit(*piece.cut(span), pattern, plain)) for piece in met])
            if left:
                found.append(Crossing(tuple(dict.fromkeys(piece.part for piece in met)), left))
    return found


def are_neighbours(paths: Sequence[Path]) -> bool:
    """Do texts stand in blocks that follow one another in one array."""
    return all(
        len(one) == len(two) > 1
        and one[:-2] == two[:-2]
        and isinstance(one[-2], int)
        and isinstance(two[-2], int)
        and one[-2] + 1 == two[-2]
        for one, two in pairwise(paths)
    )


class _Seams:
    """Ends and beginnings of blocks, one after the other."""

    def __init__(self) -> None:
        self._texts: list[bytes] = []
        self._pieces: list[_Piece] = []
        self._starts: list[int] = []
        self._size = 0
        self._joined = b""

    def add(self, part: int, text: bytes, offset: int = 0) -> None:
        if text:
            self._pieces.append(_Piece(self._size, self._size + len(text), part, offset))
            self._starts.append(self._size)
            self._texts.append(text)
            self._size += len(text)

    def stop(self) -> None:
        """What comes next is not read on."""
        self._texts.append(b'"')
        self._size += 1

    def text(self) -> bytes:
        if len(self._joined) != self._size:
            self._joined = b"".join(self._texts)
        return self._joined

    def met(self, span: Span) -> list[_Piece]:
        """The pieces that a span of the text touches."""
        first = max(0, bisect_right(self._starts, span[0]) - 1)
        last = bisect_right(self._starts, span[1] - 1)
        return [piece for piece in self._pieces[first:last] if piece.end > span[0]]


def _seams(parts: Sequence[bytes], blocks: list[int]) -> _Seams:
    """All blocks in a row, and each with its follower alone: a third may begin with what would belong to a secret."""
    seams = _Seams()
    for part in blocks:
        text = parts[part][1:-1]
        if len(text) <= 2 * _WINDOW:
            seams.add(part, text)
            continue
        seams.add(part, text[:_WINDOW])
        seams.stop()
        seams.add(part, text[-_WINDOW:], len(text) - _WINDOW)
    for one, two in pairwise(blocks) if len(blocks) > 2 else ():
        text = parts[one][1:-1]
        seams.stop()
        seams.add(one, text[-_NEAR:], max(0, len(text) - _NEAR))
        seams.add(two, parts[two][1 : min(len(parts[two]) - 1, 1 + _NEAR)])
    return seams


def _leftover(
    parts: Sequence[bytes], spaces: Mapping[int, Space], hits: list[tuple[int, Hit]]
) -> tuple[tuple[int, Hit], ...]:
    """Without what was found in its own block; then of the rest only what looks random: the others are words."""
    free = [(part, hit) for part, hit in hits if not _is_found(spaces.get(part), hit)]
    if len(free) == len(hits):
        return tuple(free)
    return tuple(
        (part, hit)
        for part, hit in free
        if hit.pattern.kind == "secret"
        and hit.end - hit.start >= _LEFTOVER
        and is_random(parts[part][1 + hit.start : 1 + hit.end])
    )


def _is_found(space: Space | None, hit: Hit) -> bool:
    return space is not None and any(other.start < hit.end and hit.start < other.end for other in space.hits)
