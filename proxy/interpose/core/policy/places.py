"""Where in a TOML text each table and key stands: `tomllib` gives the values alone."""

import re
from collections.abc import Iterator

Step = str | int
Place = tuple[int, int]  # line and column, from 1

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|'
    + r"'''.*?'{3,5}|"
    + r'"(?:\\.|[^"\\\n])*"|'
    + r"'[^'\n]*'|#[^\n]*|[\[\]{}\n]|[^\"'#\[\]{}\n]+",
    re.DOTALL,
)
_KEY = re.compile(r"""[ \t]*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*(\.)?""")


class Places:
    """Line and column of each key of a text that is known to be TOML. Inside inline tables, those of the statement."""

    def __init__(self, text: str) -> None:
        self._places: dict[tuple[Step, ...], Place] = {(): (1, 1)}
        self._counts: dict[tuple[Step, ...], int] = {}
        table: tuple[Step, ...] = ()
        for place, statement in _statements(text):
            if statement.startswith("["):
                table = self._enter(_keys(statement.lstrip("[")), statement.startswith("[["))
                self._keep(table, place)
            else:
                self._keep(table + _keys(statement), place)

    def of(self, *path: Step) -> Place:
        """Where a key stands, or the nearest thing it is in."""
        while path not in self._places:
            path = path[:-1]
        return self._places[path]

    def _keep(self, path: tuple[Step, ...], place: Place) -> None:
        for end in range(1, len(path) + 1):
            self._places.setdefault(path[:end], place)

    def _enter(self, keys: tuple[str, ...], is_array: bool) -> tuple[Step, ...]:
        path: tuple[Step, ...] = ()
        for number, key in enumerate(keys, 1):
            path += (key,)
            if is_array and number == len(keys):
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path += (self._counts[path],)
        return path


def _statements(text: str) -> Iterator[tuple[Place, str]]:
    """Each header and each assignment, with the place it begins at."""
    line, start, depth, said = 1, 1, 0, ""
    for token in _TOKEN.finditer(text.replace("\r\n", "\n")):
        word = token[0]
        if word == "\n" and depth == 0:
            if said.strip():
                yield (start, _indent(said)), said.strip()
            start, said = line + 1, ""
        elif not word.startswith("#"):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(word, 0)
            said += word
        line += word.count("\n")
    if said.strip():
        yield (start, _indent(said)), said.strip()


def _indent(said: str) -> int:
    return len(said) - len(said.lstrip()) + 1


def _keys(text: str) -> tuple[str, ...]:
    """The dotted key at the beginning of a statement."""
    keys: list[str] = []
    at = 0
    while match := _KEY.match(text, at):
        keys.append(next(part for part in match.groups()[:3] if part is not None))
        if match[4] is None:
            break
        at = match.end()
    return tuple(keys)
