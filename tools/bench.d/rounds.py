"""The measuring: every way takes its turn in every round, so that a machine that drifts is unfair to none of them."""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from lane import Lane, Site, Way, stdio_commands
from load import StdioLoad
from process import Running


@dataclass(frozen=True)
class Plan:
    """How much is measured: calls in one turn, calls in flight for throughput, rounds."""

    calls: int
    concurrency: int
    rounds: int


@dataclass(frozen=True)
class Turn:
    """What one way did in one round. Delays are microseconds; CPU is milliseconds for 1000 messages of the process
    between, with one call in flight and with many."""

    per_second: float
    p50: float
    p99: float
    cpu_one: float
    cpu_many: float


Turns = dict[tuple[str, str], list[Turn]]  # by lane and way


def take_turns(lanes: Sequence[Lane], plan: Plan, deadline: float) -> Turns:
    """All rounds, or as many as end before the deadline: at least one. A short round before them is thrown away."""
    found: Turns = {(lane.name, way.name): [] for lane in lanes for way in lane.ways}
    warming = Plan(max(1, plan.calls // 5), plan.concurrency, 1)
    for _ in _each(lanes, warming):
        pass
    longest = 0.0
    for done in range(plan.rounds):
        start = time.monotonic()
        if done and start + longest > deadline:
            break
        for key, turn in _each(lanes, plan):
            found[key].append(turn)
        longest = max(longest, time.monotonic() - start)
    return found


def start_up(site: Site, trials: int) -> dict[str, float]:
    """Milliseconds from starting a stdio command to its first answer, by way: the median of trials in turn."""
    found: dict[str, list[float]] = {}
    for _ in range(trials):
        for name, command in stdio_commands(site).items():
            start = time.perf_counter()
            with Running(command, site.folder / "stderr.log") as process:
                StdioLoad(process, site.size).open()
                found.setdefault(name, []).append((time.perf_counter() - start) * 1000)
    return {name: median(times) for name, times in found.items()}


def percentile(values: Sequence[float], part: float) -> float:
    """The value that this part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _each(lanes: Sequence[Lane], plan: Plan) -> Iterator[tuple[tuple[str, str], Turn]]:
    for lane in lanes:
        for way in lane.ways:
            yield (lane.name, way.name), _turn(way, plan)


def _turn(way: Way, plan: Plan) -> Turn:
    first, second = way.load.calls(plan.calls), way.load.calls(plan.calls)
    with _quiet():
        before, made = _cpu(way), way.load.made
        delays = way.load.one_by_one(first)
        between, made_one = _cpu(way), way.load.made
        seconds = way.load.at_once(second, plan.concurrency)
        after, made_many = _cpu(way), way.load.made
    return Turn(
        plan.calls / seconds,
        percentile(delays, 0.50) / 1000,
        percentile(delays, 0.99) / 1000,
        _per_thousand(between - before, plan.calls + made_one - made),
        _per_thousand(after - between, plan.calls + made_many - made_one),
    )


def _per_thousand(seconds: float, calls: int) -> float:
    return seconds * 1000 / (2 * calls) * 1000  # a call is two messages


def _cpu(way: Way) -> float:
    return way.between.cpu() if way.between is not None else 0.0


@contextmanager
def _quiet() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
