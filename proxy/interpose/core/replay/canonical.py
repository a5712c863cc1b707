"""A JSON value as bytes, the same bytes for equal values: key order, spacing and the spelling of numbers do not count.

A whole number is one number however it is written: `1`, `1.0` and `1e0` are equal, as they are to a JSON reader.
"""

import json
import re
from typing import Any

import msgspec
import orjson

_WHOLE = re.compile(rb"\d\.0(?!\d)|\de")


def canonical(value: Any) -> bytes:
    """The canonical bytes. Raises: RecursionError for what is nested too deep to be written."""
    raw = _written(value)
    return raw if _WHOLE.search(raw) is None else _written(_plain(value))


def _written(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # more than 254 levels, or what comes below
        pass
    try:
        return msgspec.json.encode(value, order="deterministic")
    except (TypeError, ValueError, OverflowError):  # lone surrogates, integers beyond 64 bits
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    """The value with whole floats as integers."""
    if type(value) is dict:
        return {key: _plain(each) for key, each in value.items()}
    if type(value) is list:
        return [_plain(each) for each in value]
    return int(value) if type(value) is float and value.is_integer() else value
