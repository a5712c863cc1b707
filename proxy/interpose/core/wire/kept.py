"""What was made of things that are said again and again, made once."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Said = TypeVar("Said", bound=Sequence[Any])
Made = TypeVar("Made")


class Kept(dict[Said, Made]):
    """What `make` makes of each, for as many as `most`; then all of it is forgotten. Nothing over `longest` is kept.

    Some of it are credentials: it is for memory alone.
    """

    def __init__(self, make: Callable[[Said], Made], *, most: int, longest: int) -> None:
        super().__init__()
        self._make, self._most, self._longest = make, most, longest

    def __missing__(self, said: Said) -> Made:
        made = self._make(said)
        if sum(map(len, said)) <= self._longest:
            if len(self) >= self._most:
                self.clear()
            self[said] = made
        return made
