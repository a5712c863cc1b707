"""Finds what the detectors and the patterns of users describe, in many texts at once and in what they spell."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from interpose.core.policy.redact.batch import Batch
from interpose.core.policy.redact.engine import Expression, Span, Spans, Union
from interpose.core.policy.redact.pattern import Pattern
from interpose.core.policy.redact.pieces import pieces
from interpose.core.policy.redact.placeholders import known
from interpose.core.policy.redact.surface import Hit, Space, Surface
from interpose.core.policy.redact.wrapping import BASE64, HEX, REWRITINGS, from_base64, from_hex

_DEPTH = 3
_LARGEST = 64 << 10  # readings together may take this and so many times the size of the texts:
_TIMES = 8  # seven are what three spellings, mixed all through one text, lead to
_NAME = 64  # no longer than that, or a text of nothing but names would take its square
_DECODERS = ((BASE64, from_base64), (HEX, from_hex))
_ANCHOR = re.compile(r"\\[Az]|(?<![\\\[])[\^$]|\(\?[a-zA-Z]*-?[a-zA-Z]*m")


@dataclass(slots=True)
class Scan:
    """What was found, by part. Not `complete`: readings in readings grew too large to be read to the end."""

    spaces: dict[int, Space] = field(default_factory=dict)
    complete: bool = True


class Scanner:
    """Compiled once; keeps nothing of what it reads."""

    def __init__(self, patterns: Sequence[Pattern], custom: Sequence[Pattern] = ()) -> None:
        self._placeholder = Expression(known(custom))
        self._whole_placeholder = re.compile(known(custom).encode())
        self._built_in = [(pattern, Expression(pattern.expression)) for pattern in patterns]
        self._custom = [(pattern, Expression(pattern.expression, utf8=True)) for pattern in custom]
        self._rewritings = [(Expression(expression), read) for expression, read in REWRITINGS]
        self._decoders = [(Expression(expression), read) for expression, read in _DECODERS]
        others = [expression for expression, _ in (*REWRITINGS, *_DECODERS)]
        self._union = Union([*(pattern.hint or pattern.expression for pattern in patterns), *others])
        self._free = [entry for entry in self._custom if not _ANCHOR.search(entry[0].expression)]
        self._bound = [entry for entry in self._custom if _ANCHOR.search(entry[0].expression)]
        self._custom_union = Union([pattern.expression for pattern, _ in self._free], utf8=True)

    def is_plain(self, raw: bytes) -> bool:
        """True when a look at the bytes of a message is enough to see that there is nothing in its strings."""
        return not (b"\\" in raw or self._bound or self._union.matching(raw) or self._custom_union.matching(raw))

    def scan(self, parts: Sequence[bytes]) -> Scan:
        """Look through texts in quotes (see `Batch`) and what they spell."""
        scan = Scan()
        batch, surfaces = Batch(parts), dict[int, Surface]()
        first = surfaces
        read: set[tuple[int, bytes]] = set()
        left = _LARGEST + _TIMES * len(batch.joined)
        for depth in range(_DEPTH + 1):
            found = self._union.matching(batch.joined)
            self._mark(batch, surfaces, found)
            deeper = _unread(self._deeper(batch, surfaces, found), read) if depth < _DEPTH else []
            left -= sum(len(surface.text) for surface in deeper)
            if not deeper or left < 0:
                scan.complete = left >= 0
                break
            batch, surfaces = Batch.of([surface.text for surface in deeper]), dict(enumerate(deeper))
        scan.spaces = {part: surface.space for part, surface in first.items() if not surface.space.is_clean()}
        return scan

    def look(self, text: bytes) -> list[tuple[Pattern, Spans]]:
        """What stands in one text by its shape alone."""
        matches = self._matches(text, self._union.matching(text))
        return self._without_placeholders(text, [match for match in matches if match[0].stands_alone])

    def is_placeholder(self, text: bytes) -> bool:
        return self._whole_placeholder.fullmatch(text) is not None

    def _mark(self, batch: Batch, surfaces: dict[int, Surface], found: list[int]) -> None:
        """Note the hits in a batch with the spaces they lie in."""
        matches = [*self._matches(batch.joined, found), *self._custom_matches(batch)]
        for pattern, spans in self._without_placeholders(batch.joined, matches):
            span = spans[pattern.group]
            where = batch.within(span)
            if where is None:
                continue
            part, start = where
            name_at = batch.part_at(spans[0][0])
            if name_at != part and not pattern.apart:
                continue
            surface = _surface(batch, surfaces, part)
            from_, to = surface.origin(start, start + span[1] - span[0])
            plain = pattern.plain(batch.joined[slice(*span)])
            surface.space.hits.append(Hit(from_, to, pattern, plain, name_at if name_at != part else -1))

    def _matches(self, text: bytes, found: list[int]) -> Iterator[tuple[Pattern, Spans]]:
        for number in found:
            if number < len(self._built_in):
                pattern, expression = self._built_in[number]
                for spans in _checked(pattern, expression, text):
                    yield pattern, spans

    def _custom_matches(self, batch: Batch) -> Iterator[tuple[Pattern, Spans]]:
        """A user's pattern sees one text at a time, for the sake of `^`, `$` and `.`."""
        for number in self._custom_union.matching(batch.joined):
            pattern, expression = self._free[number]
            for part in _touched(batch, expression):
                yield from _in_part(batch, part, pattern, expression)
        for pattern, expression in self._bound:
            for part in range(len(batch)):
                yield from _in_part(batch, part, pattern, expression)

    def _without_placeholders(self, text: bytes, matches: list[tuple[Pattern, Spans]]) -> list[tuple[Pattern, Spans]]:
        if not matches:
            return matches
        taken = [spans[0] for spans in self._placeholder.find(text)]
        return [match for match in matches if not _overlaps(taken, match[1][match[0].group])] if taken else matches

    def _deeper(self, batch: Batch, surfaces: dict[int, Surface], found: list[int]) -> list[Surface]:
        """The other readings of the texts in a batch."""
        deeper: list[Surface] = []
        base = len(self._built_in)
        for number, (expression, rewrite) in enumerate(self._rewritings, base):
            if number in found:
                for part in _touched(batch, expression):
                    surface = _surface(batch, surfaces, part)
                    deeper += [surface.rewritten(rewrite, piece) for piece in pieces(surface.text, expression)]
        for number, (expression, decode) in enumerate(self._decoders, base + len(self._rewritings)):
            if number in found:
                for spans in expression.find(batch.joined):
                    where = batch.within(spans[0])
                    if where:
                        size = spans[0][1] - spans[0][0]
                        surface = _surface(batch, surfaces, where[0])
                        deeper.append(decode(surface, (where[1], where[1] + size)))
        return deeper


