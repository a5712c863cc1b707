"""Messages of 8 MB, there and back: how fast they go, and how much memory they take of whoever is between."""

from collections.abc import Sequence

from given import Given
from lane import HttpLane, StdioLane, http_lanes, stdio_lanes
from sheet import Column, Row, Sheet
from turns import Figures, take_turns
from way import PUMP, RELAY, http_ways, stdio_ways

_SIZE = 8 << 20
_CALLS = 2
_COLUMNS = (
    Column("mb_per_second", "speed", "MB/s"),
    Column("to_floor", "of", "floor", 2),
    Column("peak_mb", "peak memory", "MB"),
    Column("peak_to_message", "peak, times", "the message", 1),
    Column("added_to_message", "above idle,", "times", 1),
)


def large_stdio(given: Given) -> Sheet:
    """Over standard streams."""
    lanes, left_out = stdio_lanes(stdio_ways(given.peers), given)
    return _measured("large-stdio", "stdio", lanes, PUMP, given, left_out)


def large_http(given: Given) -> Sheet:
    """Over HTTP."""
    lanes, left_out = http_lanes(http_ways(given.peers), given, given.scene.json_port)
    return _measured("large-http", "HTTP", lanes, RELAY, given, left_out)


def _measured(
    load: str, over: str, lanes: Sequence[StdioLane] | Sequence[HttpLane], floor: str, given: Given, left_out: list[str]
) -> Sheet:
    idle = {lane.name: lane.between.memory("VmRSS") for lane in lanes if lane.between is not None}
    turns = take_turns(lanes, _turn, given.plan)
    rows = []
    for lane in turns.ways:
        figures = {"mb_per_second": turns.median(lane.name, "mb_per_second")}
        if lane.between is not None:
            figures["to_floor"] = turns.ratio(lane.name, "mb_per_second", floor)
            peak = lane.between.memory("VmHWM")
            figures["peak_mb"] = peak / 1e6
            figures["peak_to_message"] = peak / _SIZE
            figures["added_to_message"] = (peak - idle[lane.name]) / _SIZE
        rows.append(Row(lane.name, lane.role, figures))
    title = f"{over}: calls of 8 MB and answers of 8 MB, one in flight"
    return Sheet(load, title, _COLUMNS, rows, [*left_out, *turns.left_out])


def _turn(lane: StdioLane | HttpLane) -> Figures:
    spent = sum(lane.one_by_one(_CALLS, _SIZE)) / 1e9
    return {"mb_per_second": 2 * _CALLS * _SIZE / spent / 1e6}
