"""What somebody searches for in a timeline: words, and words with a key such as `method:tools/*` or `-status:ok`."""

import re
from collections.abc import Callable
from typing import Any

from interpose.app.web.row import Row

_WORD = re.compile(r'-?(?:[a-z]+:)?(?:"[^"]*"|\S+)')
_MOST_WORDS, _MOST_LENGTH, _MOST_STARS = 12, 500, 3
_FACTS = ("fact", "http", "stderr", "noise")
State = dict[str, Any]
Test = Callable[[Row, State], bool]
KEYS = ("method", "tool", "dir", "status", "kind", "rule", "in", "task", "fate")


class Query:
    """A search. Every word of it must hold, those with `-` before them must not.

    An answer is told by its request's row, and found with it; by itself only with `kind:answer`.
    """

    def __init__(self, text: str) -> None:
        self._answers = "kind:answer" in text.lower()
        self._tests = [_test(word) for word in _WORD.findall(text[:_MOST_LENGTH])[:_MOST_WORDS]]

    @property
    def is_empty(self) -> bool:
        return not self._tests

    def wants(self, row: Row, state: State) -> bool:
        if row.of is not None and not self._answers:
            return False
        return all(test(row, state) for test in self._tests)


def _test(word: str) -> Test:
    bare = word.removeprefix("-")
    key, colon, rest = bare.partition(":")
    value = (rest if colon and key in KEYS else bare).strip('"').lower()
    found = _KEYED[key](value) if colon and key in KEYS else _plain(value)
    return found if bare == word else lambda row, state: not found(row, state)


def _plain(value: str) -> Test:
    def test(row: Row, state: State) -> bool:
        said = f"{row.number} {row.label} {row.method} {row.name} {row.text} {row.reply} {row.ruled} {row.word}"
        return value in said.lower() or value in f"{state.get('reply', '')} {state.get('word', '')}".lower()

    return test


def _method(value: str) -> Test:
    wanted = _glob(value)
    return lambda row, state: wanted.fullmatch(row.method.lower()) is not None


def _tool(value: str) -> Test:
    wanted = _glob(value)
    return lambda row, state: row.method == "tools/call" and wanted.fullmatch(row.name.lower()) is not None


def _dir(value: str) -> Test:
    return lambda row, state: row.end == value


def _status(value: str) -> Test:
    def test(row: Row, state: State) -> bool:
        outcome = str(state.get("outcome") or row.outcome)
        if value in ("wait", "open"):
            return outcome == "open"
        if value in ("error", "failed"):
            return row.failed or bool(state.get("failed"))
        if value in ("held", "changed", "stopped", "noted"):
            return row.fate == value
        return bool(outcome) and outcome.startswith(value)

    return test


def _kind(value: str) -> Test:
    wanted = _FACTS if value == "fact" else (value,)
    return lambda row, state: row.type in wanted


def _rule(value: str) -> Test:
    return lambda row, state: value in row.ruled.lower() or value in str(state.get("ruled", "")).lower()


def _in(value: str) -> Test:
    return lambda row, state: value in row.inside or row.number == value


def _task(value: str) -> Test:
    return lambda row, state: bool(row.task) and row.task.lower().startswith(value.rstrip("…"))


def _fate(value: str) -> Test:
    return lambda row, state: bool(row.fate) if value == "any" else row.fate == value


_KEYED: dict[str, Callable[[str], Test]] = {
    "method": _method,
    "tool": _tool,
    "dir": _dir,
    "status": _status,
    "kind": _kind,
    "rule": _rule,
    "in": _in,
    "task": _task,
    "fate": _fate,
}


def _glob(value: str) -> re.Pattern[str]:
    """`*` for any characters; without one, the word may stand anywhere."""
    if "*" not in value:
        return re.compile(f".*{re.escape(value)}.*")
    return re.compile(".*".join(map(re.escape, value.split("*", _MOST_STARS))))
