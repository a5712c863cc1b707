"""The bench runs and measures every way, its page and its guard work: its figures are for people, or for the guard."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
OWN = ("interpose", "recording", "50 rules", "redaction")
WAYS = {
    "stdio": ("no proxy", "byte pump", *OWN, "recording (HTTP behind)"),
    "http": ("no proxy", "byte pump", "aiohttp relay", *OWN, "recording (stdio behind)"),
}
FEW = ("--no-peers", "--calls", "4", "--concurrency", "2", "--rounds", "1")


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOLS / "bench.d"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def bench(*options: str) -> str:
    done = run(*FEW, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(*options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(bench("--json", *options))["rows"]
    return [row for row in found if row["way"] != "2 workers"]


@pytest.mark.parametrize(
    ("load", "ways"),
    [("stdio", "stdio"), ("http", "http"), ("stateless", "http"), ("stream", "http"), ("long", "stdio")],
)
def test_every_way_has_its_row(load: str, ways: str) -> None:
    assert [(row["load"], row["way"]) for row in rows("--only", load)] == [(load, way) for way in WAYS[ways]]


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_messages_larger_than_any_buffer_get_through(transport: str) -> None:
    found = rows("--only", f"large-{transport}")
    assert [row["way"] for row in found] == list(WAYS[transport])
    assert all(row["mb_per_second"] > 0 for row in found)


def test_starts_are_compared_with_a_bare_python() -> None:
    found = rows("--only", "start")
    assert found[0]["way"] == "python -c pass"
    assert {row["way"] for row in found} >= {"interpose", "HTTP: interpose"}


def test_memory_is_that_of_the_process_between() -> None:
    assert {row["way"] for row in rows("--only", "memory")} >= {"stdio: recording", "HTTP: recording"}


def test_every_notification_of_a_stream_arrives() -> None:
    assert {row["arrived"] for row in rows("--only", "stream")} == {1000}


def test_what_a_page_adds_is_compared_with_a_recording_alone() -> None:
    found = {row["way"]: row for row in rows("--only", "viewer")}
    ways = ("no proxy", "recording", "recording, page open")
    assert list(found) == [f"{transport}: {way}" for transport in ("stdio", "HTTP") for way in ways]
    viewed = found["stdio: recording, page open"]
    assert viewed["paced_more"] != 0 != viewed["more"]


def test_a_table_is_for_people() -> None:
    printed = [" ".join(line.split()) for line in bench("--only", "stdio").splitlines()]
    assert [line for line in printed if line.startswith("stdio recording ")]


def test_what_looking_through_a_message_takes_has_its_rows() -> None:
    ways = {row["way"] for row in rows("--only", "scan")}
    assert {"plain text: secrets", "plain text: all", "base64: all", "source code: secrets"} <= ways


def test_a_page_of_some_loads_alone_is_refused() -> None:
    done = run("--write", "--only", "scan")
    assert done.returncode == 2
    assert "leave out --only" in done.stderr


def test_the_tool_can_be_run() -> None:
    assert os.access(TOOLS / "bench", os.X_OK)


def test_the_tool_says_what_it_can_do() -> None:
    done = run("--help")
    assert done.returncode == 0, done.stderr
    assert "15 % more" in done.stdout
