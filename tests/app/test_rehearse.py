"""`interpose rehearse` as people and scripts run it."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from tests.core.formats.tape import Tape

from interpose.app.cli.main import cli
from interpose.app.cli.rehearse import explain
from interpose.core.errors import InterposeError, RecordingError, UsageError
from interpose.core.policy.reading import PolicyError
from interpose.edge.stores.jsonl import RecordingReader

PYTHON = (sys.executable, "-m")
FOLDER = Path(__file__).parents[2] / "recordings"
STATEFUL = str(FOLDER / "2025-11-25" / "py-http-py.jsonl")
STATELESS = str(FOLDER / "2026-07-28" / "py-stdio-py.jsonl")
BLOCK = '[[rule]]\nname = "no-sampling"\nask = "sampling"\ndo = "block"\n'
DECLINE = '[[rule]]\nname = "no-forms"\nask = "elicitation"\nmode_is = "form"\ndo = "answer"\noutcome = "decline"\n'


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["rehearse", *map(str, arguments)], standalone_mode=False)


def told(*arguments: object) -> list[str]:
    done = run(*arguments)
    assert done.exception is None
    return done.stdout.splitlines()


@pytest.fixture
def block(tmp_path: Path) -> Path:
    return written(tmp_path / "block.toml", BLOCK)


@pytest.fixture
def both(tmp_path: Path) -> Path:
    return written(tmp_path / "both.toml", BLOCK + DECLINE)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_policy_is_tried_on_sessions_of_both_eras(both: Path) -> None:
    rows = told(STATEFUL, STATELESS, "--policy", both)
    hits = [row.split()[4:] for row in rows if "no-sampling" in row or "no-forms" in row]
    eras = [word for hit in hits for word in hit if word in ("stateful", "stateless")]
    assert eras == ["stateful"] * 3 + ["stateless"] * 3
    assert rows[-1].startswith("2 recordings: 6 of ")
    assert "2 blocked, 0 edited, 0 held, 4 answered" in rows[-1]
    assert run(STATEFUL, "--policy", both).return_value == 0


LIVE = """
[[rule]]
name = "hidden"
all = true
do = "redact"
patterns = { word = "(?i)report" }

