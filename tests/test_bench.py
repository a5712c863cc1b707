"""The bench runs and measures every way: its figures are for people, nothing here looks at them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"
WAYS = ("no proxy", "byte pump", "interpose", "recording", "50 rules")
LANES = {"stdio": ("stdio",), "http": ("http-json", "http-sse")}
FEW = ("--calls", "4", "--concurrency", "2", "--rounds", "1", "--starts", "1")


def bench(*options: str) -> str:
    command = [sys.executable, str(TOOLS / "bench.d"), *FEW, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("only", ["stdio", "http"])
def test_every_way_has_its_row(only: str) -> None:
    printed = bench("--only", only)
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    for lane in LANES[only]:
        for way in WAYS:
            assert [line for line in lines if line.startswith(f"{lane} {way} ")], printed
    assert ("first answer on stdio" in printed) == (only == "stdio")


def test_what_looking_through_a_message_takes_has_its_rows() -> None:
    rows = json.loads(bench("--only", "scan", "--json"))["rows"]
    assert {row["detectors"] for row in rows} == {"secrets", "all"}
    assert {"plain text", "JSON rows", "base64", "source code"} <= {row["content"] for row in rows}


def test_the_figures_come_as_json_too() -> None:
    found = json.loads(bench("--json", "--size", "300"))
    assert [(row["lane"], row["way"]) for row in found["rows"]] == [
        (lane, way) for lanes in LANES.values() for lane in lanes for way in WAYS
    ]
    assert tuple(found["start_up_ms"]) == WAYS
    assert found["setup"]["size"] == 300


def test_messages_larger_than_any_buffer_get_through() -> None:
    assert json.loads(bench("--json", "--size", "300000", "--calls", "8", "--concurrency", "8"))["rows"]


def test_the_tool_can_be_run() -> None:
    assert os.access(TOOLS / "bench", os.X_OK)
