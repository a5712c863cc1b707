"""A long recording is played without being held in memory."""

import sys
from pathlib import Path

from tests.edge.processes import run
from tests.edge.replaying_scale import write

MOST_GROWTH = 16 << 10  # KiB, from 10,000 to 100,000 messages


def _played(messages: int, folder: Path) -> tuple[int, int]:
    path = folder / f"{messages}.jsonl"
    write(path, messages)
    outcome = run([sys.executable, "-m", "tests.edge.replaying_scale", str(path)])
    assert outcome.returncode == 0, outcome.stderr.decode()
    count, peak = outcome.stdout.split()[:2]
    return int(count), int(peak)


def test_a_hundred_thousand_messages_take_little_more_memory_than_ten_thousand(tmp_path: Path) -> None:
    small, large = _played(10_000, tmp_path), _played(100_000, tmp_path)
    assert (small[0], large[0]) == (10_000, 100_000)
    assert large[1] - small[1] < MOST_GROWTH, f"{small[1]} -> {large[1]} KiB"
