"""Small calls, one by one and at once: what a proxy adds to each, and how many it lets through."""

from collections.abc import Sequence

from given import Given
from lane import HttpLane, Lane, StdioLane, http_lanes, stdio_lanes
from sheet import Column, Row, Sheet
from turns import Figures, Turns, count_for, percentile, take_turns
from way import DIRECT, PUMP, RELAY, http_ways, stdio_ways

_MOST = 20_000
_TRIED = 5
_STATELESS_PEERS = ("mitmproxy",)  # it knows no MCP, so it minds no era

_COLUMNS = (
    Column("per_second", "calls", "1/s"),
    Column("to_floor", "of", "floor", 2),
    Column("p50", "p50", "µs"),
    Column("added_p50", "added p50", "µs"),
    Column("added_to_floor", "times", "floor", 2),
    Column("p99", "p99", "µs"),
    Column("added_p99", "added p99", "µs"),
    Column("cpu_one", "CPU one", "µs/message", 1),
    Column("cpu_many", "CPU many", "µs/message", 1),
)


def stdio(given: Given) -> Sheet:
    """Over standard streams; the floor is the byte pump."""
    lanes, left_out = stdio_lanes(stdio_ways(given.peers), given)
    title = f"stdio: {given.size}-byte calls one by one (p50, p99), and {given.depth} in flight on one pipe (calls)"
    return _measured("stdio", title, lanes, PUMP, given, left_out)


def http(given: Given) -> Sheet:
    """Over HTTP in the stateful era; the floor is the aiohttp relay."""
    lanes, left_out = http_lanes(http_ways(given.peers), given, given.scene.json_port)
    title = f"HTTP: {given.size}-byte calls one by one (p50, p99), and from {given.depth} clients, a session each"
    return _measured("http", title, lanes, RELAY, given, left_out)


def stateless(given: Given) -> Sheet:
    """Over HTTP in the stateless era, answered by event streams."""
    ways = [way for way in http_ways(given.peers) if way.role != "peer" or way.name.startswith(_STATELESS_PEERS)]
    lanes, left_out = http_lanes(ways, given, given.scene.sse_port, stateless=True)
    title = f"HTTP, 2026-07-28, answers as event streams: {given.size}-byte calls, and {given.depth} clients at once"
    return _measured("stateless", title, lanes, RELAY, given, left_out)


def _measured(
    load: str,
    title: str,
    lanes: Sequence[StdioLane] | Sequence[HttpLane],
    floor: str,
    given: Given,
    left_out: list[str],
) -> Sheet:
    pace = {lane.name: _pace(lane, given) for lane in lanes}
    turns = take_turns(lanes, lambda lane: _turn(lane, given, *pace[lane.name]), given.plan)
    rows = [_row(turns, lane, floor) for lane in turns.ways]
    return Sheet(load, title, _COLUMNS, rows, [*left_out, *turns.left_out])


def _pace(lane: Lane, given: Given) -> tuple[int, int]:
    """How many calls fill half of a turn, one by one and at once."""
    if given.calls is not None:
        return given.calls, max(given.calls, given.depth)
    spent = sum(lane.one_by_one(_TRIED, given.size)) / 1e9
    one = count_for(given.plan.turn / 2, spent, _TRIED, 10, _MOST)
    tried = given.depth if given.plan.turn < spent else max(given.depth, one)
    seconds, done = lane.at_once(tried, given.size, given.depth)
    return one, count_for(given.plan.turn / 2, seconds, done, given.depth, _MOST)


def _turn(lane: Lane, given: Given, one: int, many: int) -> Figures:
    before, first = _cpu(lane), lane.made
    delays = lane.one_by_one(one, given.size)
    between, second = _cpu(lane), lane.made
    seconds, made = lane.at_once(many, given.size, given.depth)
    return {
        "per_second": made / seconds,
        "p50": percentile(delays, 0.50) / 1000,
        "p99": percentile(delays, 0.99) / 1000,
        "cpu_one": (between - before) * 1e6 / (2 * (second - first)),
        "cpu_many": (_cpu(lane) - between) * 1e6 / (2 * (lane.made - second)),
    }


def _row(turns: Turns[StdioLane] | Turns[HttpLane], lane: Lane, floor: str) -> Row:
    name = lane.name
    figures = {key: turns.median(name, key) for key in ("per_second", "p50", "p99")}
    if lane.role != "direct":
        figures["to_floor"] = turns.ratio(name, "per_second", floor)
        figures["added_p50"] = turns.added(name, "p50", DIRECT)
        figures["added_p99"] = turns.added(name, "p99", DIRECT)
        figures["added_to_floor"] = figures["added_p50"] / max(turns.added(floor, "p50", DIRECT), 1e-9)
        figures |= {key: turns.median(name, key) for key in ("cpu_one", "cpu_many")}
    return Row(name, lane.role, figures)


def _cpu(lane: Lane) -> float:
    return lane.between.cpu() if lane.between is not None else 0.0
