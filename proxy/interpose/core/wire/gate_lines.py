"""The gate's quick look at lines that came together: all of them are everyday messages of one kind, or it says nothing.

What is said most, calls of tools and what they return, is read by its very shape, so that little is left to look at.

INVARIANT: nothing is cleared here that `everyday` would not clear, line by line.
"""

from collections.abc import Callable, Collection, Sequence
from operator import itemgetter
from typing import Any

import msgspec
import orjson

from interpose.core.wire.gate_glance import NEEDED, SAFE_DIGITS, is_plain_id
from interpose.core.wire.gate_level import Level
from interpose.core.wire.gate_members import PARAMS, RESULT
from interpose.core.wire.gate_shapes import DEPTH, Values, answers, calls, have_one_reading, have_plain_insides

_call = itemgetter("jsonrpc", "id", "method", "params")
_answer = itemgetter("jsonrpc", "id", "result")
_ident, _params, _result = itemgetter("id"), itemgetter("params"), itemgetter("result")
_OBJECT, _WHOLE = {dict}, {int}
_FIRST_UNSAFE = 10**SAFE_DIGITS


class Everyday(msgspec.Struct, frozen=True, gc=False):
    """What stands in lines: ids as `Message.id` has them, and params; or results, where there are no methods."""

    ids: Sequence[str]
    values: Sequence[dict[str, Any]]
    methods: Sequence[str] = ()


Look = Callable[[Sequence[bytes], int], Everyday | None]
_anything: Callable[[bytes], Values] = msgspec.json.Decoder(dict[str, Any]).decode_lines


def everyday_calls(lines: Sequence[bytes], max_depth: int) -> Everyday | None:
    """Requests."""
    return _unless_too_deep(_calls, lines, max_depth)


def everyday_answers(lines: Sequence[bytes], max_depth: int) -> Everyday | None:
    """Results."""
    return _unless_too_deep(_answers, lines, max_depth)


def _unless_too_deep(look: Look, lines: Sequence[bytes], max_depth: int) -> Everyday | None:
    try:
        return look(lines, max_depth)
    except RecursionError:
        return None


def _calls(lines: Sequence[bytes], max_depth: int) -> Everyday | None:
    values = _read(lines, calls) if max_depth >= DEPTH else None
    if values is not None:
        params, ids = list(map(_params, values)), _ids(list(map(_ident, values)))
        if ids is None or not all(map(str.isprintable, {each["name"] for each in params})):
            return None
        return (
            Everyday(ids, params, ["tools/call"] * len(ids)) if have_plain_insides(params, PARAMS, max_depth) else None
        )
    return _any_calls(lines, max_depth)


def _answers(lines: Sequence[bytes], max_depth: int) -> Everyday | None:
    values = _read(lines, answers) if max_depth >= DEPTH else None
    if values is not None:
        results, ids = list(map(_result, values)), _ids(list(map(_ident, values)))
        if ids is None or not have_plain_insides(results, RESULT, max_depth):
            return None
        return Everyday(ids, results)
    return _any_answers(lines, max_depth)


def _any_calls(lines: Sequence[bytes], max_depth: int) -> Everyday | None:
    values = _read(lines, _anything)
    if values is None or set(map(len, values)) != {4}:
        return None
    try:
        versions, found, methods, params = zip(*map(_call, values), strict=True)
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


def _any_answers(lines: Sequence[bytes], max_depth: int) -> Everyday | None:
    values = _read(lines, _anything)
    if values is None or set(map(len, values)) != {3}:
        return None
    try:
        versions, found, results = zip(*map(_answer, values), strict=True)
    except (ValueError, KeyError):
        return None
    ids = _ids(found)
    return Everyday(ids, results) if ids is not None and _fit(versions, results, RESULT, max_depth) else None


def _read(lines: Sequence[bytes], decode: Callable[[bytes], Values]) -> Values | None:
    """The values of lines that are of this shape, if writing them gives the same lines: nothing was lost on the way.

    As many commas then stand between values as line ends did: no value went over the end of a line.
    """
    try:
        values = decode(b"\n".join(lines))
        return values if orjson.dumps(values) == b"[%b]" % b",".join(lines) else None
    except (msgspec.DecodeError, orjson.JSONEncodeError, UnicodeDecodeError):
        return None


def _fit(versions: Sequence[Any], sections: Sequence[Any], level: Level, max_depth: int) -> bool:
    if set(map(type, sections)) != _OBJECT or versions.count("2.0") != len(versions):
        return False
    check = level.check
    for section in sections:
        if check(section) is not None:
            return False
    return have_one_reading(list(sections), max_depth)


def _ids(found: Collection[Any]) -> list[str] | None:
    """Their texts; None where one is not plain."""
    if set(map(type, found)) == _WHOLE:
        return list(map(str, found)) if min(found) >= 0 and max(found) < _FIRST_UNSAFE else None
    texts = [_text(ident) for ident in found]
    return texts if all(map(is_plain_id, texts)) else None


def _text(ident: Any) -> str:
    return f"{ident:d}" if type(ident) is int else orjson.dumps(ident).decode()
