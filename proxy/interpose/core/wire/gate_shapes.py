"""The shapes of what is said most: calls of tools, and what they return. What has such a shape needs no closer look.

All members of a shape are spelt as they should be, have the types they should have, and no two of them look alike. What
it leaves open (`insides`) is still to be looked at, and so is whether anything got lost in reading.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NotRequired, TypedDict

import msgspec

from interpose.core.wire.gate_json import collect, collides
from interpose.core.wire.gate_level import Level
from interpose.core.wire.gate_members import ORDINARY

Values = list[dict[str, Any]]
DEPTH = 4  # levels from the whole message down to the items of a result's content
_OPEN = ("arguments", "structuredContent", "_meta")


class _Arguments(TypedDict):
    name: str
    arguments: NotRequired[dict[str, Any]]
    _meta: NotRequired[dict[str, Any]]


class _Call(TypedDict):
    jsonrpc: Literal["2.0"]
    id: int | str
    method: Literal["tools/call"]
    params: _Arguments


class _Item(TypedDict):
    type: str
    text: NotRequired[str]
    data: NotRequired[str]
    mimeType: NotRequired[str]


class _Returned(TypedDict):
    content: list[_Item]
    structuredContent: NotRequired[dict[str, Any]]
    isError: NotRequired[bool]
    resultType: NotRequired[str]
    _meta: NotRequired[dict[str, Any]]


class _Answer(TypedDict):
    jsonrpc: Literal["2.0"]
    id: int | str
    result: _Returned


def _lines(shape: type) -> Callable[[bytes], Values]:
    return msgspec.json.Decoder(shape).decode_lines


def _section(shape: type) -> Callable[[bytes], dict[str, Any]]:
    return msgspec.json.Decoder(shape).decode


calls, answers = _lines(_Call), _lines(_Answer)
"""Whole messages, one a line. These and the next raise msgspec.DecodeError where something has another shape."""
arguments, returned = _section(_Arguments), _section(_Returned)
"""Params of a call, and the result of one."""


def have_plain_insides(sections: Sequence[dict[str, Any]], level: Level, max_depth: int) -> bool:
    """Whether there is nothing to object to in what these params or results leave open. Raises: RecursionError."""
    told = [section for section in sections if "_meta" in section]
    if any(level.check(section) is not None for section in told):
        return False
    return have_one_reading([each[name] for each in sections for name in _OPEN if name in each], max_depth - 1)


def have_one_reading(value: dict[str, Any] | list[Any], levels: int) -> bool:
    """Whether values that were written as they were read are no deeper than that, and no two keys of one look alike."""
    keys: list[str] = []
    return collect(value, keys, levels) and (ORDINARY.issuperset(keys) or not collides(value, keys))
