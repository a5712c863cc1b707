"""The gate's quick look at lines that came together: all of them are everyday messages of one kind, or it says nothing.

INVARIANT: nothing is cleared here that `everyday` would not clear, line by line.
"""

from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Any

import msgspec
import orjson

from interpose.core.wire.gate_glance import NEEDED, SAFE_DIGITS, have_one_reading, is_plain_id
from interpose.core.wire.gate_level import Level
from interpose.core.wire.gate_members import PARAMS, RESULT

_call = itemgetter("jsonrpc", "id", "method", "params")
_answer = itemgetter("jsonrpc", "id", "result")
_VERSION, _OBJECT, _WHOLE = {"2.0"}, {dict}, {int}
_FIRST_UNSAFE = 10**SAFE_DIGITS


class Everyday(msgspec.Struct, frozen=True, gc=False):
    """What stands in lines: ids as `Message.id` has them, and params; or results, where there are no methods."""

    ids: Sequence[str]
    values: Sequence[dict[str, Any]]
    methods: Sequence[str] = ()


def everyday_calls(lines: Sequence[bytes], max_depth: int) -> Everyday | None:
    """Requests."""
    try:
        versions, found, methods, params = zip(*map(_call, _read(lines, 4)), strict=True)
        needed = [NEEDED[method] for method in methods]
    except (ValueError, TypeError, KeyError):
        return None
    ids = _ids(found)
    if ids is None or not _fit(versions, params, PARAMS, max_depth):
        return None
    for name, value in zip(needed, params, strict=True):
        if name is not None and name not in value:
            return None
    return Everyday(ids, params, methods)


def everyday_answers(lines: Sequence[bytes], max_depth: int) -> Everyday | None:
    """Results."""
    try:
        versions, found, results = zip(*map(_answer, _read(lines, 3)), strict=True)
    except (ValueError, TypeError, KeyError):
        return None
    ids = _ids(found)
    return Everyday(ids, results) if ids is not None and _fit(versions, results, RESULT, max_depth) else None


def _read(lines: Sequence[bytes], members: int) -> list[dict[str, Any]]:
    """The values, each of so many members, if writing them gives the same lines: then nothing was lost on the way.

    Raises: ValueError when one is something else.
    """
    values = list(map(orjson.loads, lines))
    if orjson.dumps(values) != b"[%b]" % b",".join(lines) or set(map(len, values)) != {members}:
        raise ValueError
    return values


def _fit(versions: Sequence[Any], sections: Sequence[Any], level: Level, max_depth: int) -> bool:
    if set(map(type, sections)) != _OBJECT or versions.count("2.0") != len(versions):
        return False
    check = level.check
    for section in sections:
        if check(section) is not None:
            return False
    try:
        return have_one_reading(list(sections), max_depth)
    except RecursionError:
        return False


def _ids(found: Collection[Any]) -> list[str] | None:
    """Their texts; None where one is not plain."""
    if set(map(type, found)) == _WHOLE:
        return list(map(str, found)) if min(found) >= 0 and max(found) < _FIRST_UNSAFE else None
    texts = [_text(ident) for ident in found]
    return texts if all(map(is_plain_id, texts)) else None


def _text(ident: Any) -> str:
    return f"{ident:d}" if type(ident) is int else orjson.dumps(ident).decode()
