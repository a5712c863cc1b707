"""Part E, 65: rehearsals of what was recorded under a policy, over stdio, in both directions."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.edge.processes import entries, run, shim
from tests.trust.scene import dump

from interpose.app.cli.main import cli

LIVE = """
[[rule]]
name = "no-sampling"
ask = "sampling"
do = "block"

[[rule]]
name = "no-forms"
ask = "elicitation"
mode_is = "form"
tool = "drop_database"
do = "answer"
outcome = "decline"

[[rule]]
name = "few"
method = "ping"
from = "client"
kind = "request"
do = "limit"
count = 2
per = "session"

[[rule]]
name = "hidden"
tool = "secret_tool"
do = "hide"

[[rule]]
name = "pinned"
do = "pin"

[[rule]]
name = "words"
all = true
do = "redact"
patterns = { word = "(?i)report" }

[[rule]]
name = "watched"
all = true
mode = "audit"
do = "block"
"""
OTHER = '[[rule]]\nname = "no-roots"\nask = "roots"\ndo = "block"\n' + LIVE
PYTHON = [sys.executable, "-m"]


def rehearsed(*arguments: Any) -> list[Any]:
    done = CliRunner().invoke(cli, ["rehearse", *map(str, arguments), "--json"], standalone_mode=False)
    assert done.exception is None
    return [json.loads(line) for line in done.stdout.splitlines()]


def verdicts(recording: Path) -> dict[int, Any]:
    """What was decided about the messages of either peer while it was recorded."""
    found = [entry for entry in entries(recording) if "verdict" in entry and entry.get("by") != "interpose"]
    assert {entry["from"] for entry in found} == {"client", "server"}
    return {entry["seq"]: entry["verdict"] for entry in found}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions of both eras under a policy, between real processes on stdio; and one with frames that are refused."""
    folder = tmp_path_factory.mktemp("rehearsed")
    policy = folder / "live.toml"
    policy.write_text(LIVE)
    client = [*PYTHON, "interpose.app.demo.client", "--era", "both", "--model-denied", "--"]
    server = [*PYTHON, "interpose.app.demo.server"]
    through = shim(server, "--policy", str(policy), record=folder / "{era}.jsonl")
    subprocess.run([*client, *through], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    odd = [
        *(dump({"id": f"p{number}", "method": "ping"}) for number in range(4)),
        b'{"jsonrpc":"2.0","id":2,"method":"ping","method":"tools/call"}',
        b'{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"secret_tool","arguments":{"x":"report"}}}',
        b"not json",
        b"\xff",
    ]
    run(shim(server, "--policy", str(policy), record=folder / "odd.jsonl"), b"\n".join(odd) + b"\n")
    return folder


@pytest.mark.parametrize("name", ["stateful", "stateless", "odd"])
def test_65_a_rehearsal_gives_exactly_the_verdicts_that_enforcement_gave(name: str, recorded: Path) -> None:
    path = recorded / f"{name}.jsonl"
    live = verdicts(path)
    rows = [row for row in rehearsed(path, "--policy", recorded / "live.toml") if row["type"] == "finding"]
    assert {row["seq"]: {"decision": row["decision"], "rules": row["rules"]} for row in rows} == live


def test_65_every_kind_of_rule_had_its_say(recorded: Path) -> None:
    found = [verdicts(recorded / f"{name}.jsonl") for name in ("stateful", "stateless", "odd")]
    acted = {hit["rule"] for each in found for verdict in each.values() for hit in verdict["rules"]}
    assert acted >= {"no-sampling", "no-forms", "few", "hidden", "words", "watched", "gate"}


def test_65_the_difference_of_two_policies_is_the_same_every_time(recorded: Path) -> None:
    (recorded / "other.toml").write_text(OTHER)
    arguments = [
        *sorted(recorded.glob("*.jsonl")),
        "--policy",
        recorded / "live.toml",
        "--against",
        recorded / "other.toml",
    ]
    done = [CliRunner().invoke(cli, ["rehearse", *map(str, arguments)], standalone_mode=False) for _ in range(3)]
    assert len({each.stdout for each in done}) == 1
    assert "no-roots" in done[0].stdout
    assert [each.return_value for each in done] == [1, 1, 1]


def test_65_rehearsing_leaves_what_was_recorded_alone(recorded: Path) -> None:
    before = {path.name: path.read_bytes() for path in recorded.glob("*.jsonl")}
    for _ in range(2):
        rehearsed(*sorted(recorded.glob("*.jsonl")), "--policy", recorded / "live.toml")
    assert {path.name: path.read_bytes() for path in recorded.glob("*.jsonl")} == before
