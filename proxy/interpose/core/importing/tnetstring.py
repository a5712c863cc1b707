"""Typed netstrings as mitmproxy writes them: `LENGTH:DATATYPE`, where text (`;`) is apart from bytes (`,`)."""

import re

Value = None | bool | int | float | bytes | str | list["Value"] | dict[str, "Value"]

_LENGTH = re.compile(rb"(\d{1,12}):")
_DIGITS = 12
_DEEPEST = 64
_LITERALS: dict[bytes, bool] = {b"true": True, b"false": False}


def read_value(data: bytes, start: int, depth: int = 0) -> tuple[Value, int]:
    """The value that begins at an offset, and where it ends.

    Raises: EOFError where the data is cut off inside of it; ValueError with the offset where it is no such value.
    """
    found = _LENGTH.match(data, start)
    if found is None:
        rest = data[start : start + _DIGITS + 1]
        if not rest or (rest.isdigit() and len(rest) <= _DIGITS):
            raise EOFError(f"offset {start}: cut off")
        raise ValueError(f"offset {start}: no length of a value stands there")
    begin, end = found.end(), found.end() + int(found[1])
    if end >= len(data):
        raise EOFError(f"offset {start}: cut off, {end + 1 - len(data)} bytes are missing")
    return _decode(data, begin, end, depth), end + 1


def _decode(data: bytes, begin: int, end: int, depth: int) -> Value:
    kind = data[end : end + 1]
    if kind in (b"]", b"}"):
        items = _items(data, begin, end, depth)
        return items if kind == b"]" else _pairs(items, begin)
    payload = data[begin:end]
    try:
        match kind:
            case b",":
                return payload
            case b";":
                return payload.decode()
            case b"#":
                return int(payload)
            case b"^":
                return float(payload)
            case b"!":
                return _LITERALS[payload]
            case b"~" if not payload:
                return None
    except (ValueError, KeyError):
        pass
    raise ValueError(f"offset {begin}: {len(payload)} bytes are no value of type {kind.decode('ascii', 'replace')!r}")


def _items(data: bytes, begin: int, end: int, depth: int) -> list[Value]:
    if depth >= _DEEPEST:
        raise ValueError(f"offset {begin}: nested more than {_DEEPEST} deep")
    items: list[Value] = []
    while begin < end:
        try:
            value, after = read_value(data, begin, depth + 1)
        except EOFError:
            raise ValueError(f"offset {begin}: longer than what it is in") from None
        if after > end:
            raise ValueError(f"offset {begin}: longer than what it is in")
        items.append(value)
        begin = after
    return items


def _pairs(items: list[Value], begin: int) -> dict[str, Value]:
    keys, values = items[::2], items[1::2]
    if len(keys) != len(values):
        raise ValueError(f"offset {begin}: a key without a value")
    return {_key(key, begin): value for key, value in zip(keys, values, strict=True)}


def _key(key: Value, begin: int) -> str:
    if not isinstance(key, str | bytes):
        raise ValueError(f"offset {begin}: a key that is no text")
    return key if isinstance(key, str) else key.decode("ascii", "replace")
