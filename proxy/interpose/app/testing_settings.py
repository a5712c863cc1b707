"""`interpose.toml`: what recordings are tested with. The one beside a recording counts, or else the nearest above it.

[test]
server = ["python", "my_server.py"]     # or: url = "http://127.0.0.1:3001/mcp"
match = "causal"
ignore = ["$.result.structuredContent.at"]

[test.files."slow-*.jsonl"]
deadline = 120
"""

import re
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from interpose.core.policy.jsonpath import PathError
from interpose.core.policy.suggestion import suggestion
from interpose.core.replay.options import Match, OptionsError, scoped

NAME = "interpose.toml"
_WANTED = {
    "server": "a list of words",
    "url": "a text",
    "match": "`strict`, `causal` or `request`",
    "ignore": "a list of texts",
    "deadline": "a number of seconds",
}
_TABLE, _FILES = "test", "files"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one recording is tested.

    `server` is a command, started in `folder`; an empty one means that no server is tried, None that nothing was said.
    """

    server: tuple[str, ...] | None = None
    url: str | None = None
    match: Match | None = None
    ignore: tuple[str, ...] = ()
    deadline: float = 30.0
    folder: str = ""


_KEYS = tuple(name for name in Settings.__struct_fields__ if name != "folder")


def settings(recording: Path) -> Settings:
    """The settings for a recording. Raises: OptionsError for a file that says what cannot be."""
    folder = recording.resolve().parent
    for place in (folder, *folder.parents):
        if (place / NAME).is_file():
            return _for(recording.resolve(), place)
    return Settings()


def _for(recording: Path, place: Path) -> Settings:
    table = _table(place / NAME)
    files = table.get(_FILES, {})
    found = {key: value for key, value in table.items() if key != _FILES}
    relative = str(recording.relative_to(place))
    for glob, more in files.items():
        if fnmatchcase(relative, glob) or fnmatchcase(recording.name, glob):
            if {"server", "url"} & more.keys():
                found = {key: value for key, value in found.items() if key not in ("server", "url")}
            found = {**found, **more, "ignore": [*found.get("ignore", ()), *more.get("ignore", ())]}
    return msgspec.convert({**found, "folder": str(place)}, Settings)


@cache
def _table(path: Path) -> dict[str, Any]:
    """What stands below `[test]`, checked."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise OptionsError(str(path), None, f"cannot be read as TOML: {error}") from None
    for key in tree:
        if key != _TABLE:
            hint = suggestion(key, [_TABLE]) or f"; settings stand below `[{_TABLE}]`"
            raise OptionsError(str(path), None, f"unknown key `{key}`{hint}")
    table = tree.get(_TABLE, {})
    _check(path, _TABLE, table, (*_KEYS, _FILES))
    files = table.get(_FILES, {})
    if not isinstance(files, dict):
        raise OptionsError(str(path), None, f'`{_TABLE}.{_FILES}` must hold tables; write `[test.files."GLOB"]`')
    for glob, each in files.items():
        _check(path, f'{_TABLE}.{_FILES}."{glob}"', each, _KEYS)
    found: dict[str, Any] = table
    return found


def _check(path: Path, name: str, table: Any, known: tuple[str, ...]) -> None:
    if not isinstance(table, dict):
        raise OptionsError(str(path), None, f"`{name}` must be a table; write `[{name}]`")
    for key in table:
        if key not in known:
            hint = suggestion(key, known) or f"; it may be {', '.join(f'`{each}`' for each in known)}"
            raise OptionsError(str(path), None, f"`{name}`: unknown key `{key}`{hint}")
    if table.get("server") and "url" in table:
        raise OptionsError(str(path), None, f"`{name}`: say either `server` or `url`")
    own = {key: value for key, value in table.items() if key != _FILES}
    try:
        for each in msgspec.convert(own, Settings).ignore:
            scoped(each)
    except msgspec.ValidationError as error:
        raise OptionsError(str(path), None, f"`{name}`: {_worded(error)}") from None
    except PathError as error:
        raise OptionsError(str(path), None, f"`{name}`: `ignore`: {error}") from None


def _worded(error: msgspec.ValidationError) -> str:
    """What is wrong, without the words of types."""
    place = re.search(r"`\$\.(\w+)", str(error))
    key = place[1] if place else ""
    return f"`{key}` must be {_WANTED.get(key, 'something else')}"
