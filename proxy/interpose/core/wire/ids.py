"""Where values stand in the bytes of a message, and how to put others in their place.

Not a parser: values stay text and nothing is validated. It exists because a bridge that shares one connection must
change an id and nothing else of a message.
"""

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

Path = tuple[str, ...]
Edit = tuple[int, int, bytes]  # from, to, what stands there instead


class Span(NamedTuple):
    """A value's path and the bytes it takes: `raw[start:end]`."""

    path: Path
    start: int
    end: int


_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_LEVELS = 6  # how deep one match reaches; what is nested deeper costs a step of Python for each bracket


def _inside(levels: int) -> bytes:
    """What stands between two brackets, with that many levels of whole containers in it."""
    pattern = rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+"
    for _ in range(levels):
        pattern = rb'(?:[^"{}\[\]]++|' + _STRING + rb"|[{\[]" + pattern + rb"[}\]])*+"
    return pattern


_blank = re.compile(rb"[ \t\r\n]*+").match
_string = re.compile(_STRING, re.DOTALL).match
_scalar = re.compile(rb"[^\s,:\[\]{}\"]++").match
_inner = re.compile(_inside(_LEVELS), re.DOTALL).match
_BOM = b"\xef\xbb\xbf"


class Finder:
    """Finds the values at certain paths of an object. Paths lead through objects only."""

    def __init__(self, *paths: Path) -> None:
        self._wanted = frozenset(paths)
        self._through = frozenset(path[:length] for path in paths for length in range(1, len(path)))

    def find(self, raw: bytes) -> list[Span]:
        """The spans, in their order; a duplicate member gives several. Empty when `raw` is no object."""
        found: list[Span] = []
        try:
            start = _past_blank(raw, len(_BOM) if raw.startswith(_BOM) else 0)
            if raw[start : start + 1] == b"{":
                self._object(raw, start, (), found)
        except (ValueError, IndexError, RecursionError):
            return []
        return found

    def first(self, raw: bytes) -> dict[Path, bytes]:
        """The bytes of the values, by path. Of duplicates the last, as JSON readers have it."""
        return {path: raw[start:end] for path, start, end in self.find(raw)}

    def _object(self, raw: bytes, pos: int, at: Path, found: list[Span]) -> int:
        pos = _past_blank(raw, pos + 1)
        while raw[pos] != 0x7D:  # }
            end = _past_string(raw, pos)
            path = (*at, _key(raw[pos:end]))
            pos = _past_blank(raw, end)
            if raw[pos] != 0x3A:  # :
                raise ValueError
            start = _past_blank(raw, pos + 1)
            end = self._value(raw, start, path, found)
            if path in self._wanted:
                found.append(Span(path, start, end))
            pos = _past_blank(raw, end)
            if raw[pos] == 0x2C:  # ,
                pos = _past_blank(raw, pos + 1)
        return pos + 1

    def _value(self, raw: bytes, pos: int, path: Path, found: list[Span]) -> int:
        first = raw[pos]
        if first == 0x7B and path in self._through:
            return self._object(raw, pos, path, found)
        if first in b"{[":
            return _past_container(raw, pos)
        if first == 0x22:
            return _past_string(raw, pos)
        match = _scalar(raw, pos)
        if match is None:
            raise ValueError
        return match.end()


def splice(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with some pieces replaced; edits must not overlap."""
    view = memoryview(raw)
    pieces: list[bytes | memoryview] = []
    done = 0
    for start, end, new in sorted(edits):
        pieces += (view[done:start], new)
        done = end
    pieces.append(view[done:])
    return b"".join(pieces)


def _key(text: bytes) -> str:
    if b"\\" not in text:
        return text[1:-1].decode("utf-8", "replace")
    return str(json.loads(text.decode("utf-8", "replace"), strict=False))


def _past_blank(raw: bytes, pos: int) -> int:
    match = _blank(raw, pos)
    return match.end() if match else pos


def _past_string(raw: bytes, pos: int) -> int:
    match = _string(raw, pos)
    if match is None:
        raise ValueError
    return match.end()


def _past_container(raw: bytes, pos: int) -> int:
    depth = 0
    while True:
        depth += 1 if raw[pos] in b"{[" else -1
        pos += 1
        if depth == 0:
            return pos
        match = _inner(raw, pos)
        pos = match.end() if match else pos
        if raw[pos] not in b"{}[]":
            raise ValueError