def _unread(surfaces: list[Surface], read: set[tuple[int, bytes]]) -> list[Surface]:
    """Without the readings that were had before: most rewritings lead to one text in whatever order they are done."""
    unread = []
    for surface in surfaces:
        reading = (id(surface.space), surface.text)
        if reading not in read:
            read.add(reading)
            unread.append(surface)
    return unread


def _checked(pattern: Pattern, expression: Expression, text: bytes) -> Iterator[Spans]:
    check, pos = pattern.check, 0
    while pos >= 0:
        start, pos = pos, -1
        for spans in expression.find(text, start):
            if check is None or check(text, spans):
                yield spans
                continue
            value = spans[pattern.group]
            if pattern.apart and value[1] - value[0] <= _NAME:
                pos = max(value[0], spans[0][0] + 1)  # what was taken for a value may be a name
                break


def _in_part(batch: Batch, part: int, pattern: Pattern, expression: Expression) -> Iterator[tuple[Pattern, Spans]]:
    start = batch.start(part)
    for spans in expression.find(batch.text(part)):
        group = spans[pattern.group]
        if group[1] > group[0] >= 0:
            yield pattern, tuple((a + start, b + start) for a, b in spans)


def _touched(batch: Batch, expression: Expression) -> Iterator[int]:
    """The parts that a match lies in or reaches into."""
    pos = 0
    while pos < len(batch.joined) and (span := expression.first(batch.joined, pos)) is not None:
        last = batch.part_at(max(span[0], span[1] - 1))
        yield from range(batch.part_at(span[0]), last + 1)
        pos = batch.end(last)


def _surface(batch: Batch, surfaces: dict[int, Surface], part: int) -> Surface:
    if part not in surfaces:
        text = batch.text(part)
        surfaces[part] = Surface(text, Space(text))
    return surfaces[part]


def _overlaps(taken: list[Span], span: Span) -> bool:
    before = bisect_right(taken, (span[1] - 1, span[1] + (1 << 62))) - 1
    return before >= 0 and taken[before][1] > span[0]
