"""JSONPath (RFC 9535), compiled once: every selector but filters, which conditions and `when` are for.

Results are capped in number: a path must not make work out of a message that is built to.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from interpose.core.policy.fault import RuleFault

Location = tuple[str | int, ...]
Node = tuple[Location, Any]
_Select = Callable[[Node], Iterator[Node]]

MOST_VALUES = 10_000
MOST_VISITED = 200_000
_LARGEST = 2**53 - 1

_BEYOND = r"(?![\ud800-\udfff])[^\x00-\x7f]"  # as ranges of a class with letters, it takes 7 ms to compile
_NAME = re.compile(rf"(?:[A-Za-z_]|{_BEYOND})(?:[0-9A-Za-z_]|{_BEYOND})*")
_INT = r"-?[1-9][0-9]*|0"
_BLANK = re.compile(r"[ \t\n\r]*")
_SELECTOR = re.compile(
    rf"""(?P<text>'(?:[^'\\\x00-\x1f]|\\.)*'|"(?:[^"\\\x00-\x1f]|\\.)*")|(?P<any>\*)"""
    rf"""|(?P<slice>(?:{_INT})?[ \t\n\r]*:[ \t\n\r]*(?:{_INT})?(?:[ \t\n\r]*:[ \t\n\r]*(?:{_INT})?)?)|(?P<int>{_INT})"""
)
_ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "/": "/", "\\": "\\"}


class PathError(ValueError):
    """A path that cannot be read; the text says where and why."""


