"""A session of 100,000 messages over standard streams: how long it takes, and whether memory grows with it."""

import time

from given import Given
from lane import StdioLane, stdio_lanes
from process import BenchError
from sheet import Column, Row, Sheet
from way import PUMP, stdio_ways

_MESSAGES = 100_000
_CHUNK = 500  # calls
_SECONDS_OF_PEERS = 5.0
_COLUMNS = (
    Column("messages", "messages", ""),
    Column("seconds", "for 100,000", "s", 1),
    Column("to_floor", "times", "floor", 2),
    Column("before_mb", "memory before", "MB", 1),
    Column("after_mb", "memory after", "MB", 1),
    Column("growth", "growth", "KB per 1,000", 1),
)


def long(given: Given) -> Sheet:
    """One session each, one after the other. A slow peer's is shorter; its time is what 100,000 would take."""
    lanes, left_out = stdio_lanes(stdio_ways(given.peers), given)
    rows: list[Row] = []
    for lane in lanes:
        try:
            rows.append(_session(lane, given))
        except BenchError as error:
            if lane.role != "peer":
                raise
            left_out.append(f"{lane.name}: {error}")
    pump = next(row.figures["seconds"] for row in rows if row.way == PUMP)
    for row in rows:
        if row.role in ("own", "peer"):
            row.figures["to_floor"] = row.figures["seconds"] / pump
    title = f"stdio: a session of {_MESSAGES:,} messages of {given.size} bytes, {given.depth} calls in flight"
    return Sheet("long", title, _COLUMNS, rows, left_out)


def _session(lane: StdioLane, given: Given) -> Row:
    wanted = given.calls or _MESSAGES // 2
    lane.at_once(min(_CHUNK, wanted), given.size, given.depth)
    before = lane.between.memory("VmRSS") if lane.between is not None else 0
    done, seconds, began = 0, 0.0, time.monotonic()
    while done < wanted:
        spent, made = lane.at_once(min(_CHUNK, wanted - done), given.size, given.depth)
        done, seconds = done + made, seconds + spent
        if lane.role == "peer" and time.monotonic() - began > _SECONDS_OF_PEERS:
            break
    figures = {"messages": 2 * done, "seconds": seconds * _MESSAGES / (2 * done)}
    if lane.between is not None:
        after = lane.between.memory("VmRSS")
        figures |= {"before_mb": before / 1e6, "after_mb": after / 1e6}
        figures["growth"] = (after - before) / 1000 / (2 * done / 1000)
    return Row(lane.name, lane.role, figures)
