"""How a recording is to be compared with what is live: the options of a replay, and the file that holds them.

A recording's own options stand beside it: `session.jsonl` has `session.replay.toml`. No file is opened here.
"""

import re
import tomllib
from typing import Any, Literal, get_args

import msgspec

from interpose.core.errors import InterposeError
from interpose.core.policy.jsonpath import PathError
from interpose.core.policy.suggestion import suggestion
from interpose.core.replay.scope import Scope

Match = Literal["strict", "causal", "request"]

TABLE = "replay"
SUFFIX = ".replay.toml"
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


class Options(msgspec.Struct, frozen=True):
    """What counts when a live message is compared with a recorded one.

    `ignore`, `bind` and `no_bind` are JSONPaths into the whole message (`$.params.arguments.when`); in front of one
    may stand the method it is for, and the name: `tools/call get_time $.result.content[*].text`, both globs. `free`
    are globs of methods of notifications whose number and place do not count.
    """

    match: Match = "causal"
    lenient: bool = False
    ignore: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    bind: tuple[str, ...] = ()
    no_bind: tuple[str, ...] = ()


DEFAULT = Options()


class OptionsError(InterposeError):
    """Options that cannot be used: file, line, and what is wrong."""

    def __init__(self, path: str, line: int | None, problem: str) -> None:
        self.path, self.line = path, line
        super().__init__(f"{path}{f':{line}' if line else ''}: {problem}")


def scoped(text: str) -> Scope:
    """A path as the options hold it. Raises: PathError."""
    return Scope(text)


def beside(recording: str) -> str:
    """Where a recording's own options are: `session.jsonl` has `session.replay.toml`."""
    return recording.removesuffix(".jsonl") + SUFFIX


def read_options(text: str, path: str) -> Options:
    """The options in a TOML text; `path` is what it is called in messages. Raises: OptionsError."""
    tree = _toml(text, path)
    for key in tree:
        if key != TABLE:
            hint = suggestion(key, [TABLE]) or f"; options stand below `[{TABLE}]`"
            raise OptionsError(path, _line(text, key), f"unknown key `{key}`{hint}")
    table = tree.get(TABLE, {})
    if not isinstance(table, dict):
        raise OptionsError(path, _line(text, TABLE), f"`{TABLE}` must be a table; write `[{TABLE}]`")
    found = {}
    for key, value in table.items():
        problem, found[key.replace("-", "_")] = _checked(key, value)
        if problem:
            raise OptionsError(path, _line(text, key), problem)
    return Options(**found)


def _checked(key: str, value: Any) -> tuple[str, Any]:
    """What is wrong with a setting, if anything, and its value."""
    name = key.replace("-", "_")
    known = Options.__struct_fields__
    if name not in known:
        return f"unknown key `{key}`{suggestion(key, known) or f'; it may be {_listed(known)}'}", None
    if name == "match":
        choices = get_args(Match)
        if value in choices:
            return "", value
        hint = suggestion(value, choices) if isinstance(value, str) else ""
        return f"`match` is `{value}`; it may be {_listed(choices)}{hint}", None
    if name == "lenient":
        return "" if isinstance(value, bool) else "`lenient` must be `true` or `false`", value
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return f"`{key}` must be a list of texts", None
    if name != "free":
        for each in value:
            try:
                scoped(each)
            except PathError as error:
                return f"`{key}`: {error}", None
    return "", tuple(value)


def _toml(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        match = _AT_LINE.search(said)
        line = int(match[1]) if match else text.count("\n") + 1
        said = _AT_LINE.sub("", said)
        raise OptionsError(path, line, f"no TOML: {said[0].lower()}{said[1:]}") from None
    except (ValueError, RecursionError):
        raise OptionsError(path, None, "no TOML: a number too long, or nested too deep") from None


def _line(text: str, key: str) -> int | None:
    """The line in which a key is first given."""
    pattern = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[\].=]""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), None)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
