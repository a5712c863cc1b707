"""A mapping that remembers the last so many entries and no more: memory must not grow with the number of messages."""

from collections import OrderedDict
from typing import Generic, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Ring(OrderedDict[_K, _V], Generic[_K, _V]):
    """An ordered dict with room for `room` entries; the oldest goes first."""

    def __init__(self, room: int = 1024) -> None:
        super().__init__()
        self.room = room

    def put(self, key: _K, value: _V) -> tuple[_K, _V] | None:
        """Add or renew an entry. Returns the one that had to go."""
        self[key] = value
        self.move_to_end(key)
        return self.popitem(last=False) if len(self) > self.room else None
