"""The guard: processor time that interpose takes for a message, as a ratio to work that never changes.

Never an absolute time. The core is compared with a loop of plain Python; what stands between over stdio with a relay in
plain asyncio, over HTTP with the aiohttp relay, for the same traffic in the same batches. (The byte pump would not do:
its cost, nearly all of it the kernel's, varies by a third.) They take turns, each
pair of turns gives a ratio, and the median of these counts: it stays within 10 % where busy neighbours make times vary
by half. What is left of that is what the further tries are for.
"""

import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import interposed
import message
from given import Given
from lane import HttpLane, StdioLane, http_lanes, stdio_lanes
from process import HERE, BenchError, peer
from scene import Scene
from sheet import Column, Row, Sheet
from turns import Plan, quiet
from way import RELAY, StdioWay, http_ways, stdio_ways

from interpose.core.effects import Append
from interpose.core.events import Frame, Received
from interpose.core.interposer import Interposer
from interpose.core.recording.entry import Header
from interpose.core.wire.message import read

BASELINE = HERE.parents[1] / "tests" / "real" / "guard.json"
ALLOWED = 1.15
TRIES = 3
_TITLE = "processor time for a message, as a ratio to the reference's"
_TURNS = 40
_MESSAGES = 400
_BATCH = 32  # of 1 KB: what a pipe takes in one piece, so that everybody reads and writes the same batches
_BATCHES = 16
_CALLS_OVER_HTTP = 50
_SIZE = 1024
_REFERENCE = "reference"
_COLUMNS = (Column("ratio", "ratio", "to its reference", 2), Column("baseline", "baseline", "", 2))


@dataclass(frozen=True)
class _Work:
    """Something that takes processor time, and the clock that shows how much."""

    clock: Callable[[], float]
    do: Callable[[], object]

    def spent(self) -> float:
        """Seconds of processor time that doing it once takes."""
        before = self.clock()
        self.do()
        return self.clock() - before


def measured(name: str) -> float:
    """One of the ratios; smaller is faster."""
    with tempfile.TemporaryDirectory(prefix="interpose-guard-") as folder, ExitStack() as stack:
        given = Given(Scene(stack, Path(folder)), Plan(1, 1), _SIZE, _BATCH, peers=False)
        return _ratio(*_WORKS[name](given))


def _in_core(_: Given) -> "list[_Work]":
    return [_Work(time.thread_time, _core), _Work(time.thread_time, _reference)]


def _over_stdio(given: Given) -> "list[_Work]":
    own = next(way for way in stdio_ways(False) if way.name == interposed.RECORDING)
    relay = StdioWay(_REFERENCE, "floor", lambda _: [*peer("stdio_relay"), *peer("stdio_server")])
    lanes, _ = stdio_lanes([own, relay], given)
    return [_child(lane, partial(_in_batches, lane)) for lane in lanes]


def _in_batches(lane: StdioLane) -> None:
    lane.client.in_batches(lane.client.calls(_BATCHES * _BATCH, _SIZE), _BATCH)


def _over_http(given: Given) -> "list[_Work]":
    ways = {way.name: way for way in http_ways(False)}
    lanes, _ = http_lanes([ways[interposed.RECORDING], ways[RELAY]], given, given.scene.json_port)
    return [_child(lane, partial(lane.one_by_one, _CALLS_OVER_HTTP, _SIZE)) for lane in lanes]


def check() -> Sheet:
    """Compare with the baseline: of each ratio the best of some tries.

    Raises: BenchError when one is worse than the baseline allows.
    """
    baseline: dict[str, float] = json.loads(BASELINE.read_text())
    rows = [Row(name, "own", {"ratio": _best(name, kept), "baseline": kept}) for name, kept in baseline.items()]
    worse = [
        f"{row.way} {row.figures['ratio']:.2f}, baseline {row.figures['baseline']:.2f}" for row in rows if _slower(row)
    ]
    if worse:
        raise BenchError(f"slower than the baseline by more than {ALLOWED - 1:.0%}: {'; '.join(worse)}")
    return Sheet("guard", _TITLE, _COLUMNS, rows)


def write() -> Sheet:
    """Measure the baseline, the median of some tries, and keep it."""
    found = {name: round(median(measured(name) for _ in range(TRIES)), 3) for name in _WORKS}
    BASELINE.write_text(json.dumps(found, indent=2) + "\n")
    rows = [Row(name, "own", {"ratio": ratio}) for name, ratio in found.items()]
    return Sheet("guard", f"{_TITLE}, written to {BASELINE.name}", _COLUMNS[:1], rows)


def _best(name: str, baseline: float) -> float:
    best = float("inf")
    for _ in range(TRIES):
        best = min(best, measured(name))
        if best <= baseline * ALLOWED:
            break
    return best


def _slower(row: Row) -> bool:
    return row.figures["ratio"] > row.figures["baseline"] * ALLOWED


def _ratio(own: "_Work", reference: "_Work") -> float:
    """How much more processor time the one takes than the other, turn by turn."""
    found = []
    for _ in range(_TURNS):
        with quiet():
            found.append(own.spent() / reference.spent())
    return median(found)


def _child(lane: StdioLane | HttpLane, do: Callable[[], object]) -> "_Work":
    assert lane.between is not None
    return _Work(lane.between.cpu, do)


_CALLS = [message.call(number, _SIZE) for number in range(_MESSAGES)]
_ANSWERS = [b'{"jsonrpc":"2.0","id":%d,"result":{"content":[]}}' % message.ident(number) for number in range(_MESSAGES)]


def _core() -> int:
    """A recorded session without its edges: lines become events, effects become lines of a recording."""
    core, size = Interposer(), 0
    core.open(Header("s", "2026-01-01T00:00:00Z", {}, {}, "guard"))
    for number, (call, answer) in enumerate(zip(_CALLS, _ANSWERS, strict=True)):
        for end, raw in (("client", call), ("server", answer)):
            for effect in core.feed(Received(number / 1000, end, "", Frame(raw, read(raw), tail=b"\n"))):
                if isinstance(effect, Append):
                    size += len(b"".join(effect.pieces))
    return size


def _reference() -> int:
    """Plain Python that does what any proxy does: looks into a message, keeps account of it, builds a line."""
    pending: dict[int, tuple[str, int]] = {}
    size, chain = 0, b""
    for call, answer in zip(_CALLS, _ANSWERS, strict=True):
        asked = json.loads(call)
        pending[asked["id"]] = (asked["method"], len(call))
        method, sent = pending.pop(json.loads(answer)["id"])
        chain = hashlib.sha256(chain + call).digest()
        line = b"".join(
            (b'{"method":"', method.encode(), b'","chain":"', chain.hex().encode(), b'","message":', call, b"}\n")
        )
        size += len(line) + sent
    return size


_WORKS: dict[str, Callable[[Given], list[_Work]]] = {"core": _in_core, "stdio": _over_stdio, "http": _over_http}
