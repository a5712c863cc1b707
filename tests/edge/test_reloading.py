"""Policy files that change under a running session: taken over between two messages, or refused whole."""

import os
import subprocess
from pathlib import Path

from tests.edge.processes import entries, python, shim

BLOCKS = '[[rule]]\nname = "d"\ntool = "drop"\ndo = "block"\n'
ALLOWS = '[[rule]]\nname = "d"\ntool = "drop"\ndo = "note"\n'
CALL = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"drop"}}\n'
ANSWERS = python(
    "import json, sys\n"
    "for line in sys.stdin:\n"
    "    print(json.dumps({'jsonrpc': '2.0', 'id': json.loads(line)['id'], 'result': {}}), flush=True)"
)


def test_a_changed_file_takes_over_and_a_broken_one_keeps_the_old_rules(tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(BLOCKS)
    with subprocess.Popen(
        shim(ANSWERS, "--policy", str(policy), record=tmp_path / "r.jsonl"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
        assert stdin is not None
        assert stdout is not None
        assert stderr is not None
        numbers = iter(range(1, 99))

        def call() -> bytes:
            stdin.write(CALL % next(numbers))
            stdin.flush()
            return stdout.readline()

        def replace(text: str) -> str:
            (tmp_path / "new").write_text(text)
            os.replace(tmp_path / "new", policy)
            return stderr.readline().decode()

        assert b"isError" in call()
        assert "policy stays as it was" in replace(BLOCKS + "surprise = 1\n")
        assert b"isError" in call()
        assert "policy reloaded: p (1 rules)" in replace(ALLOWS)
        assert b"isError" not in call()
        stdin.close()
        assert process.wait(30) == 0
    notes = [entry["text"] for entry in entries(tmp_path / "r.jsonl") if entry["kind"] == "note"]
    assert len(notes) == 1
    assert notes[0].startswith("policy reloaded: p ")
