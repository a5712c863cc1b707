"""What was made of things that are said again and again, made once."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Said = TypeVar("Said", bound=Sequence[Any])
Made = TypeVar("Made")


class Remembered(dict[Said, Made]):
    """What was made of each, for as many as `most`; then all of it is forgotten.

    Some of it are credentials: it is for memory alone.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def remember(self, said: Said, made: Made) -> None:
        if len(self) >= self._most:
            self.clear()
        self[said] = made


class Kept(Remembered[Said, Made]):
    """What `make` makes of each, made when it is first asked for. Nothing over `longest` is kept."""

    def __init__(self, make: Callable[[Said], Made], *, most: int, longest: int) -> None:
        super().__init__(most)
        self._make, self._longest = make, longest

    def __missing__(self, said: Said) -> Made:
        made = self._make(said)
        if sum(map(len, said)) <= self._longest:
            self.remember(said, made)
        return made
