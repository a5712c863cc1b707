"""A long recording is played by either end without being held in memory, its questions and progress included."""

import sys
from pathlib import Path

from tests.edge.processes import run
from tests.replay.long import write

MOST_GROWTH = 2 * (16 << 10)  # KiB, from 10,000 to 100,000 messages, for two ends


def _played(messages: int, folder: Path) -> tuple[int, int]:
    path = folder / f"{messages}.jsonl"
    write(path, messages)
    outcome = run([sys.executable, "-m", "tests.replay.long", str(path)])
    assert outcome.returncode == 0, outcome.stderr.decode()
    count, peak, speed = map(int, outcome.stdout.split())
    print(f"{count} messages heard by two ends: {speed} a second, {peak} KiB")
    return count, peak


def test_a_hundred_thousand_messages_with_questions_take_little_more_memory_than_ten_thousand(tmp_path: Path) -> None:
    small, large = _played(10_000, tmp_path), _played(100_000, tmp_path)
    assert (small[0], large[0]) == (9_997, 99_997)
    assert large[1] - small[1] < MOST_GROWTH, f"{small[1]} -> {large[1]} KiB"
