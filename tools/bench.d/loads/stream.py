"""An answer over HTTP after 1,000 progress notifications on the same event stream."""

from given import Given
from lane import HttpLane, http_lanes
from sheet import Column, Row, Sheet
from turns import Figures, take_turns
from way import RELAY, http_ways

_COUNT = 1000
_COLUMNS = (
    Column("per_second", "events", "1/s"),
    Column("to_floor", "of", "floor", 2),
    Column("arrived", "arrived of", f"{_COUNT:,}"),
    Column("cpu", "CPU", "µs/event", 1),
)


def stream(given: Given) -> Sheet:
    """Events a second, and how many arrive at all."""
    lanes, left_out = http_lanes(http_ways(given.peers), given, given.scene.json_port)
    turns = take_turns(lanes, _turn, given.plan)
    rows = []
    for lane in turns.ways:
        figures = {key: turns.median(lane.name, key) for key in ("per_second", "arrived")}
        if lane.role != "direct":
            figures["to_floor"] = turns.ratio(lane.name, "per_second", RELAY)
            figures["cpu"] = turns.median(lane.name, "cpu")
        rows.append(Row(lane.name, lane.role, figures))
    title = f"HTTP: {_COUNT:,} notifications of about 250 bytes on the event stream of a call, each written by itself"
    return Sheet("stream", title, _COLUMNS, rows, [*left_out, *turns.left_out])


def _turn(lane: HttpLane) -> Figures:
    before = lane.between.cpu() if lane.between is not None else 0.0
    seconds, arrived = lane.notified(_COUNT)
    after = lane.between.cpu() if lane.between is not None else 0.0
    return {"per_second": (arrived + 1) / seconds, "arrived": arrived, "cpu": (after - before) * 1e6 / _COUNT}
