"""The measurements as rows, and rows as a table: absolute figures, and beside them how many times that is."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from lane import DIRECT, PUMP
from rounds import Turn, Turns


@dataclass(frozen=True)
class Row:
    """One way on one lane, medians over rounds. Delays are microseconds, CPU milliseconds for 1000 messages.

    `added` compares within a round with no proxy, `over_pump` with the byte pump; ratios are of the medians.
    """

    lane: str
    way: str
    rounds: int
    calls_per_second: float
    p50: float
    p99: float
    added_p50: float
    added_p99: float
    over_pump_p50: float
    over_pump_p99: float
    speed_to_direct: float
    speed_to_pump: float
    p50_to_direct: float
    p50_to_pump: float
    cpu_one_in_flight: float
    cpu_many_in_flight: float


def rows(turns: Turns) -> list[Row]:
    """A row for each way of each lane."""
    return [
        _row(lane, way, taken, turns[lane, DIRECT], turns[lane, PUMP]) for (lane, way), taken in turns.items() if taken
    ]


def _row(lane: str, way: str, own: Sequence[Turn], direct: Sequence[Turn], pump: Sequence[Turn]) -> Row:
    speed, p50 = median(turn.per_second for turn in own), median(turn.p50 for turn in own)
    return Row(
        lane,
        way,
        len(own),
        speed,
        p50,
        median(turn.p99 for turn in own),
        median(a.p50 - b.p50 for a, b in zip(own, direct, strict=True)),
        median(a.p99 - b.p99 for a, b in zip(own, direct, strict=True)),
        median(a.p50 - b.p50 for a, b in zip(own, pump, strict=True)),
        median(a.p99 - b.p99 for a, b in zip(own, pump, strict=True)),
        speed / median(turn.per_second for turn in direct),
        speed / median(turn.per_second for turn in pump),
        p50 / median(turn.p50 for turn in direct),
        p50 / median(turn.p50 for turn in pump),
        median(turn.cpu_one for turn in own),
        median(turn.cpu_many for turn in own),
    )


_HEADS = (
    ("", "", "calls/s", "of", "of", "p50", "x", "x", "p99", "added", "added", "over pump", "over pump", "CPU", "CPU"),
    ("", "", "", "none", "pump", "µs", "none", "pump", "µs", "p50 µs", "p99 µs", "p50 µs", "p99 µs", "one", "many"),
)


def table(found: Iterable[Row]) -> str:
    """The rows for people. CPU: milliseconds of the process between for 1000 messages, one and many in flight."""
    lines = [*_HEADS, *map(_cells, found)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(cells, widths) for cells in lines)


def start_up_lines(found: dict[str, float]) -> str:
    """Time to the first answer on stdio, and how much of it is not the server's own."""
    return "\n".join(
        f"{name:<10} {took:8.0f} ms" + ("" if name == DIRECT else f"   added {took - found[DIRECT]:6.0f} ms")
        for name, took in found.items()
    )


def as_values(found: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows for JSON."""
    return [{name: _rounded(value) for name, value in asdict(row).items()} for row in found]


def _rounded(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value


def _cells(row: Row) -> tuple[str, ...]:
    direct, pump = row.way == DIRECT, row.way == PUMP
    return (
        row.lane,
        row.way,
        f"{row.calls_per_second:.0f}",
        _ratio(row.speed_to_direct, direct),
        _ratio(row.speed_to_pump, direct or pump),
        f"{row.p50:.0f}",
        _ratio(row.p50_to_direct, direct),
        _ratio(row.p50_to_pump, direct or pump),
        f"{row.p99:.0f}",
        *("-" if direct else f"{value:.0f}" for value in (row.added_p50, row.added_p99)),
        *("-" if direct or pump else f"{value:.0f}" for value in (row.over_pump_p50, row.over_pump_p99)),
        *("-" if direct else f"{value:.1f}" for value in (row.cpu_one_in_flight, row.cpu_many_in_flight)),
    )


def _ratio(value: float, is_itself: bool) -> str:
    return "-" if is_itself else f"{value:.2f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = "  ".join(cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True))
    rest = "  ".join(cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True))
    return f"{first}  {rest}".rstrip()
