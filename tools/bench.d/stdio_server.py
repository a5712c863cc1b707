"""A stdio server that costs next to nothing."""

import os
import time
from pathlib import Path

import echo


def main() -> None:
    """Answer every request until the input ends."""
    told = os.environ.get("BENCH_FIRST_BYTE", "")
    parts: list[bytes] = []  # of a line whose end has not come
    while chunk := os.read(0, 1 << 18):
        if told:
            Path(told).write_text(str(time.perf_counter()))
            told = ""
        if b"\n" not in chunk:
            parts.append(chunk)
            continue
        *lines, rest = b"".join((*parts, chunk)).split(b"\n")
        parts = [rest]
        write(b"".join(answer + b"\n" for line in lines if line for answer in echo.answers(line)))


def write(data: bytes) -> None:
    """All of it to standard output."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
