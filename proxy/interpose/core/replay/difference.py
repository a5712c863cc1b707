"""What differs between two JSON values, as a person would say it: by path, with what was inserted as inserted.

Lists are compared with alignment: an element that came in is one `extra`, not a change of everything after it. Named
objects (tools, prompts, resources) are compared by their names, and another order of the same is one `order`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from interpose.core.replay.canonical import canonical
from interpose.core.replay.lists import Pairing, align

Kind = Literal["changed", "missing", "extra", "type", "order"]

MOST = 500
_NAME = re.compile(r"[A-Za-z_][0-9A-Za-z_]*")
_ROOM = 72
_AROUND = 12


class Difference(msgspec.Struct, frozen=True):
    """One difference. `path` is a JSONPath (RFC 9535).

    `missing` was recorded and is not there live; `extra` is there live only, and the last step of its path counts as in
    the live value. All other steps count as in the recording. Of `order` both sides are the names, or the values, in
    their order.
    """

    path: str
    kind: Kind
    recorded: Any = None
    live: Any = None


def differences(recorded: Any, live: Any) -> list[Difference]:
    """The differences in the order of the recorded value, at most `MOST`; none when both are equal."""
    found: list[Difference] = []
    waiting: list[tuple[str, Any, Any] | Difference] = [("$", recorded, live)]
    while waiting and len(found) < MOST:
        task = waiting.pop()
        if isinstance(task, Difference):
            found.append(task)
        else:
            waiting.extend(reversed(list(_compare(*task))))
    return found


def told(difference: Difference, recorded: str = "recorded", live: str = "live") -> str:
    """A difference in words, on one line: long texts by the part that differs."""
    one, other = sides(difference)
    words = {"missing": " is missing", "extra": " is extra", "order": " has another order"}.get(difference.kind, "")
    parts = [f"{name} {text}" for name, text in ((recorded, one), (live, other)) if text is not None]
    return f"{difference.path}{words}: {', '.join(parts)}"


def sides(difference: Difference) -> tuple[str | None, str | None]:
    """What a person is shown of both values, no longer than a line; None for the one that is not there."""
    one, other = difference.recorded, difference.live
    if difference.kind == "missing":
        return _short(one), None
    if difference.kind == "extra":
        return None, _short(other)
    if isinstance(one, str) and isinstance(other, str):
        return _apart(one, other)
    return _short(one), _short(other)


def member(path: str, name: str) -> str:
    """The path of a member, as JSONPath spells it."""
    if _NAME.fullmatch(name):
        return f"{path}.{name}"
    text = json.dumps(name, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"{path}['{text}']"


_Task = tuple[str, Any, Any] | Difference


def _compare(path: str, recorded: Any, live: Any) -> Iterator[_Task]:
    if kind_of(recorded) != kind_of(live):
        yield Difference(path, "type", recorded, live)
    elif type(recorded) is dict:
        yield from _of_objects(path, recorded, live)
    elif type(recorded) is list:
        yield from _of_lists(path, recorded, live)
    elif recorded != live:
        yield Difference(path, "changed", recorded, live)


def _of_objects(path: str, recorded: dict[str, Any], live: dict[str, Any]) -> Iterator[_Task]:
    for name, value in recorded.items():
        if name in live:
            yield member(path, name), value, live[name]
        else:
            yield Difference(member(path, name), "missing", recorded=value)
    for name, value in live.items():
        if name not in recorded:
            yield Difference(member(path, name), "extra", live=value)


def _of_lists(path: str, recorded: list[Any], live: list[Any]) -> Iterator[_Task]:
    aligned = align(recorded, live)
    if aligned.order is not None:
        yield Difference(path, "order", *aligned.order)
    for pairing in aligned.pairings:
        yield _of_pairing(path, recorded, live, pairing)


def _of_pairing(path: str, recorded: list[Any], live: list[Any], pairing: Pairing) -> _Task:
    one, other = pairing
    if other is None:
        assert one is not None
        return Difference(f"{path}[{one}]", "missing", recorded=recorded[one])
    if one is None:
        return Difference(f"{path}[{other}]", "extra", live=live[other])
    return f"{path}[{one}]", recorded[one], live[other]


def kind_of(value: Any) -> str:
    """The JSON type of a value."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"


def equal(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: `true` is not `1`, and `1` is `1.0`."""
    try:
        return canonical(one) == canonical(other)
    except RecursionError:
        return not differences(one, other)


def _short(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return f"({kind_of(value)}, nested deep)"
    return text if len(text) <= _ROOM else f"{text[: _ROOM - 1]}…"


def _apart(one: str, other: str) -> tuple[str, str]:
    """Two texts as JSON; when long, what differs in each, with a little of what is around it."""
    if max(len(one), len(other)) <= _ROOM:
        return _quoted(one), _quoted(other)
    shorter = min(len(one), len(other))
    start = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    end = next((at for at in range(shorter - start) if one[-1 - at] != other[-1 - at]), shorter - start)
    begin = max(0, start - _AROUND)
    return _part(one, begin, len(one) - end), _part(other, begin, len(other) - end)


def _part(text: str, begin: int, end: int) -> str:
    stop = min(end + _AROUND, begin + _ROOM, len(text))
    return f"{'…' if begin else ''}{_quoted(text[begin:stop])}{'…' if stop < len(text) else ''}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
