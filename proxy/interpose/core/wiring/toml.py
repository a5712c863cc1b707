"""TOML read with the place of every value. What TOML allows is for `tomllib` to say; this only finds the places."""

import re
import tomllib
from dataclasses import dataclass, field

from interpose.core.wiring.node import Member, Node
from interpose.core.wiring.place import MalformedError

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")|\'\'\'.*?\'{3,5}(?!\')|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_SCALAR = re.compile(r"[^\s,\]}#](?:[^\n,\]}#]*[^\s,\]}#])?")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(slots=True)
class _Table:
    """A table while it is filled: in the order of the text, from as many places as it has."""

    start: int
    is_block: bool = True
    entries: "dict[str, tuple[Member, _Table | _Tables | Node]]" = field(default_factory=dict)


class _Tables(list[_Table]):
    """An array of tables."""


class Reader:
    """Reads one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 1 if text.startswith("\ufeff") else 0

    def document(self) -> Node:
        """The root table. Raises MalformedError."""
        self._check()
        root = current = _Table(self._at)
        while True:
            self._gap()
            if self._at >= len(self._text):
                return self._node(root)
            if self._text.startswith("[", self._at):
                current = self._header(root)
            else:
                self._assignment(current)

    def _check(self) -> None:
        begin = self._at
        try:
            tomllib.loads(self._text[begin:])
        except RecursionError:
            raise MalformedError(begin, "too many values inside each other") from None
        except ValueError as error:
            place = _AT.search(str(error))
            problem = _AT.sub("", str(error))
            offset = len(self._text)
            if place is not None and place[1] is not None:
                lines = self._text[begin:].split("\n")[: int(place[1]) - 1]
                offset = begin + sum(map(len, lines)) + len(lines) + int(place[2]) - 1
            raise MalformedError(offset, problem[:1].lower() + problem[1:]) from None

    def _header(self, root: _Table) -> _Table:
        start = self._at
        is_array = self._text.startswith("[[", start)
        self._at += 2 if is_array else 1
        keys = self._keys()
        self._at = self._text.index("]", self._at) + (2 if is_array else 1)
        table = root
        for name, _, _ in keys[:-1]:
            table = self._inner(table, name, start)
        name, begin, end = keys[-1]
        if not is_array:
            return self._inner(table, name, start)
        tables = table.entries.setdefault(name, (Member(name, begin, end, Node(start, start)), _Tables()))[1]
        assert isinstance(tables, _Tables)
        tables.append(_Table(start))
        return tables[-1]

    @staticmethod
    def _inner(table: _Table, name: str, start: int) -> _Table:
        """The table of this name in a table, made where it is not there."""
        blank = Member(name, start, start, Node(start, start))
        found = table.entries.setdefault(name, (blank, _Table(start)))[1]
        if isinstance(found, _Tables):
            return found[-1]
        assert isinstance(found, _Table)
        return found

    def _assignment(self, table: _Table) -> None:
        line = self._at
        keys = self._keys()
        self._at = self._text.index("=", self._at) + 1
        self._spaces()
        value = self._value()
        for name, _, _ in keys[:-1]:
            table = self._inner(table, name, line)
        name, begin, end = keys[-1]
        table.entries[name] = (Member(name, line, end, Node(line, line), self._text[line:begin]), value)

    def _keys(self) -> list[tuple[str, int, int]]:
        """A dotted key: its parts, each with its place."""
        found = []
        while True:
            self._spaces()
            match = _KEY.match(self._text, self._at)
            assert match is not None
            name = match[0] if match[0][0] not in "\"'" else self._loaded(match[0])
            found.append((str(name), *match.span()))
            self._at = match.end()
            self._spaces()
            if not self._text.startswith(".", self._at):
                return found
            self._at += 1

    def _value(self) -> Node:
        begin = self._at
        first = self._text[begin]
        if first == "[":
            return self._array()
        if first == "{":
            return self._inline()
        match = (_STRING if first in "\"'" else _SCALAR).match(self._text, begin)
        assert match is not None
        self._at = match.end()
        return Node(begin, self._at, self._loaded(match[0]))

    def _array(self) -> Node:
        begin = self._at
        self._at += 1
        items: list[Node] = []
        while self._more("]"):
            items.append(self._value())
        return Node(begin, self._at, items=tuple(items))

    def _inline(self) -> Node:
        begin = self._at
        self._at += 1
        table = _Table(begin, is_block=False)
        while self._more("}"):
            self._assignment(table)
        node = self._node(table)
        return Node(begin, self._at, members=node.members)

    def _more(self, closing: str) -> bool:
        """Go over gaps and commas. Whether another value comes before what closes; that is gone over too."""
        self._gap()
        if self._text.startswith(",", self._at):
            self._at += 1
            self._gap()
        if not self._text.startswith(closing, self._at):
            return True
        self._at += 1
        return False

    def _node(self, table: _Table) -> Node:
        members = []
        for member, value in table.entries.values():
            node = value if isinstance(value, Node) else self._collected(value)
            members.append(Member(member.name, member.start, member.key_end, node, member.lead))
        end = max((each.node.end for each in members), default=table.start)
        return Node(table.start, end, members=tuple(members), is_block=table.is_block)

    def _collected(self, value: "_Table | _Tables") -> Node:
        if isinstance(value, _Table):
            return self._node(value)
        items = tuple(map(self._node, value))
        return Node(items[0].start, items[-1].end, items=items)

    def _loaded(self, raw: str) -> object:
        return tomllib.loads("x = " + raw)["x"]

    def _spaces(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at

    def _gap(self) -> None:
        gap = _GAP.match(self._text, self._at)
        self._at = gap.end() if gap else self._at
