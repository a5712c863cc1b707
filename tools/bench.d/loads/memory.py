"""Resident memory: of one idle session over standard streams, and of each further session over HTTP."""

from given import Given
from lane import HttpLane, StdioLane, http_lanes, stdio_lanes
from process import BenchError
from sheet import Column, Row, Sheet
from way import http_ways, stdio_ways

_CALLS = 20
_WARMING = 20
_SESSIONS, _SESSIONS_OF_PEERS = 200, 50
_COLUMNS = (
    Column("idle_mb", "idle session", "MB", 1),
    Column("peak_mb", "at most", "MB", 1),
    Column("session_kb", "each further session", "KB"),
    Column("sessions", "measured over", "sessions"),
)


def memory(given: Given) -> Sheet:
    """What the process between holds; what its children hold is not counted."""
    over_stdio, left_out = stdio_lanes(stdio_ways(given.peers), given)
    over_http, left_out_too = http_lanes(http_ways(given.peers), given, given.scene.json_port)
    left_out += left_out_too
    rows: list[Row] = []
    for lane in (*over_stdio, *over_http):
        if lane.between is None:
            continue
        try:
            rows.append(_idle(lane, given) if isinstance(lane, StdioLane) else _slope(lane, given))
        except BenchError as error:
            if lane.role != "peer":
                raise
            left_out.append(f"HTTP: {lane.name}: {error}")
    title = "resident memory of the process between: idle after a few calls, and for each further HTTP session"
    return Sheet("memory", title, _COLUMNS, rows, left_out)


def _idle(lane: StdioLane, given: Given) -> Row:
    assert lane.between is not None
    lane.one_by_one(_CALLS, given.size)
    figures = {"idle_mb": lane.between.memory("VmRSS") / 1e6, "peak_mb": lane.between.memory("VmHWM") / 1e6}
    return Row(f"stdio: {lane.name}", lane.role, figures)


def _slope(lane: HttpLane, given: Given) -> Row:
    """Sessions are opened one after the other, make a call each, and stay."""
    assert lane.between is not None
    idle = lane.between.memory("VmRSS")
    count = given.calls or (_SESSIONS_OF_PEERS if lane.role == "peer" else _SESSIONS)
    lane.at_once(_WARMING, given.size, _WARMING)
    before = lane.between.memory("VmRSS")
    lane.open_further(count, given.size)
    after = lane.between.memory("VmRSS")
    figures = {"idle_mb": idle / 1e6, "session_kb": (after - before) / count / 1000, "sessions": count}
    return Row(f"HTTP: {lane.name}", lane.role, figures | {"peak_mb": lane.between.memory("VmHWM") / 1e6})
