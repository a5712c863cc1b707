"""JSON with comments and trailing commas, as editors write it, read with the place of every value."""

import json
import re

from interpose.core.wiring.node import Member, Node
from interpose.core.wiring.place import MalformedError

_DEEPEST = 200
_BLANK = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*)*(?P<end>"?)')
_WRONG_ESCAPE = re.compile(r'(?<!\\)(?:\\\\)*(\\(?:[^"\\/bfnrtu]|u(?![0-9a-fA-F]{4})[^"]{0,4}))')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.+-])", re.ASCII)
_WORD = re.compile(r"[A-Za-z]\w*")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}


class Reader:
    """Reads one text. `comments` and `commas` are the places of what strict JSON does not allow."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 1 if text.startswith("\ufeff") else 0
        self._depth = 0
        self.comments: list[int] = []
        self.commas: list[int] = []

    def document(self) -> Node:
        """The value that the text holds. Raises MalformedError."""
        self._blank()
        if self._at == len(self._text):
            raise MalformedError(self._at, "empty; a configuration begins with `{`")
        node = self._value()
        self._blank()
        if self._at < len(self._text):
            raise MalformedError(self._at, "something stands after the end; is a `}` too many before it?")
        return node

    def _blank(self) -> None:
        """Go over white space and comments."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if not self._text.startswith("/", self._at):
                return
            comment = _COMMENT.match(self._text, self._at)
            if comment is None:
                raise MalformedError(self._at, "a comment that does not end")
            self.comments.append(self._at)
            self._at = comment.end()

    def _value(self) -> Node:
        begin, first = self._at, self._peek()
        if first == '"':
            value = self._string()
            return Node(begin, self._at, value)
        if first == "{":
            return self._object()
        if first == "[":
            return self._array()
        if number := _NUMBER.match(self._text, begin):
            self._at = number.end()
            return Node(begin, self._at, float(number[0]))
        word = _WORD.match(self._text, begin)
        if word is None or word[0] not in _WORDS:
            raise MalformedError(begin, f"a value should be here, not {self._found()}")
        self._at = word.end()
        return Node(begin, self._at, _WORDS[word[0]])

    def _object(self) -> Node:
        begin = self._enter()
        members: list[Member] = []
        while self._peek() != "}":
            start = self._at
            if self._peek() != '"':
                raise MalformedError(start, f"a name in double quotes should be here, not {self._found()}")
            name, key_end = self._string(), self._at
            self._blank()
            if self._peek() != ":":
                raise MalformedError(self._at, f"a `:` should be here, not {self._found()}")
            self._at += 1
            self._blank()
            members.append(Member(name, start, key_end, self._value()))
            self._separator("}")
        return Node(begin, self._leave(), members=tuple(members))

    def _array(self) -> Node:
        begin = self._enter()
        items: list[Node] = []
        while self._peek() != "]":
            items.append(self._value())
            self._separator("]")
        return Node(begin, self._leave(), items=tuple(items))

    def _enter(self) -> int:
        begin = self._at
        self._depth += 1
        if self._depth > _DEEPEST:
            raise MalformedError(begin, f"more than {_DEEPEST} values inside each other")
        self._at += 1
        self._blank()
        return begin

    def _leave(self) -> int:
        self._depth -= 1
        self._at += 1
        return self._at

    def _separator(self, closing: str) -> None:
        """Go over the comma after a value, or stay before what closes."""
        self._blank()
        if self._peek() == ",":
            comma = self._at
            self._at += 1
            self._blank()
            if self._peek() == closing:
                self.commas.append(comma)
        elif self._peek() != closing:
            raise MalformedError(self._at, f"a `,` or `{closing}` should be here, not {self._found()}")

    def _string(self) -> str:
        begin = self._at
        match = _STRING.match(self._text, begin)
        assert match is not None
        self._at = match.end()
        if match["end"] != '"':
            what = "a line break or tab in a text" if self._peek() else "a text that does not end"
            raise MalformedError(self._at, f'{what}; is its closing `"` missing?')
        if escape := _WRONG_ESCAPE.search(match[0]):
            problem = f"`{escape[1]}` means nothing in a text; one backslash is written as two"
            raise MalformedError(begin + escape.start(1), problem)
        value: str = json.loads(match[0]) if "\\" in match[0] else match[0][1:-1]
        return value

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _found(self) -> str:
        found = self._peek()
        return f"`{found}`" if found else "the end"
