"""Which elements of two lists belong together: by their names, by being equal, by being alike. The work is bounded."""

from difflib import SequenceMatcher
from typing import Any

import msgspec

from interpose.core.replay.canonical import canonical

Pairing = tuple[int | None, int | None]
"""Indexes in the recorded and the live list; None where there is no counterpart."""

_NAMES = ("name", "uri", "uriTemplate")
_MOST_ALIGNED = 400
_MOST_ALIKE = 24


class Aligned(msgspec.Struct, frozen=True):
    """The pairings that are worth comparing, and both orders where the same came in another one."""

    pairings: list[Pairing]
    order: tuple[list[Any], list[Any]] | None = None


def align(recorded: list[Any], live: list[Any]) -> Aligned:
    """Pairings in the order of the recorded list; equal elements are left out."""
    named = _names(recorded, live)
    if named is not None:
        return _by_name(*named)
    try:
        one, other = [canonical(each) for each in recorded], [canonical(each) for each in live]
    except RecursionError:
        return Aligned(_by_place(range(len(recorded)), range(len(live))))
    if one == other:
        return Aligned([])
    if sorted(one) == sorted(other):
        return Aligned([], (recorded, live))
    return Aligned(_by_content(recorded, live, one, other))


def _names(recorded: list[Any], live: list[Any]) -> tuple[list[str], list[str]] | None:
    """The names of all elements, when all are objects with one and no two have the same."""
    if not recorded or not live:
        return None
    for key in _NAMES:
        one, other = _values(recorded, key), _values(live, key)
        if one is not None and other is not None:
            return one, other
    return None


def _values(items: list[Any], key: str) -> list[str] | None:
    found = [item.get(key) for item in items if isinstance(item, dict)]
    names = [name for name in found if isinstance(name, str)]
    return names if len(set(names)) == len(items) else None


def _by_name(recorded: list[str], live: list[str]) -> Aligned:
    places = {name: index for index, name in enumerate(live)}
    pairings: list[Pairing] = [(index, places.get(name)) for index, name in enumerate(recorded)]
    known = set(recorded)
    pairings += [(None, index) for index, name in enumerate(live) if name not in known]
    common = [name for name in recorded if name in places]
    now = [name for name in live if name in known]
    return Aligned(pairings, None if common == now else (common, now))


def _by_place(recorded: range, live: range) -> list[Pairing]:
    """One after the other; what is left over has no counterpart."""
    both = min(len(recorded), len(live))
    pairings: list[Pairing] = list(zip(recorded[:both], live[:both], strict=True))
    pairings += [(index, None) for index in recorded[both:]]
    return pairings + [(None, index) for index in live[both:]]


def _by_content(recorded: list[Any], live: list[Any], one: list[bytes], other: list[bytes]) -> list[Pairing]:
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    rows, columns = range(start, len(one) - end), range(start, len(other) - end)
    if len(rows) > _MOST_ALIGNED or len(columns) > _MOST_ALIGNED:
        return _by_place(rows, columns)
    pairings: list[Pairing] = []
    matcher = SequenceMatcher(None, one[rows.start : rows.stop], other[columns.start : columns.stop], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            pairings += _alike(recorded, live, rows[i1:i2], columns[j1:j2])
    return pairings


def _alike(recorded: list[Any], live: list[Any], rows: range, columns: range) -> list[Pairing]:
    """Two stretches without an equal element: those that are alike are paired, in order."""
    if len(rows) == len(columns) or not rows or not columns or max(len(rows), len(columns)) > _MOST_ALIKE:
        return _by_place(rows, columns)
    best: list[list[tuple[float, Pairing | None]]] = [[(0.0, None)] * (len(columns) + 1) for _ in range(len(rows) + 1)]
    for i in reversed(range(len(rows) + 1)):
        for j in reversed(range(len(columns) + 1)):
            choices: list[tuple[float, Pairing | None]] = []
            if i < len(rows) and j < len(columns):
                gain = likeness(recorded[rows[i]], live[columns[j]])
                choices.append((best[i + 1][j + 1][0] + gain, (rows[i], columns[j])))
            if i < len(rows):
                choices.append((best[i + 1][j][0], (rows[i], None)))
            if j < len(columns):
                choices.append((best[i][j + 1][0], (None, columns[j])))
            best[i][j] = max(choices, key=lambda choice: choice[0], default=(0.0, None))
    return _walk(best)


def _walk(best: list[list[tuple[float, Pairing | None]]]) -> list[Pairing]:
    pairings: list[Pairing] = []
    i = j = 0
    while (pairing := best[i][j][1]) is not None:
        pairings.append(pairing)
        i, j = i + (pairing[0] is not None), j + (pairing[1] is not None)
    return pairings


def likeness(one: Any, other: Any) -> float:
    """How alike two values are, from 0 to 1, at a glance: names of members and what they hold, not what is below."""
    if type(one) is not type(other):
        return 0.0
    if isinstance(one, dict):
        names = one.keys() | other.keys()
        shared = one.keys() & other.keys()
        same = sum(1 for name in shared if one[name] == other[name])
        return 0.01 + 0.99 * (len(shared) + 2 * same) / (3 * len(names)) if names else 1.0
    if isinstance(one, str):
        return 0.01 + 0.99 * SequenceMatcher(None, one[:200], other[:200], autojunk=False).quick_ratio()
    return 1.0 if one == other else 0.01
