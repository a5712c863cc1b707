"""tools/bench: what it costs to have interpose in between, compared in one run with nothing and with a byte pump.

Only 127.0.0.1 is used, nothing is left behind, and it ends by itself: rounds that would pass --seconds are left out.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from figures import as_values, rows, start_up_lines, table
from lane import Site, lanes
from process import BenchError
from rounds import Plan, start_up, take_turns
from scan import as_table, scans

_LARGE = 10_000


def options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("tools/bench", description=__doc__)
    parser.add_argument("--calls", type=_count, help="calls in a turn, twice: one by one, at once (400; large: 100)")
    parser.add_argument("--size", type=_count, default=1024, help="bytes of a call and of its answer (1024)")
    parser.add_argument("--concurrency", type=_count, default=16, help="calls in flight for calls/s (16)")
    parser.add_argument("--rounds", type=_count, default=7, help="turns of every way, medians are taken (7)")
    parser.add_argument("--starts", type=_count, default=9, help="starts of every way on stdio (9)")
    parser.add_argument("--seconds", type=_count, default=50, help="begin no round that ends later (50)")
    parser.add_argument("--only", choices=("stdio", "http", "scan"))
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    given = parser.parse_args(words)
    given.calls = given.calls or (400 if given.size < _LARGE else 100)
    return given


def main() -> int:
    """Run the bench and print what it found."""
    given = options()
    signal.signal(signal.SIGALRM, _out_of_time)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    signal.alarm(2 * given.seconds + 30)
    try:
        print(bench(given))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    return 0


def bench(given: argparse.Namespace) -> str:
    """Everything that was asked for, measured, as text."""
    if given.only == "scan":
        looked = scans()
        return json.dumps({"rows": looked}, indent=2) if given.json else as_table(looked)
    deadline = time.monotonic() + given.seconds
    plan = Plan(given.calls, given.concurrency, given.rounds)
    with tempfile.TemporaryDirectory(prefix="interpose-bench-") as folder, ExitStack() as stack:
        site = Site(stack, Path(folder), given.size)
        started = start_up(site, given.starts) if given.only != "http" else {}
        found = rows(take_turns(lanes(site, given.only), plan, deadline))
    if given.json:
        return json.dumps({"setup": _setup(given), "rows": as_values(found), "start_up_ms": started}, indent=2)
    parts = [", ".join(f"{name} {value}" for name, value in _setup(given).items()), table(found)]
    if started:
        parts.append(f"first answer on stdio after\n{start_up_lines(started)}")
    done = min(row.rounds for row in found)
    if done < given.rounds:
        parts.append(f"only {done} of {given.rounds} rounds fitted into {given.seconds} s")
    return "\n\n".join(parts)


def _setup(given: argparse.Namespace) -> dict[str, object]:
    """What the figures depend on."""
    return {
        "size": given.size,
        "calls": given.calls,
        "concurrency": given.concurrency,
        "rounds": given.rounds,
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("want 1 or more")
    return value


def _out_of_time(*_: object) -> None:
    raise BenchError("an answer did not come: out of time")


def _stopped(*_: object) -> None:
    raise BenchError("stopped")


if __name__ == "__main__":
    sys.exit(main())
