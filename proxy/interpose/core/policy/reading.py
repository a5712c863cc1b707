"""A policy's text as rules, or everything that is wrong with it: file, line, rule and what was probably meant.

No file is opened here.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from pydantic import ValidationError

from interpose.core.errors import InterposeError
from interpose.core.policy.complaint import complaints, known_keys
from interpose.core.policy.places import Place, Places
from interpose.core.policy.rule import ACTIONS, AnyRule, Policy, PolicyFile, rule_of
from interpose.core.policy.suggestion import suggestion

_AT_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_AT_END = " (at end of document)"


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong. `rule` is a rule's name or number."""

    path: str
    line: int | None
    rule: str | None
    text: str
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        return f"{place}: {f'rule {self.rule}: ' if self.rule else ''}{self.text}"


class PolicyError(InterposeError):
    """A policy that cannot be used: what is wrong with it, a line each, in the order of the file."""

    exit_code = 2

    def __init__(self, path: str, line: int | None, rule: str | None, problem: str, column: int | None = None) -> None:
        self.problems: tuple[Problem, ...] = (Problem(path, line, rule, problem, column),)
        super().__init__(str(self.problems[0]))

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> "PolicyError":
        """One error for several problems."""
        found = tuple(problems)
        first = found[0]
        error = cls(first.path, first.line, first.rule, first.text, first.column)
        error.problems = found
        error.args = ("\n".join(map(str, found)),)
        return error


def read_policy(text: str, path: str) -> Policy:
    """The policy in a text; `path` is what it is called in messages. Raises: PolicyError."""
    tree = _toml(text, path)
    return _Reader(tree, Places(text), path).policy(text)


def _toml(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        match = _AT_LINE.search(said)
        line, column = (int(match[1]), int(match[2])) if match else _end(text)
        said = _AT_LINE.sub("", said).removesuffix(_AT_END)
        raise PolicyError(path, line, None, f"no TOML: {said[0].lower()}{said[1:]}", column) from None
    except (ValueError, RecursionError):
        raise PolicyError(path, None, None, "no TOML: a number too long, or nested too deep") from None


def _end(text: str) -> Place:
    return text.count("\n") + 1, len(text) - text.rfind("\n")


class _Reader:
    """Reads one file and gathers what is wrong with it."""

    def __init__(self, tree: dict[str, Any], places: Places, path: str) -> None:
        self._tree, self._places, self._path = tree, places, path
        self._problems: list[Problem] = []

    def policy(self, text: str) -> Policy:
        self._check_top()
        rules = tuple(self._rules())
        self._check_names()
        if self._problems:
            raise PolicyError.of(sorted(self._problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
        name = self._tree.get("name") or self._path.replace("\\", "/").rpartition("/")[2].removesuffix(".toml")
        return Policy(name, rules, hashlib.sha256(text.encode()).hexdigest(), self._path)

    def _check_top(self) -> None:
        keys = known_keys(PolicyFile)
        for key in self._tree:
            if key not in keys:
                hint = suggestion(key, keys).replace("`rule`", "`[[rule]]`")
                self._complain(f"unknown key `{key}`{hint}", key)
        for key in ("name", "description"):
            value = self._tree.get(key, "")
            if not isinstance(value, str) or (key == "name" and value == "" and key in self._tree):
                self._complain(f"`{key}` must be text in quotes, and not empty", key)
        if not isinstance(self._tree.get("rule", []), list):
            self._complain("`rule` is one table; write `[[rule]]`, with two brackets", "rule")
        elif not self._tree.get("rule"):
            self._complain("holds no rule; a rule begins with `[[rule]]`", "rule")

    def _tables(self) -> Iterator[tuple[int, dict[str, Any]]]:
        tables = self._tree.get("rule")
        for number, table in enumerate(tables if isinstance(tables, list) else ()):
            if isinstance(table, dict):
                yield number, table
            else:
                self._complain("a rule is a table; write `[[rule]]`", "rule", number)

    def _rules(self) -> Iterator[AnyRule]:
        for number, table in self._tables():
            try:
                yield rule_of(table)
            except ValidationError as error:
                self._explain(number, table, error)

    def _explain(self, number: int, table: dict[str, Any], error: ValidationError) -> None:
        do = table.get("do")
        if "do" not in table:
            self._complain_of_no_action(number, table)
            return
        model = ACTIONS.get(do) if isinstance(do, str) else None
        if model is None:
            hint = suggestion(do, ACTIONS) if isinstance(do, str) else ""
            self._complain(f"`do` is `{do}`{hint or f'; it may be {_actions()}'}", "rule", number, "do")
            return
        for where, text in complaints(error.errors(), model):
            if where[1:2] == (0,) and isinstance(table.get(str(where[0])), dict):
                where = where[:1] + where[2:]  # one condition needs no list: it has no number in the file
            self._complain(text, "rule", number, *where)

    def _complain_of_no_action(self, number: int, table: dict[str, Any]) -> None:
        for key in table:
            if hint := suggestion(key, ["do"]):
                self._complain(f"unknown key `{key}`{hint}", "rule", number, key)
                return
        self._complain(f'does not say what to do; add `do = "block"`, or another of {_actions()}', "rule", number)

    def _check_names(self) -> None:
        first: dict[str, int] = {}
        for number, table in self._tables():
            name = table.get("name")
            if not isinstance(name, str):
                continue
            if name in first:
                line, _ = self._places.of("rule", first[name], "name")
                self._complain(
                    f"the name is taken by the rule in line {line}; names are unique", "rule", number, "name"
                )
            first.setdefault(name, number)

    def _complain(self, text: str, *where: str | int) -> None:
        rule = None
        if where[:1] == ("rule",) and len(where) > 1 and isinstance(where[1], int):
            table = self._tree["rule"][where[1]]
            name = table.get("name") if isinstance(table, dict) else None
            rule = f"`{name}`" if isinstance(name, str) and name else str(where[1] + 1)
        line, column = self._places.of(*where)
        self._problems.append(Problem(self._path, line, rule, text, column))


def _actions() -> str:
    return ", ".join(f"`{name}`" for name in ACTIONS)
