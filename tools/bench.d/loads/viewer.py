"""What it adds to a call that somebody looks at the page: at a pace that people could follow, and at full speed."""

from collections.abc import Sequence

from given import Given
from interposed import RECORDING, VIEWED
from lane import HttpLane, StdioLane, http_lanes, stdio_lanes
from process import BenchError, Running, peer
from sheet import Column, Row, Sheet
from turns import Figures, Turns, count_for, percentile, take_turns
from way import DIRECT, viewed_http_ways, viewed_stdio_ways

_PACE = 1 / 100  # seconds from a call to the next: 200 messages a second
_SECONDS = 1.0
_MOST = 20_000
_TRIED = 5
_COLUMNS = (
    Column("paced_p50", "p50", "µs at 200/s"),
    Column("paced_added", "added p50", "µs at 200/s"),
    Column("paced_more", "with a page", "times, at 200/s", 3),
    Column("paced_p99", "p99", "µs at 200/s"),
    Column("paced_cpu", "CPU", "µs/message at 200/s", 1),
    Column("p50", "p50", "µs"),
    Column("added_p50", "added p50", "µs"),
    Column("more", "with a page", "times", 3),
    Column("p99", "p99", "µs"),
    Column("cpu", "CPU", "µs/message", 1),
)


def viewer(given: Given) -> Sheet:
    """Calls one by one over both transports; at full speed nobody can follow, and the page leaves out what it must."""
    over_stdio, _ = stdio_lanes(viewed_stdio_ways(), given)
    over_http, _ = http_lanes(viewed_http_ways(), given, given.scene.json_port)
    rows = []
    for transport, lanes in (("stdio", over_stdio), ("HTTP", over_http)):
        _look(lanes, given)
        rows += _rows(transport, lanes, given)
    title = f"{given.size}-byte calls one by one, at 200 messages a second and at full speed, with a page open or not"
    return Sheet("viewer", title, _COLUMNS, rows)


def _look(lanes: "Sequence[StdioLane | HttpLane]", given: Given) -> None:
    """Open the page of whoever has one."""
    for lane in lanes:
        if lane.name == VIEWED and lane.between is not None:
            _following(given.scene.start(peer("page_viewer", lane.between.announced_page())))


def _following(process: Running) -> None:
    if process.said() != b"following\n":
        raise BenchError(f"nobody could look at the page: {process.last_words()}")


def _rows(transport: str, lanes: "Sequence[StdioLane | HttpLane]", given: Given) -> list[Row]:
    fast, slow = _counts(lanes, given)
    turns = take_turns(lanes, lambda lane: _turn(lane, given.size, fast, slow), given.plan)
    return [Row(f"{transport}: {lane.name}", lane.role, _figures(turns, lane.name)) for lane in turns.ways]


def _counts(lanes: "Sequence[StdioLane | HttpLane]", given: Given) -> tuple[int, int]:
    """How many calls a turn has at full speed, the same of every way, and at the pace."""
    if given.calls is not None:
        return given.calls, given.calls
    spent = max(sum(lane.one_by_one(_TRIED, given.size)) for lane in lanes) / 1e9
    return count_for(given.plan.turn, spent, _TRIED, 10, _MOST), int(_SECONDS / _PACE)


def _turn(lane: StdioLane | HttpLane, size: int, fast: int, slow: int) -> Figures:
    before = _cpu(lane)
    paced = lane.one_by_one(slow, size, _PACE)
    between = _cpu(lane)
    delays = lane.one_by_one(fast, size)
    return {
        "paced_p50": percentile(paced, 0.50) / 1000,
        "paced_p99": percentile(paced, 0.99) / 1000,
        "paced_cpu": (between - before) * 1e6 / (2 * slow),
        "p50": percentile(delays, 0.50) / 1000,
        "p99": percentile(delays, 0.99) / 1000,
        "cpu": (_cpu(lane) - between) * 1e6 / (2 * fast),
    }


def _figures(turns: "Turns[StdioLane | HttpLane]", name: str) -> Figures:
    figures = {key: turns.median(name, key) for key in ("paced_p50", "paced_p99", "p50", "p99")}
    if name != DIRECT:
        figures |= {key: turns.median(name, key) for key in ("paced_cpu", "cpu")}
        figures["paced_added"] = turns.added(name, "paced_p50", DIRECT)
        figures["added_p50"] = turns.added(name, "p50", DIRECT)
    if name == VIEWED:
        figures["paced_more"] = figures["paced_added"] / turns.added(RECORDING, "paced_p50", DIRECT)
        figures["more"] = figures["added_p50"] / turns.added(RECORDING, "p50", DIRECT)
    return figures


def _cpu(lane: StdioLane | HttpLane) -> float:
    return lane.between.cpu() if lane.between is not None else 0.0
