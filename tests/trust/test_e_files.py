"""Part E, 58, 59 and 62: policy files that cannot be used, and files that change while sessions run."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.edge.processes import SECONDS, entries, python, run, shim
from tests.trust.scene import DENY_DELETE, Scene, denied, lives

from interpose.app.cli.main import cli
from interpose.core.errors import InterposeError
from interpose.core.policy.reading import read_policy
from interpose.edge.conversations import Conversations
from interpose.edge.reloading import Reloader

RULE = '[[rule]]\nname = "r"\n'
FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "p.toml:1:1: holds no rule"),
    "a comment alone": ("# nothing\n", "p.toml:1:1: holds no rule"),
    "no TOML": ("[[rule]]\nname = ", "p.toml:2:8: no TOML: "),
    "YAML": ("rules:\n  - name: r\n", "p.toml:1:6: no TOML: "),
    "aliases of YAML": ("a: &a [x]\nb: &b [*a, *a]\n", "p.toml:1:2: no TOML: "),
    "no UTF-8": (b'[[rule]]\nname = "\xff"\n', "p.toml:2:9: no UTF-8"),
    "UTF-16": ((RULE + 'all = true\ndo = "block"\n').encode("utf-16"), "p.toml"),
    "a key twice": (RULE + 'name = "s"\nall = true\ndo = "block"\n', "p.toml:3:11: no TOML: "),
    "a table twice": ("[a]\n[a]\n", "p.toml:2:3: no TOML: "),
    "a name twice": ((RULE + 'all = true\ndo = "note"\n') * 2, "p.toml:6:1: rule `r`: the name is taken"),
    "an unknown key": (RULE + 'macth = "x"\ndo = "block"\n', "p.toml:3:1: rule `r`: unknown key `macth`; did you mean"),
    "an unknown action": (RULE + 'all = true\ndo = "deny"\n', "p.toml:4:1: rule `r`: `do` is `deny`; it may be "),
    "wrong case of an action": (RULE + 'all = true\ndo = "Block"\n', "did you mean `block`?"),
    "wrong case of a key": (
        RULE + 'Tool = "x"\ndo = "block"\n',
        "p.toml:3:1: rule `r`: unknown key `Tool`; did you mean",
    ),
    "wrong case of a value": (RULE + 'ask = "Sampling"\ndo = "block"\n', "did you mean `sampling`?"),
    "no selector": (
        RULE + 'do = "block"\n',
        "p.toml:1:1: rule `r`: names no messages; add a selector, or `all = true`",
    ),
    "all and a selector": (RULE + 'all = true\ntool = "x"\ndo = "block"\n', "say two things"),
    "all is false": (RULE + 'all = false\ndo = "block"\n', "names no messages"),
    "no action": (RULE + "all = true\n", "does not say what to do"),
    "an empty list": (RULE + 'tool = []\ndo = "block"\n', "an empty list"),
    "a deep value": ("a = " + "[" * 50_000, "p.toml: no TOML"),
    "a long number": ("a = " + "9" * 50_000, "p.toml: no TOML"),
}


def refused(folder: Path, path: Path) -> str:
    """What people are told when `run` refuses a policy; the server was never started, and nothing recorded."""
    started, record = folder / "started", folder / "r.jsonl"
    server = python(f"open({str(started)!r}, 'w')")
    arguments = ["run", "--policy", str(path), "--record", str(record), "--", *server]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert isinstance(done.exception, InterposeError)
    assert (done.exception.exit_code, done.stdout) == (2, "")
    assert not started.exists()
    assert not record.exists()
    return str(done.exception)


@pytest.mark.parametrize("name", FILES)
def test_58_a_file_that_is_no_policy_refuses_to_start(name: str, tmp_path: Path) -> None:
    text, expected = FILES[name]
    path = tmp_path / "p.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert expected in refused(tmp_path, path)


@pytest.mark.parametrize("name", ["missing", "folder", "unreadable"])
def test_58_a_file_that_cannot_be_read_refuses_to_start(name: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    if name == "folder":
        path.mkdir()
    elif name == "unreadable":
        path.write_text(DENY_DELETE)
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user reads everything")
    assert "p.toml" in refused(tmp_path, path)


def test_58_one_broken_file_of_several_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(DENY_DELETE)
    (tmp_path / "p.toml").write_text(RULE)
    done = run(shim(python("pass"), "--policy", str(tmp_path / "good.toml"), "--policy", str(tmp_path / "p.toml")))
    assert (done.returncode, b"p.toml:1" in done.stderr) == (2, True)


def test_58_a_mistake_is_told_with_its_column(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(RULE + 'all = true\ndo = "deny"\n')
    assert re.search(r"p\.toml:4:[0-9]+: ", refused(tmp_path, tmp_path / "p.toml"))


CALL = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"delete_repo"}}\n'
ANSWERS = python(
    "import json, sys\n"
    "for line in sys.stdin:\n"
    "    print(json.dumps({'jsonrpc': '2.0', 'id': json.loads(line)['id'], 'result': {}}), flush=True)"
)


@pytest.mark.parametrize("broken", ["[[rule", "gone"], ids=["cut", "gone"])
def test_59_a_broken_file_leaves_the_old_policy_and_is_told_once(broken: str, tmp_path: Path) -> None:
    policy, record = tmp_path / "p.toml", tmp_path / "r.jsonl"
    policy.write_text(DENY_DELETE)
    with subprocess.Popen(
        shim(ANSWERS, "--policy", str(policy), record=record),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(CALL % 1)
        assert b"isError" in process.stdout.readline()
        if broken == "gone":
            policy.unlink()
        else:
            (tmp_path / "new").write_text(broken)
            os.replace(tmp_path / "new", policy)
        assert b"policy stays as it was" in process.stderr.readline()
        time.sleep(2.5)
        process.stdin.write(CALL % 2)
        assert b"isError" in process.stdout.readline()
        process.stdin.close()
        said = process.stderr.read().decode()
        assert process.wait(SECONDS) == 0
    assert "policy" not in said
    header = record.read_text().splitlines()[0]
    assert read_policy(DENY_DELETE, "p.toml").digest in header
    assert [entry for entry in entries(record) if entry["kind"] == "note"] == []


def watching(path: Path, said: list[str]) -> Callable[[], None]:
    """One look at a policy file."""
    conversations = Conversations(None, {"name": "srv"}, said.append, [read_policy(path.read_text(), str(path))])
    reloader = Reloader([str(path)], lambda: (read_policy(path.read_text(), str(path)),), conversations, said.append)
    return reloader.glance


TWO = DENY_DELETE + '[[rule]]\nname = "no-sampling"\nask = "sampling"\ndo = "block"\n'


def test_59_a_file_that_is_half_written_is_not_taken_over(tmp_path: Path) -> None:
    path, said = tmp_path / "p.toml", list[str]()
    path.write_text(TWO)
    glance = watching(path, said)
    for written in ("", DENY_DELETE, DENY_DELETE + '[[rule]]\nname = "no-sam', TWO + "# new\n"):
        path.write_text(written)
        os.utime(path, ns=(time.time_ns(), time.time_ns()))
        glance()
        assert said == []
    glance()
    assert said == ["policy reloaded: p (2 rules)"]
    glance()
    assert len(said) == 1


def test_59_a_file_that_is_written_while_it_is_read_is_not_taken_over(tmp_path: Path) -> None:
    path, said = tmp_path / "p.toml", list[str]()
    path.write_text(TWO)
    conversations = Conversations(None, {"name": "srv"}, said.append, [read_policy(TWO, "p.toml")])
    rest = [TWO + "# whole\n"]

    def read() -> tuple[object, ...]:
        found = read_policy(path.read_text(), str(path))
        if rest:
            path.write_text(rest.pop())
        return (found,)

    glance = Reloader([str(path)], read, conversations, said.append).glance  # type: ignore[arg-type]
    path.write_text(DENY_DELETE)
    glance()
    glance()
    assert said == []
    glance()
    glance()
    assert said == ["policy reloaded: p (2 rules)"]


def test_59_rules_change_all_at_once_between_two_messages() -> None:
    both = '[[rule]]\nname = "{0}-a"\ntool = "{1}"\ndo = "block"\n[[rule]]\nname = "{0}-b"\nask = "{2}"\ndo = "block"\n'
    scene = Scene(both.format("old", "delete_repo", "sampling"))
    scene.call(1)
    denied(scene.call(2, "delete_repo"), "client", 2, "old-a")
    scene.core.govern(scene.at, [read_policy(both.format("new", "drop_table", "roots"), "p.toml")])
    asked = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}}
    assert len(scene.server({"id": 9, **asked}).client) == 1
    denied(scene.server({"id": 10, "method": "roots/list"}), "server", 10, "new-b")
    denied(scene.call(3, "drop_table"), "client", 3, "new-a")
    assert len(scene.call(4, "delete_repo").server) == 1
    assert len(scene.server({"id": 1, "result": {"content": []}}).client) == 1
    lives(scene)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (('do = "call"', 'url = "http://127.0.0.1:9/judge"'), "rule `ask`: `do` is `call`; "),
        (('do = "block"', 'url = "http://127.0.0.1:9/judge"'), "rule `ask`: unknown key `url`"),
        (('do = "hold"', "timeout = 5", 'url = "http://127.0.0.1:9/judge"'), "rule `ask`: unknown key `url`"),
        (('do = "webhook"',), "rule `ask`: `do` is `webhook`; "),
    ],
)
def test_62_a_policy_that_names_an_outside_judge_is_refused(
    lines: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "p.toml"
    path.write_text("\n".join(('[[rule]]\nname = "ask"\nall = true', *lines)))
    said = refused(tmp_path, path)
    assert expected in said
    assert "unknown key" in said or "it may be `allow`, `block`" in said or "did you mean" in said
