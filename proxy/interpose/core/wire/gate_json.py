"""Whether JSON has one reading only: well-formed, no duplicate keys, no number that readers round, not too deep.

The fast way reads with orjson and writes again: text that comes back as it was, or at least with all its colons, lost
no key on the way. What does not add up is read again, slowly, by the standard library with a say on every object.
"""

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from interpose.core.wire.gate_level import fold
from interpose.core.wire.gate_members import ORDINARY, ORDINARY_FOLDED
from interpose.core.wire.gate_objection import WORTH_READING, Objection, What

Container = dict[str, Any] | list[Any]

_BLANK = b" \t\r\n"
# Digits become 0, dots stay, all else is blank: an integer with as many digits as 2**63 shows, a fraction does not.
_SHAPE = bytes(0x30 if 0x30 <= code <= 0x39 else code if code == 0x2E else 0x20 for code in range(256))
_LONG = b" " + b"0" * 19
_MINUS_ZERO = re.compile(rb"-0(?=[,\]}\s])(?<=[:\[,\s]-0)")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LEAST, _MOST = -(2**63), 2**64 - 1
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SIZE = 20


class _Found(Exception):
    """Leaves the standard library's reader with what its hooks found."""

    def __init__(self, what: What, reason: str) -> None:
        super().__init__(reason)
        self.objection = Objection(what, reason)


def judge(raw: bytes, max_depth: int, *, exact_keys: bool = False) -> Container | Objection:
    """The values, when there is one way to read them. `exact_keys` lets keys differ by case and the like."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _why_unread(raw, max_depth, error)
    if type(value) is not dict and type(value) is not list:
        return Objection("envelope", "neither an object nor an array")
    keys: list[str] = []
    try:
        if not collect(value, keys, max_depth):
            return _too_deep(max_depth)
        if _may_deceive(raw, value) and (found := _read_slowly(raw)) is not None:
            return found
    except RecursionError:
        return _too_deep(max_depth)
    if not exact_keys and collides(value, keys):
        return Objection("key", "two keys of an object differ only by case, width or unseen characters")
    return value


def collect(value: Container, keys: list[str], levels: int) -> bool:
    """All keys of all objects; False when there are more levels than that."""
    level: list[Container] = [value]
    while level and levels:
        levels -= 1
        inside: list[Container] = []
        for holder in level:
            if type(holder) is dict:
                keys += holder
            for item in holder.values() if type(holder) is dict else holder:
                if type(item) is dict or type(item) is list:
                    inside.append(item)
        level = inside
    return not level


def _may_deceive(raw: bytes, value: Container) -> bool:
    """Whether a key may stand twice, or an integer be one that readers change."""
    try:
        again = orjson.dumps(value)
    except orjson.JSONEncodeError:  # deeper than it writes
        return True
    if again == raw:  # what was dropped or rounded would be missing here
        return False
    # Strings have their colons in both texts, unless they are escaped; a member that was dropped took its colon along.
    if raw.count(b":") != again.count(b":") or b"\\u003a" in raw or b"\\u003A" in raw:
        return True
    return _LONG in raw.translate(_SHAPE) or (b"-0" in raw and _MINUS_ZERO.search(raw) is not None)


def collides(value: Container, keys: list[str]) -> bool:
    """Whether two keys of one object are the same to a lenient reader; `keys` are those of the whole message."""
    twins = _twins(keys)
    for item in _objects(value) if twins else ():
        found = twins.keys() & item.keys()
        if len(found) > 1 and len({twins[key] for key in found}) < len(found):
            return True
    return False


def _twins(keys: list[str]) -> dict[str, str]:
    """The keys that fold to the same as another one anywhere in the message, and what they fold to."""
    if ORDINARY.issuperset(keys):
        return {}
    rare = set(keys) - ORDINARY
    text = "".join(rare)
    plain = text.isascii() and text.isprintable() and " " not in text
    folded = set(map(str.lower if plain else fold, rare))
    if len(folded) == len(rare) and ORDINARY_FOLDED.isdisjoint(folded):
        return {}
    folds = {key: fold(key) for key in set(keys)}
    count = Counter(folds.values())
    return {key: folded for key, folded in folds.items() if count[folded] > 1}


def _objects(value: Container) -> Iterator[dict[str, Any]]:
    level: list[Any] = [value]
    while level:
        item = level.pop()
        if type(item) is dict:
            yield item
            level += item.values()
        elif type(item) is list:
            level += item


def _read_slowly(raw: bytes) -> Objection | None:
    """The fault in text that may hold one; it is well-formed UTF-8 or the fault says that it is not."""
    try:
        json.loads(
            raw.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except _Found as found:
        return found.objection
    except json.JSONDecodeError as error:
        return _no_json(error)
    except RecursionError:
        return Objection("depth", "nested too deep")
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Found("key", "an object has the same key twice")
    return value


def _integer(text: str) -> int:
    if text == "-0":
        raise _Found("number", "the integer -0, which readers turn into 0")
    if len(text) > _SIZE or not _LEAST <= (value := int(text)) <= _MOST:
        raise _Found("number", "an integer beyond 64 bits")
    return value


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _Found("number", "a number beyond the range of doubles")
    return value


def _constant(text: str) -> float:
    raise _Found("json", f"{text}, which is no JSON")


def _too_deep(max_depth: int) -> Objection:
    return Objection("depth", f"nested deeper than {max_depth} levels")


def _why_unread(raw: bytes, max_depth: int, error: json.JSONDecodeError) -> Objection:
    """What is wrong with what orjson does not read. It takes all that the standard has, up to 1024 levels."""
    if not raw.strip(_BLANK):
        return Objection("blank", "an empty frame")
    if raw.startswith(codecs.BOM_UTF8):
        return Objection("encoding", "a byte order mark before the message")
    if raw.startswith(_WIDE) or b"\0" in raw:
        return Objection("encoding", "NUL bytes or a UTF-16 or UTF-32 mark: messages are UTF-8")
    try:
        raw.decode()
    except UnicodeDecodeError as fault:
        return Objection("encoding", f"no UTF-8 at byte {fault.start}")
    if len(raw) > WORTH_READING:
        return _no_json(error)
    found = _read_slowly(raw)
    if found is None and _SURROGATE.search(raw):
        return Objection("encoding", "half of a surrogate pair")
    return _too_deep(max_depth) if found is None or found.what == "depth" else found


def _no_json(error: json.JSONDecodeError) -> Objection:
    return Objection("json", f"no JSON: {error.msg.lower()} at character {error.pos}")
