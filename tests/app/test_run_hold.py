"""`interpose run` with rules that hold and break off, as its users call it."""

import json
import subprocess
import sys
from pathlib import Path

from tests.edge.governed_world import call, dump, text_of
from tests.edge.held_world import fault
from tests.edge.processes import SECONDS, entries, shim

CHILD = [sys.executable, str(Path(__file__).parents[1] / "edge" / "governed_child.py")]


def ask(options: list[str], record: Path) -> tuple[bytes, int]:
    """What a client gets for one call, and the exit status once it closed its input."""
    with subprocess.Popen(
        shim(CHILD, *options, record=record), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(dump(call(7)) + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        process.stdin.close()
        return line, process.wait(SECONDS)


def test_an_approver_lets_through_what_a_short_rule_holds(tmp_path: Path) -> None:
    line, status = ask(["--hold", "tool=deploy", "--approver", "approve"], tmp_path / "r.jsonl")
    assert (json.loads(text_of(json.loads(line)))["called"], status) == ("deploy", 0)
    decided = [entry for entry in entries(tmp_path / "r.jsonl") if entry["kind"] == "decision"]
    assert {entry["approver"] for entry in decided} == {"--approver approve"}


def test_an_approver_refuses_what_a_short_rule_holds(tmp_path: Path) -> None:
    line, status = ask(["--hold", "tool=deploy", "--approver", "decline"], tmp_path / "r.jsonl")
    assert (json.loads(line)["result"]["isError"], status) == (True, 0)


def test_a_session_that_a_policy_breaks_off_ends_as_one_that_failed(tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(fault("disconnect"))
    line, status = ask(["--policy", str(policy)], tmp_path / "r.jsonl")
    assert (line, status) == (b"", 3)
    assert entries(tmp_path / "r.jsonl")[-1]["reason"] == "fault: disconnect"
