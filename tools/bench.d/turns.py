"""The measuring: every way takes its turn in every round, so that a machine that drifts is unfair to none of them."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Generic, Protocol, TypeVar

from process import BenchError
from way import Role

Figures = dict[str, float]


class Named(Protocol):
    """A way, as far as turns know it."""

    @property
    def name(self) -> str: ...

    @property
    def role(self) -> Role: ...


W = TypeVar("W", bound=Named)


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds, seconds after which no further round begins, seconds that a turn should take."""

    rounds: int
    budget: float
    turn: float = 0.25


@dataclass
class Turns(Generic[W]):
    """What each way did in each round. A peer that failed is in `left_out` instead, with its reason."""

    ways: list[W]
    found: dict[str, list[Figures]]
    left_out: list[str] = field(default_factory=list)

    def has(self, way: str, key: str) -> bool:
        """Whether every turn of a way has this figure."""
        return all(key in turn for turn in self.found[way])

    def median(self, way: str, key: str) -> float:
        """Over all rounds."""
        return median(turn[key] for turn in self.found[way])

    def added(self, way: str, key: str, beyond: str) -> float:
        """How much more than another way, compared within each round."""
        pairs = zip(self.found[way], self.found[beyond], strict=True)
        return median(own[key] - other[key] for own, other in pairs)

    def ratio(self, way: str, key: str, to: str) -> float:
        """A median as a part of another way's."""
        return self.median(way, key) / self.median(to, key)


def take_turns(ways: Sequence[W], measure: Callable[[W], Figures], plan: Plan, warm: bool = True) -> Turns[W]:
    """All rounds, or as many as fit into the budget: at least one. A first one, to warm up, is thrown away.

    Raises: BenchError when it is no peer that failed.
    """
    turns = Turns(list(ways), {way.name: [] for way in ways})
    deadline, longest = time.monotonic() + plan.budget, 0.0
    if warm:
        _round(turns, measure)
        turns.found = {name: [] for name in turns.found}
    for done in range(plan.rounds):
        start = time.monotonic()
        if done and start + longest > deadline:
            break
        _round(turns, measure)
        longest = max(longest, time.monotonic() - start)
    return turns


def count_for(seconds: float, spent: float, done: int, least: int, most: int) -> int:
    """How many calls fill a turn, by how long some took."""
    return max(least, min(most, int(done * seconds / max(spent, 1e-9))))


@contextmanager
def quiet() -> Iterator[None]:
    """No garbage collection of the bench's own meanwhile."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def percentile(values: Sequence[float], part: float) -> float:
    """The value that this part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _round(turns: Turns[W], measure: Callable[[W], Figures]) -> None:
    for way in list(turns.ways):
        try:
            with quiet():
                turns.found[way.name].append(measure(way))
        except BenchError as error:
            if way.role != "peer":
                raise BenchError(f"{way.name}: {error}") from None
            turns.ways.remove(way)
            del turns.found[way.name]
            turns.left_out.append(f"{way.name}: {error}")
