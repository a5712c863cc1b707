"""A recording as it would have been on another day: other ids, times and tokens, the same session."""

import hashlib
import re
from typing import Any

import orjson

from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry
from interpose.core.replay.comparison import Side
from interpose.core.replay.normal import Normal
from interpose.core.replay.options import Options
from interpose.core.replay.story import build

_TIMES = ("createdAt", "lastUpdatedAt", "ttl", "ttlMs", "pollInterval", "pollIntervalMs")


def another_day(data: bytes, salt: str) -> bytes:
    """Every id by another one of its kind, wherever it is; times moved. Chains are left as they were."""
    known: dict[str, str] = {}
    for found in re.findall(rb'"(?:taskId|requestState|nextCursor|elicitationId)":"([^"\\]{6,})"', data):
        if re.search(rb'"arguments":\{[^{}]*' + re.escape(found), data):
            continue  # chosen by who called, not minted
        known[found.decode()] = hashlib.sha256(salt.encode() + found).hexdigest()[: max(8, min(len(found), 60))]
    text = data.decode()
    for one in sorted(known, key=len, reverse=True):
        text = text.replace(one, known[one])
    return b"".join(_moved(line, salt) for line in text.encode().splitlines(keepends=True))


def _moved(line: bytes, salt: str) -> bytes:
    tree = orjson.loads(line)
    if "message" in tree:
        _move(tree["message"], salt)
    if "at" in tree:
        tree["at"] = round(tree["at"] * 1.5, 6)
    return orjson.dumps(tree) + b"\n"


def _move(value: Any, salt: str) -> None:
    for name, each in list(
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        if name in _TIMES and not isinstance(each, dict):
            value[name] = "2031-01-01T00:00:00Z" if isinstance(each, str) else 77
        elif name == "statusMessage":
            value[name] = f"{each} ({salt})"
        _move(each, salt)


def side(data: bytes, options: Options | None = None) -> Side:
    """A recording in memory as one side of a comparison."""
    lines = data.splitlines(keepends=True)
    entries = [decode_entry(line) for line in lines[1:]]

    def fetch(offset: int) -> Entry:
        return entries[offset]

    options = options or Options()
    normal = Normal(options)
    return Side(build(enumerate(entries), normal, options.free), fetch, normal)


def rewritten(data: bytes, seq: int, body: Any) -> bytes:
    """The recording with the message of one entry in other words."""
    lines = data.splitlines(keepends=True)
    tree = orjson.loads(lines[seq])
    assert tree["seq"] == seq
    tree["message"] = body
    return b"".join([*lines[:seq], orjson.dumps(tree) + b"\n", *lines[seq + 1 :]])
