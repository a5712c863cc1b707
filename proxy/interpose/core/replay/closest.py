"""Which recorded message somebody probably meant who said one that was never recorded. The work is bounded."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

import msgspec

from interpose.core.replay.difference import Difference, differences

MOST_LOOKED_AT = 50
_WEIGHTS = {"changed": 1.0, "type": 1.5, "missing": 2.0, "extra": 2.0, "order": 0.5}
_NAMES = frozenset({"$.params.name", "$.params.uri"})
_NAME = 10.0
_METHOD = 1000.0
_TEXT = 200


class Near(msgspec.Struct, frozen=True):
    """A recorded message, by whatever the caller knows it, and how it differs from the live one."""

    key: int
    weight: float
    differences: tuple[Difference, ...]


def closest(live: Any, candidates: Iterable[tuple[int, Any]], most: int = 1) -> list[Near]:
    """The nearest of the first `MOST_LOOKED_AT` candidates (key and comparable), nearest first, the earlier of equals.

    Candidates of the same method come before all others, so a caller with many gives those first.
    """
    found = [_near(key, recorded, live) for key, recorded in islice(candidates, MOST_LOOKED_AT)]
    return sorted(found, key=lambda near: near.weight)[:most]


def weight(found: Iterable[Difference]) -> float:
    """How much differences count together: a method most, then a name, then what is there or not, then a value."""
    return sum(map(_weight, found))


def _near(key: int, recorded: Any, live: Any) -> Near:
    found = tuple(differences(recorded, live))
    return Near(key, weight(found), found)


def _weight(difference: Difference) -> float:
    base = _WEIGHTS[difference.kind]
    one, other = difference.recorded, difference.live
    if difference.kind == "changed" and isinstance(one, str) and isinstance(other, str):
        base = 1.0 - 0.9 * SequenceMatcher(None, one[:_TEXT], other[:_TEXT], autojunk=False).quick_ratio()
    if difference.path == "$.method":
        return _METHOD * (1 + base)
    return _NAME + base if difference.path in _NAMES else base
