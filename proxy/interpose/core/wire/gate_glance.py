"""The gate's quick look, which clears everyday messages. What it does not clear is not refused, but judged with care.

INVARIANT: nothing is cleared that `Gate.judge` would refuse.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from interpose.core.wire.gate_level import Level
from interpose.core.wire.gate_members import NAMED, PARAMS, REQUESTS, RESULT
from interpose.core.wire.gate_objection import LONGEST_NAME
from interpose.core.wire.gate_shapes import DEPTH, arguments, have_one_reading, have_plain_insides, returned
from interpose.core.wire.message import Kind, Message

_REQUEST, _NOTIFICATION, _RESULT = Kind.REQUEST, Kind.NOTIFICATION, Kind.RESULT
# What stands in a message besides its values, when nothing does that need not.
_REQUEST_SIZE = len('{"jsonrpc":"2.0","id":,"method":"","params":}')
_NOTIFICATION_SIZE = len('{"jsonrpc":"2.0","method":"","params":}')
_RESULT_SIZE = len('{"jsonrpc":"2.0","id":,"result":}')
_CALL, _CONTENT = "tools/call", b'"content":['
_FRONT = 64  # bytes in which that begins, if it does not come after anything long
SAFE_DIGITS = 15
NEEDED = {method: NAMED.get(method) for method in REQUESTS}
_TOLD = {method: needed for method, needed in NAMED.items() if method not in REQUESTS} | dict.fromkeys(
    ("notifications/initialized", "notifications/progress", "notifications/message", "notifications/cancelled")
)


def everyday(message: Message, max_depth: int) -> dict[str, Any] | None:
    """The params or result of a message to which there is surely nothing to object; None says nothing."""
    kind, raw = message.kind, message.raw
    if message.flags or max_depth < 2:
        return None
    # A member that stands twice, one that is not MCP's, a blank or an escape: each would make the frame longer.
    if kind is _REQUEST:
        ident, method, params = message.id, message.method, message.params
        if (
            ident is not None
            and method in NEEDED
            and len(raw) == _REQUEST_SIZE + len(ident) + len(method) + len(params)
            and is_plain_id(ident)
        ):
            usual = _usual(params, arguments, PARAMS, max_depth) if method == _CALL else None
            return _plain(params, PARAMS, NEEDED[method], max_depth) if usual is None else usual
    elif kind is _RESULT:
        ident, result = message.id, message.result
        if ident is not None and len(raw) == _RESULT_SIZE + len(ident) + len(result) and is_plain_id(ident):
            usual = _usual(result, returned, RESULT, max_depth) if _CONTENT in result[:_FRONT] else None
            return _plain(result, RESULT, None, max_depth) if usual is None else usual
    elif kind is _NOTIFICATION:
        method, params = message.method, message.params
        if method in _TOLD and len(raw) == _NOTIFICATION_SIZE + len(method) + len(params):
            return _plain(params, PARAMS, _TOLD[method], max_depth)
    return None


def is_plain_id(ident: str) -> bool:
    """An id that is spelt as it is read: digits that nobody rounds, or text without escapes."""
    if ident[0] != '"':
        return len(ident) <= SAFE_DIGITS and (ident[0] != "0" or ident == "0") and ident.isdecimal()
    return len(ident) <= LONGEST_NAME and ident.isascii() and ident.isprintable() and "\\" not in ident


def _usual(section: bytes, read: Callable[[bytes], dict[str, Any]], level: Level, levels: int) -> dict[str, Any] | None:
    """The same as `_plain` of what has the shape that is usual, and quicker."""
    try:
        value = read(section)
        if (
            levels >= DEPTH
            and value.get("name", "").isprintable()
            and orjson.dumps(value) == section
            and have_plain_insides((value,), level, levels)
        ):
            return value
    except (msgspec.DecodeError, orjson.JSONEncodeError, UnicodeDecodeError, RecursionError):
        pass
    return None


def _plain(section: bytes, level: Level, needed: str | None, max_depth: int) -> dict[str, Any] | None:
    """Params or a result that have one reading: text that is written as it was read lost nothing on the way."""
    try:
        value: Any = orjson.loads(section)
        if type(value) is not dict or orjson.dumps(value) != section:
            return None
        if (
            (needed is None or needed in value)
            and level.check(value) is None
            and have_one_reading(value, max_depth - 1)
        ):
            found: dict[str, Any] = value
            return found
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        pass
    return None