class Path:
    """A compiled path. Raises: PathError for what RFC 9535 does not allow, and for filters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._segments = _parse(text)
        plain = [only for deep, selectors in self._segments for only in _plain(deep, selectors)]
        self._plain: Location | None = tuple(plain) if len(plain) == len(self._segments) else None
        self.singular = self._plain is not None
        """Whether it leads to one value at most."""

    @property
    def members(self) -> tuple[str, ...] | None:
        """The names it leads through, when it leads through members alone."""
        names = tuple(part for part in self._plain or () if isinstance(part, str))
        return names if names == self._plain else None

    def values(self, root: Any) -> list[Any]:
        """The values it leads to, in the order of the document. Raises: RuleFault for too many."""
        if self._plain is None:
            return [value for _, value in self.nodes(root)]
        for part in self._plain:
            if type(root) is dict:
                if part not in root:
                    return []
            elif type(root) is not list or type(part) is not int or not -len(root) <= part < len(root):
                return []
            root = root[part]
        return [root]

    def nodes(self, root: Any) -> list[Node]:
        """The same values, each with where it stands. Raises: RuleFault for too many."""
        found: list[Node] = [((), root)]
        for deep, selectors in self._segments:
            heads = _descend(found) if deep else iter(found)
            reached = (node for head in heads for select in selectors for node in select(head))
            found = list(islice(reached, MOST_VALUES + 1))
            if len(found) > MOST_VALUES:
                raise RuleFault(f"`{self.text}` leads to more than {MOST_VALUES} values")
        return found


def member(root: Any, names: Sequence[str]) -> Any:
    """What the names lead to, through members alone; None where there is none."""
    for name in names:
        if type(root) is not dict:
            return None
        root = root.get(name)
    return root


_Segment = tuple[bool, tuple[_Select, ...]]


class _Child:
    """Selects one member or item."""

    def __init__(self, part: str | int) -> None:
        self.part = part

    def __call__(self, node: Node) -> Iterator[Node]:
        location, value = node
        part = self.part
        if isinstance(part, str):
            if isinstance(value, dict) and part in value:
                yield (*location, part), value[part]
        elif isinstance(value, list) and -len(value) <= part < len(value):
            yield (*location, part % len(value)), value[part]


def _every(node: Node) -> Iterator[Node]:
    location, value = node
    if isinstance(value, dict):
        for name, member in value.items():
            yield (*location, name), member
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield (*location, index), item


def _slice(bounds: slice) -> _Select:
    def select(node: Node) -> Iterator[Node]:
        location, value = node
        if isinstance(value, list) and bounds.step != 0:
            for index in range(*bounds.indices(len(value))):
                yield (*location, index), value[index]

    return select


def _descend(heads: list[Node]) -> Iterator[Node]:
    """The nodes and all below them, each before what is in it."""
    visited = 0
    for head in heads:
        stack = [head]
        while stack:
            node = stack.pop()
            visited += 1
            if visited > MOST_VISITED:
                raise RuleFault(f"a path would have to look at more than {MOST_VISITED} values")
            yield node
            if isinstance(node[1], dict | list):
                stack.extend(reversed(list(_every(node))))


def _plain(deep: bool, selectors: tuple[_Select, ...]) -> tuple[str | int, ...]:
    only = selectors[0]
    return (only.part,) if not deep and len(selectors) == 1 and isinstance(only, _Child) else ()


def _parse(text: str) -> tuple[_Segment, ...]:
    if not text.startswith("$"):
        raise PathError(f"the path `{text}` does not begin with `$`; write it like `$.arguments.path`")
    segments: list[_Segment] = []
    at = 1
    while at < len(text):
        segment, at = _segment(text, at)
        segments.append(segment)
    return tuple(segments)


def _segment(text: str, start: int) -> tuple[_Segment, int]:
    at = _skip(text, start)
    deep = text.startswith("..", at)
    if text.startswith("[", at) or text.startswith("..[", at):
        selectors, at = _bracket(text, at + (3 if deep else 1))
        return (deep, selectors), at
    if not text.startswith(".", at):
        raise _refusal(text, at)
    at += 2 if deep else 1
    if text.startswith("*", at):
        return (deep, (_every,)), at + 1
    name = _NAME.match(text, at)
    if name is None:
        raise _refusal(text, at)
    if text.startswith("-", name.end()):
        raise PathError(f"the path `{text}` has a name with `-` after `{text[: name.end()]}`; write it like `['a-b']`")
    return (deep, (_Child(name[0]),)), name.end()


def _bracket(text: str, at: int) -> tuple[tuple[_Select, ...], int]:
    selectors: list[_Select] = []
    while True:
        at = _skip(text, at)
        if text.startswith("?", at):
            raise PathError(f"the path `{text}` has a filter; say it with `given`, `unless` or `when` instead")
        match = _SELECTOR.match(text, at)
        if match is None:
            raise _refusal(text, at)
        selectors.append(_selector(text, match))
        at = _skip(text, match.end())
        if text.startswith("]", at):
            return tuple(selectors), at + 1
        if not text.startswith(",", at):
            raise _refusal(text, at)
        at += 1


def _selector(text: str, match: re.Match[str]) -> _Select:
    if match["text"] is not None:
        return _Child(_unquote(text, match["text"]))
    if match["any"] is not None:
        return _every
    if match["slice"] is not None:
        return _slice(slice(*(_integer(text, part) for part in match["slice"].split(":"))))
    return _Child(_integer(text, match["int"]) or 0)


def _integer(text: str, digits: str) -> int | None:
    digits = digits.strip()
    if not digits:
        return None
    if len(digits) > 17 or abs(int(digits)) > _LARGEST:
        raise PathError(f"the path `{text}` has a number that is too large")
    return int(digits)


def _unquote(text: str, quoted: str) -> str:
    def plain(match: re.Match[str]) -> str:
        high, low, code, letter = match.groups()
        if high is not None:
            return bytes.fromhex(high + low).decode("utf-16-be")
        if code is not None and not "d800" <= code.lower() <= "dfff":
            return chr(int(code, 16))
        if letter == quoted[0] or letter in _ESCAPED:
            return _ESCAPED.get(letter, letter)
        raise PathError(f"the path `{text}` has an escape that JSONPath does not know: `{match[0]}`")

    return _ESCAPE.sub(plain, quoted[1:-1])


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return at if blank is None else blank.end()


def _refusal(text: str, at: int) -> PathError:
    rest = f"`{text[at:]}`" if at < len(text) else "its end"
    return PathError(f"the path `{text}` is no JSONPath at {rest}; write it like `$.arguments.path` or `$..text`")
