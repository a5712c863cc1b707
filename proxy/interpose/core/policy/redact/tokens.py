"""The strings of a message and where its values stand, from its bytes alone. Validates nothing."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import orjson

from interpose.core.policy.redact.engine import Span
from interpose.core.policy.redact.wrapping import unescaped
from interpose.core.wire.message import parse

Path = tuple[str | int, ...]

_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_LEVELS = 4
_FEW = 512  # bytes before the next wanted string: not worth a look for the end of a container
_DEEP = 24  # containers below this level are always gone through: a look ahead costs a pass for each level


class Leaf(NamedTuple):
    """A string, number or literal of a message, or a key: its path and its bytes, quotes included.

    A key has the path of its value.
    """

    path: Path
    start: int
    end: int
    is_key: bool = False


def _inside(levels: int) -> bytes:
    pattern = rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+"
    for _ in range(levels):
        pattern = rb'(?:[^"{}\[\]]++|' + _STRING + rb"|[{\[]" + pattern + rb"[}\]])*+"
    return pattern


_parts = re.compile(_STRING + rb"(?:[ \t\r\n]*+:)?", re.DOTALL)
_token = re.compile(rb"[\s,:\xEF\xBB\xBF]*+(?:(" + _STRING + rb')|([{}\[\]])|([^\s,:\[\]{}"]++))', re.DOTALL).match
_colon = re.compile(rb"\s*+:").match
_inner = re.compile(_inside(_LEVELS), re.DOTALL).match
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode


def is_readable(raw: bytes) -> bool:
    """Would a JSON reader take these bytes, a strict or a lenient one."""
    try:
        _decode_raw(raw)
    except (msgspec.MsgspecError, RecursionError):
        return parse(raw) is not None or raw.strip() == b"null"
    return True


def parts(raw: bytes) -> list[bytes]:
    """All strings in their quotes, in their order, escapes read; keys end in a colon."""
    found = _parts.findall(raw)
    if b"\\" in raw:
        for number, part in enumerate(found):
            if b"\\" in part:
                end = part.rindex(b'"') + 1
                found[number] = b'"' + text(part[:end]) + b'"' + part[end:].lstrip()
    return found


def spans(raw: bytes) -> list[Span]:
    """Where the strings of `parts` stand, quotes and colons included."""
    return [match.span() for match in _parts.finditer(raw)]


def text(quoted: bytes) -> bytes:
    """What a string says, as UTF-8 as far as it is; lone surrogates as three bytes."""
    if b"\\" not in quoted:
        return quoted[1:-1]
    try:
        decoded: str = orjson.loads(quoted)
        return decoded.encode()
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return unescaped(quoted[1:-1]).text


def leaves(raw: bytes, wanted: Sequence[int] | None = None) -> Iterator[Leaf]:
    """The leaves and keys in their order; with `wanted`, ascending, only those that begin there."""
    walk = _Walk(raw, wanted)
    try:
        yield from walk.leaves()
    except IndexError:  # INVARIANT: only bytes that no reader takes end inside a container
        return


class _Walk:
    def __init__(self, raw: bytes, wanted: Sequence[int] | None) -> None:
        self._raw, self._wanted = raw, wanted
        self._next = 0
        self._path: list[str | int] = []

    def leaves(self) -> Iterator[Leaf]:
        raw, path, pos = self._raw, self._path, 0
        while (match := _token(raw, pos)) and not self._is_done():
            start, end = match.span(match.lastindex or 0)
            first, pos = raw[start], end
            if first in b"}]":
                path.pop()
            else:
                self._count()
                colon = _colon(raw, end) if first == 0x22 and path and isinstance(path[-1], str) else None
                if colon:
                    path[-1] = text(raw[start:end]).decode("utf-8", "replace")
                    pos = colon.end()
                if first in b"{[":
                    pos = self._enter(start, end)
                elif self._is_wanted(start):
                    yield Leaf(tuple(path), start, end, colon is not None)

    def _count(self) -> None:
        if self._path and isinstance(self._path[-1], int):
            self._path[-1] += 1

    def _enter(self, start: int, end: int) -> int:
        """Go into a container, or past it when nothing in it is wanted."""
        if self._wanted is not None and len(self._path) < _DEEP and self._wanted[self._next] - start > _FEW:
            past = _past_container(self._raw, start)
            if past <= self._wanted[self._next]:
                return past
        self._path.append("" if self._raw[start] == 0x7B else -1)
        return end

    def _is_wanted(self, start: int) -> bool:
        if self._wanted is None:
            return True
        while self._next < len(self._wanted) and self._wanted[self._next] < start:
            self._next += 1
        if self._is_done() or self._wanted[self._next] != start:
            return False
        self._next += 1
        return True

    def _is_done(self) -> bool:
        return self._wanted is not None and self._next >= len(self._wanted)


def _past_container(raw: bytes, pos: int) -> int:
    depth = 0
    while True:
        depth += 1 if raw[pos] in b"{[" else -1
        pos += 1
        if depth == 0:
            return pos
        match = _inner(raw, pos)
        pos = match.end() if match else pos


def is_number(raw: bytes) -> bool:
    """Is this leaf a number, NaN and infinities included."""
    return raw[:1] in b"-0123456789NI"


def key_text(name: str) -> str:
    """A member's name as it stands in a path expression."""
    return f".{name}" if name.isidentifier() else f"[{json.dumps(name)}]"


def path_text(path: Path) -> str:
    return "$" + "".join(key_text(part) if isinstance(part, str) else f"[{part}]" for part in path)