[[rule]]
name = "seen"
method = "tools/*"
do = "note"
"""


def test_real_sessions_under_a_policy_are_rehearsed_to_their_own_verdicts(tmp_path: Path) -> None:
    policy = written(tmp_path / "live.toml", BLOCK + DECLINE + 'tool = "drop_database"\n' + LIVE)
    shim = [*PYTHON, "interpose", "run", "--policy", policy, "--record", tmp_path / "{era}.jsonl", "--"]
    client = [*PYTHON, "interpose.app.demo.client", "--era", "both", "--model-denied", "--"]
    command = list(map(str, [*client, *shim, *PYTHON, "interpose.app.demo.server"]))
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    paths = sorted(tmp_path.glob("*.jsonl"))
    assert [path.stem for path in paths] == ["stateful", "stateless"]
    for path in paths:
        with RecordingReader(path) as reader:
            recorded = {entry.seq: entry.verdict for entry in reader if entry.verdict is not None and not entry.by}
        rows = [json.loads(row) for row in told(path, "--policy", policy, "--json")]
        found = {row["seq"]: {"decision": row["decision"], "rules": row["rules"]} for row in rows if "seq" in row}
        assert found == recorded
        assert {"no-sampling", "no-forms", "hidden", "seen"} <= {
            hit["rule"] for verdict in found.values() for hit in verdict["rules"]
        }


def test_a_folder_is_every_recording_in_it(block: Path) -> None:
    rows = [json.loads(row) for row in told(FOLDER, "--policy", block, "--json")]
    recordings = [row["recording"] for row in rows if row["type"] == "recording"]
    assert recordings == [str(path) for path in sorted(FOLDER.rglob("*.jsonl"))]
    assert rows[-1]["type"] == "total"
    assert {row["happened"] for row in rows if row["type"] == "finding"} == {"blocked"}


def test_two_policies_are_held_against_each_other(both: Path, block: Path) -> None:
    done = run(STATEFUL, "--policy", both, "--against", block)
    rows = done.stdout.splitlines()
    assert done.return_value == 1
    assert [row.split()[0] for row in rows[1:-1]] == ["203", "against", "213", "against"]
    assert rows[-1].endswith("2 of 101 messages treated differently")
    assert run(STATEFUL, "--policy", both, "--against", both).return_value == 0


def test_build_servers_get_junit(both: Path, block: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.xml"
    told(STATEFUL, "--policy", both, "--junit", out)
    suite = ElementTree.parse(out).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("name")) == ("3", "0", STATEFUL)
    run(STATEFUL, "--policy", both, "--against", block, "--junit", out)
    assert ElementTree.parse(out).getroot()[0].get("failures") == "2"
    assert isinstance(run(STATEFUL, "--policy", both, "--junit", tmp_path).exception, UsageError)


def test_a_damaged_recording_is_told_and_the_others_are_still_rehearsed(block: Path, tmp_path: Path) -> None:
    tape = Tape().opens().client(id=1, method="ping").ends()
    tape.lines[4] = b"{nonsense}\n"
    damaged, out = tape.write(tmp_path / "a.jsonl"), tmp_path / "out.xml"
    done = run(damaged, written(tmp_path / "b.jsonl", "{}\n"), STATEFUL, "--policy", block, "--junit", out)
    assert done.return_value == 2
    assert "3 recordings: 1 of 104 messages: 1 blocked" in done.stdout.splitlines()[-1]
    suites = list(ElementTree.parse(out).getroot())
    assert [suite.get("errors") for suite in suites] == ["1", "1", "0"]


def test_a_changed_recording_is_rehearsed_and_told(block: Path, tmp_path: Path) -> None:
    tape = Tape().opens().client(id=1, method="ping").ends()
    tape.lines[4] = tape.lines[4].replace(b"ping", b"pong")
    rows = told(tape.write(tmp_path / "a.jsonl"), "--policy", block)
    assert rows[-1] == "! line 5: changed after it was recorded, or the line before it is gone"


def test_what_cannot_be_used_is_a_mistake_to_mend(block: Path, tmp_path: Path) -> None:
    bad, worse = written(tmp_path / "bad.toml", "rule = 1"), written(tmp_path / "worse.toml", "x = ")
    both = run(STATEFUL, "--policy", bad, "--policy", worse).exception
    assert isinstance(both, PolicyError)
    assert {problem.path for problem in both.problems} == {str(bad), str(worse)}
    (tmp_path / "latin.toml").write_bytes(b"# one\n# \xe9\n")
    latin = run(STATEFUL, "--policy", tmp_path / "latin.toml").exception
    assert str(latin).startswith(f"{tmp_path / 'latin.toml'}:2:3: no UTF-8")
    (tmp_path / "large.toml").write_bytes(b"#" * (1 << 24) + b"#")
    assert "longer than 16 MB" in str(run(STATEFUL, "--policy", tmp_path / "large.toml").exception)
    for mistake in (
        run(STATEFUL, "--policy", tmp_path / "nothing.toml"),
        run(tmp_path / "nothing", "--policy", block),
        run(tmp_path, "--policy", block),
    ):
        assert isinstance(mistake.exception, UsageError)
        assert isinstance(mistake.exception, InterposeError)
        assert mistake.exception.exit_code == 2


def test_the_same_file_twice_is_one_policy(block: Path) -> None:
    assert told(STATEFUL, "--policy", block, "--policy", block) == told(STATEFUL, "--policy", block)


def test_a_message_is_explained_as_recorded_or_under_a_policy(
    both: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert explain(STATEFUL, 193, [str(both)]) == 0
    rows = capfdbinary.readouterr().out.decode().splitlines()
    assert rows[0] == "entry 193: sampling/createMessage · from the server · stateful · under this policy"
    assert rows[2].endswith("block: matched and had its way, ask 1")
    explain(STATEFUL, 193)
    assert "no verdict was recorded" in capfdbinary.readouterr().out.decode()
    explain(STATELESS, 71, [str(both)], as_json=True)
    assert json.loads(capfdbinary.readouterr().out)["rules"][0]["matched"] is True
    for seq in (1, 99_999):
        with pytest.raises(UsageError, match="no message with the number"):
            explain(STATEFUL, seq)
    with pytest.raises(RecordingError):
        explain(str(both), 1)
