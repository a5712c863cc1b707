"""tools/bench: what it costs to have interpose in between, compared in one run with nothing, with a byte pump, with a
bare aiohttp relay, and with the proxies people use today.

Only 127.0.0.1 is used, nothing is left behind, and it ends by itself: rounds that would pass --seconds are left out.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import guard
import install
import machine
import page
from given import Given
from loads import LOADS
from peers import ALL
from process import BenchError
from scene import Scene
from sheet import Sheet, as_text
from turns import Plan


def options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("tools/bench", description=__doc__)
    parser.add_argument("--only", choices=LOADS, action="append", help="this load, instead of all; may be repeated")
    parser.add_argument("--size", type=_count, default=1024, help="bytes of a call and of its answer (1024)")
    parser.add_argument("--concurrency", type=_count, default=64, help="calls in flight for calls/s (64)")
    parser.add_argument("--rounds", type=_count, default=7, help="turns of every way, medians are taken (7)")
    parser.add_argument("--calls", type=_count, help="calls in a turn, instead of as many as a quarter second takes")
    parser.add_argument("--seconds", type=_count, default=30, help="for each load: begin no round that ends later (30)")
    parser.add_argument("--no-peers", action="store_true", help="leave out what --install-peers has installed")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--write", action="store_true", help="measure everything and write docs/benchmarks.md and .svg")
    parser.add_argument(
        "--baseline", action="store_true", help="measure what the guard test compares with, and keep it"
    )
    parser.add_argument("--guard", action="store_true", help="compare with that: fail where it takes 15 %% more")
    parser.add_argument("--install-peers", action="store_true", help="install the other proxies into .peers, and end")
    given = parser.parse_args(words)
    if given.write and (given.only or given.no_peers):
        parser.error("--write measures everything: leave out --only and --no-peers")
    return given


def main() -> int:
    """Run the bench and print what it found."""
    given = options()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    try:
        if given.install_peers:
            for line in install.install():
                print(line, flush=True)
        elif given.baseline:
            print(as_text(guard.write()))
        elif given.guard:
            print(as_text(guard.check()))
        else:
            _bench(given)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    return 0


def _bench(given: argparse.Namespace) -> None:
    """Measure what was asked for. Tables are printed as they come, for people who wait."""
    setup = machine.description() | {"size": given.size, "concurrency": given.concurrency, "rounds": given.rounds}
    missing = [f"{peer.name}: not installed (tools/bench --install-peers)" for peer in ALL if not peer.installed]
    if not given.json:
        print(", ".join(f"{name} {value}" for name, value in setup.items()), flush=True)
    sheets = []
    for sheet in _sheets(given):
        sheets.append(sheet)
        if not given.json:
            print(f"\n{as_text(sheet)}", flush=True)
    if given.json:
        rows = [row for sheet in sheets for row in sheet.as_values()]
        notes = {sheet.load: sheet.notes for sheet in sheets if sheet.notes}
        print(json.dumps({"setup": setup, "rows": rows, "left_out": notes, "missing": missing}, indent=2))
    elif not given.no_peers:
        print("\n".join(["", *missing]))
    if given.write:
        page.write(sheets, setup, missing)


def _sheets(given: argparse.Namespace) -> Iterator[Sheet]:
    """A load after the other, each with processes of its own."""
    plan = Plan(given.rounds, given.seconds)
    for name in given.only or LOADS:
        with tempfile.TemporaryDirectory(prefix="interpose-bench-") as folder, ExitStack() as stack:
            scene = Scene(stack, Path(folder))
            yield LOADS[name](Given(scene, plan, given.size, given.concurrency, not given.no_peers, given.calls))


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("want 1 or more")
    return value


def _stopped(*_: object) -> None:
    raise BenchError("stopped")


if __name__ == "__main__":
    sys.exit(main())
