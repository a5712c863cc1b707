"""What was masked in a recording. A live client says the real value there, which no placeholder is equal to."""

import re
from collections.abc import Iterator
from typing import Any

from interpose.core.policy.redact.placeholders import known
from interpose.core.replay.normal import name_of
from interpose.core.replay.script import Mark, Script
from interpose.core.wire.message import read

_MASKED = re.compile(known(()))
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def unmasking(script: Script) -> tuple[str, ...]:
    """Paths to what was masked in the client's messages, each for its own method and name, to be ignored."""
    found: dict[str, None] = {}
    for row, marks in enumerate(script.marks):
        if marks & Mark.OWN or not _MASKED.search((raw := script.raw(row)).decode("utf-8", "replace")):
            continue
        body = read(raw).body()
        name = name_of(body)
        scope = script.method(row) if name is None or marks & Mark.RESPONSE else f"{script.method(row)} {name}"
        for path in _places(body, "$"):
            found[f"{scope} {path}"] = None
    return tuple(found)


def _places(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _places(each, f"{path}.{key}" if _PLAIN.fullmatch(key) else f"{path}[{_quoted(key)}]")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _places(each, f"{path}[{index}]")
    elif isinstance(value, str) and _MASKED.search(value):
        yield path


def _quoted(key: str) -> str:
    return "'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'"
