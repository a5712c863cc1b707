"""Which pieces of a long text have to be read in another spelling: those around the places that are spelt so.

What stands further off than `_BLOCK` from each of them was read already, in the spelling that it has.
"""

from collections.abc import Iterator

from interpose.core.policy.redact.engine import Expression, Span

_BLOCK = 4096  # more than what any detector finds is long, but for texts without a blank: those are not cut


def pieces(text: bytes, spelling: Expression) -> list[Span]:
    """Where they stand, in order and apart from one another; each ends at blanks."""
    if len(text) <= 2 * _BLOCK:
        return [(0, len(text))]
    found: list[Span] = []
    for block in _blocks(text, spelling):
        start, end = _before(text, block - _BLOCK), _after(text, block + 2 * _BLOCK)
        if found and start <= found[-1][1]:
            start, end = found[-1][0], max(end, found.pop()[1])
        found.append((start, end))
    return found


def _blocks(text: bytes, spelling: Expression) -> Iterator[int]:
    """The blocks that such a place begins in."""
    pos = 0
    while pos < len(text) and (span := spelling.first(text, pos)) is not None:
        block = span[0] - span[0] % _BLOCK
        yield block
        pos = block + _BLOCK


def _before(text: bytes, pos: int) -> int:
    return 0 if pos <= 0 else max(text.rfind(b" ", 0, pos), text.rfind(b"\n", 0, pos)) + 1


def _after(text: bytes, pos: int) -> int:
    if pos >= len(text):
        return len(text)
    ends = [end for end in (text.find(b" ", pos), text.find(b"\n", pos)) if end >= 0]
    return min(ends, default=len(text))
