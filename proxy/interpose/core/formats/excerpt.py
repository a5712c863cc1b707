"""What a piece of JSON says in a few words. Large ones are never parsed: their beginning is looked at."""

import json
import re
from collections.abc import Callable
from typing import Any

from interpose.core.formats.words import cut, plural, safe, size
from interpose.core.wire.message import parse

MOST = 65_536
ROOM = 200
_LOOK = 4096
_TEXT = re.compile(rb'"(?:text|message|data|blob)"\s*:\s*("(?:[^"\\]|\\.){0,300})')
_HIDDEN = ("_meta", "resultType", "ttlMs", "cacheScope", "requestState")


def value(raw: bytes) -> Any:
    """The JSON as Python values; None when it is too large to look at, or unreadable."""
    return parse(raw) if 0 < len(raw) <= MOST else None


def members(raw: bytes) -> dict[str, Any]:
    """The members of a JSON object; none of anything else, or of a large one."""
    found = value(raw)
    return found if isinstance(found, dict) else {}


def rough(raw: bytes, whole: int | None = None) -> str:
    """The first text in a large piece of JSON, and how large it is."""
    head = raw[:_LOOK]
    found = _TEXT.search(head)
    text = (found.group(1)[1:] if found else head).decode("utf-8", "replace")
    return f"{size(len(raw) if whole is None else whole)}: {said(text)}"


def said(text: str, room: int = ROOM) -> str:
    """Somebody's prose, on one line and harmless."""
    return cut(safe(" ".join(text[: 4 * room].split())), room)


def quoted(text: str, room: int = ROOM) -> str:
    """Somebody's text to the letter, harmless all the same."""
    return f'"{cut(safe(text[: 4 * room]), room)}"'


def compact(found: Any, room: int = ROOM) -> str:
    """A value as people write it: `"Oslo"`, `3`, `{a: 1, b: [2 items]}`."""
    if isinstance(found, str):
        return quoted(found, room)
    if isinstance(found, dict):
        return f"{{{', '.join(f'{said(str(key), 30)}: {_nested(each)}' for key, each in list(found.items())[:8])}}}"
    if isinstance(found, list):
        return f"[{', '.join(map(_nested, found))}]" if len(found) <= 3 else f"[{plural(len(found), 'item')}]"
    return said(json.dumps(found), room)


def pairs(found: Any) -> str:
    """The members of an object as arguments: `city="Oslo" days=3`."""
    if not isinstance(found, dict):
        return "" if found is None else compact(found)
    return " ".join(f"{said(str(key), 30)}={compact(each, 80)}" for key, each in list(found.items())[:12])


def rest(found: dict[str, Any]) -> str:
    """What is left of an object once the protocol's own members are put aside."""
    return pairs({key: each for key, each in found.items() if key not in _HIDDEN})


def told(teller: Callable[[dict[str, Any]], str], found: dict[str, Any]) -> str:
    """What a method's own teller makes of it; its members where it is shaped as no version says."""
    try:
        return teller(found)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return rest(found)


def names(items: Any, noun: str, key: str = "name") -> str:
    """How many, and which: `3 tools: echo, add, roll`."""
    if not isinstance(items, list):
        return ""
    known = [str(each.get(key)) for each in items[:12] if isinstance(each, dict) and each.get(key)]
    counted = plural(len(items), noun)
    return f"{counted}: {said(', '.join(known))}" if known else counted


def _nested(found: Any) -> str:
    if isinstance(found, dict):
        return "{}" if not found else "{…}"
    if isinstance(found, list):
        return f"[{plural(len(found), 'item')}]" if found else "[]"
    return compact(found, 40)
