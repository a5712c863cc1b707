"""`interpose doctor` as people run it: what it finds, and what it says when all is well."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.core.formats.tape import Tape

from interpose.app.cli.main import cli
from interpose.core.errors import UsageError

GOLDEN = Path(__file__).parents[2] / "recordings"
ANSWERS = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {}}), flush=True)
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it, and a short environment."""
    for variable in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "OPENCODE_CONFIG", "TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def doctor(*arguments: object) -> tuple[int, list[str]]:
    """The exit status, and the rows without the files' names."""
    done = CliRunner().invoke(cli, ["doctor", *map(str, arguments)], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value, [" ".join(line.split()) for line in done.stdout.splitlines() if line.startswith(" ")]


def said(
    home: Path, entry: dict[str, Any], *arguments: object, client: str = "claude_desktop_config.json"
) -> list[str]:
    """What there is to say about one server."""
    file = home / client
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"mcpServers": {"s": entry}}))
    status, rows = doctor(file, *arguments)
    assert status == (1 if any(row.startswith("wrong") for row in rows) else 0)
    return rows


def test_where_all_is_well_it_says_so(home: Path) -> None:
    assert said(home, {"command": "/bin/sh", "args": ["-c", "x"]}) == ["ok s"]
    assert said(home, {"command": "sh"}) == ["ok s"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            {"command": "no-such-program"},
            "wrong s `no-such-program` is not on the PATH; write its full path, or install it",
        ),
        ({"command": "/no/such"}, "wrong s `/no/such` is not there"),
        ({"command": "~/bin/x"}, "wrong s `~/bin/x`: nobody replaces the `~`; write the full path"),
        (
            {"command": "./x"},
            "wrong s `./x` is relative, and the client starts in a folder of its own; write the full path",
        ),
        (
            {"command": "sh", "args": ["-u", "my-server.py"]},
            "wrong s `my-server.py` is relative, and the client starts in a folder of its own; write the full path",
        ),
        ({"command": "sh", "args": ["/path/to/server.js"]}, "wrong s `/path/to/server.js` is not there"),
        ({"command": "sh", "cwd": "/no/folder"}, "wrong s `cwd` is no folder: /no/folder"),
        (
            {"command": "sh", "env": {"T": "${TOKEN}"}},
            "wrong s `${TOKEN}` is not replaced by this client, but passed on as it is",
        ),
        (
            {"command": "/no/interpose", "args": ["run", "--name", "s", "--", "sh"]},
            "wrong s `/no/interpose` is not there",
        ),
    ],
)
def test_processes(home: Path, entry: dict[str, Any], expected: str) -> None:
    assert said(home, entry) == [expected]


def test_a_header_whose_variable_is_not_set(home: Path) -> None:
    program = home / "interpose"
    program.touch()
    entry = {"command": str(program), "args": ["run", "--upstream", "https://x", "--header-env", "A=TOKEN"]}
    assert said(home, entry) == ["wrong s interpose will not start: `A` comes from `TOKEN`, which is not set"]
    assert said(home, {**entry, "env": {"TOKEN": "t"}}) == ["ok s"]


def test_relative_paths_of_a_project_are_looked_for_in_it(home: Path) -> None:
    entry = {"command": "sh", "args": ["tools/server.sh"]}
    assert said(home, entry, client="project/.mcp.json") == ["wrong s `tools/server.sh` is not there"]
    (home / "project" / "tools").mkdir()
    (home / "project" / "tools" / "server.sh").write_text("")
    assert said(home, entry, client="project/.mcp.json") == ["ok s"]
    assert said(home, entry | {"cwd": str(home)}, client=".mcp.json") == ["wrong s `tools/server.sh` is not there"]


def test_a_program_that_only_a_shell_finds(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = home / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    text = f"s `tool` may not be found: programs of the desktop have a short PATH; write {tool}"
    assert said(home, {"command": "tool"}) == [f"note {text}"]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert said(home, {"command": "tool"}) == [f"wrong {text}"]
    assert said(home, {"command": "tool"}, client=".mcp.json") == ["ok s"]
    assert said(home, {"command": "tool", "env": {"PATH": str(tool.parent)}}) == ["ok s"]


@pytest.mark.parametrize(
    ("options", "timeout", "wrong"),
    [
        (["--hold", "tool=x"], 30_000, "50 s, and the client waits 30 s"),
        (["--hold", "tool=x"], 90_000, None),
        (["--policy", "p.toml"], 90_000, "100 s, and the client waits 90 s"),
        (["--policy", "p.toml"], 110_000, None),
        ([], 1, None),
    ],
)
def test_holds_that_are_longer_than_the_client_waits(
    home: Path, options: list[str], timeout: int, wrong: str | None
) -> None:
    policy = home / "project" / "p.toml"
    policy.write_text('[[rule]]\nname = "x"\ntool = "deploy"\ndo = "hold"\ntimeout = 100\n')
    entry = {
        "command": "/usr/bin/env",
        "args": ["interpose", "run", *options, "--name", "s", "--", "sh"],
        "timeout": timeout,
    }
    rows = said(home, entry, client=".gemini/settings.json")
    assert rows == ([f"wrong s a message may be held for {wrong} for an answer"] if wrong else ["ok s"])


def test_a_policy_that_cannot_be_read_is_told(home: Path) -> None:
    args = ["interpose", "run", "--policy", "/no/policy.toml", "--name", "s", "--", "sh"]
    [row] = said(home, {"command": "/usr/bin/env", "args": args})
    assert row.startswith("wrong s interpose will not start: /no/policy.toml")


def test_a_malformed_file_has_its_place(home: Path) -> None:
    (home / ".mcp.json").write_text('{\n "mcpServers": {,}}')
    assert doctor(home / ".mcp.json") == (
        1,
        ["wrong line 2, column 17: a name in double quotes should be here, not `,`"],
    )


def test_every_client_is_looked_at(home: Path) -> None:
    (home / ".cursor").mkdir()
    (home / ".cursor" / "mcp.json").write_text('{"mcpServers": {"a": {"command": "sh"}}}')
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text('[mcp_servers.b]\ncommand = "no-such-program"\n')
    status, rows = doctor()
    assert (status, rows[0], rows[1][:25]) == (1, "ok a", "wrong b `no-such-program`")
    assert doctor("cursor") == (0, ["ok a"])
    done = CliRunner().invoke(cli, ["doctor", "zed"], standalone_mode=False)
    assert isinstance(done.exception, UsageError)


def test_a_server_that_answers(home: Path) -> None:
    script = home / "answers.py"
    script.write_text(ANSWERS)
    entry = {"command": sys.executable, "args": [str(script)]}
    assert said(home, entry, "--try") == ["ok s answers `initialize`"]
    wrapped = {"command": sys.executable, "args": ["-m", "interpose", "run", "--name", "s", "--", *entry["args"]]}
    wrapped["args"].insert(6, sys.executable)  # type: ignore[attr-defined]
    assert said(home, wrapped, "--try") == ["ok s answers `initialize`"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo no licence >&2; exit 3", "wrong s left with status 3; it said: no licence"),
        ("exec 1>&-; sleep 60", "wrong s does not answer `initialize` within 0.5 s"),
        ("echo starting >&2; cat >/dev/null", "wrong s does not answer `initialize` within 0.5 s; it said: starting"),
        ("trap '' TERM; while :; do sleep 1; done", "wrong s does not answer `initialize` within 0.5 s"),
        ("cat", "wrong s does not answer `initialize` within 0.5 s"),
    ],
)
def test_a_server_that_does_not(home: Path, script: str, expected: str) -> None:
    assert said(home, {"command": "sh", "args": ["-c", script]}, "--try", "--seconds", 0.5) == [expected]


def test_a_program_that_is_not_there_and_an_address_that_nobody_has(home: Path) -> None:
    rows = said(home, {"command": "/no/such"}, "--try")
    assert rows[1] == "wrong s does not start: `/no/such`: No such file or directory"
    [row] = said(home, {"url": "http://127.0.0.1:1/mcp"}, "--try")
    assert row.startswith("wrong s cannot be reached")


def test_capabilities_that_a_client_never_declared(home: Path) -> None:
    hello = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
    hello += b'"capabilities":{"roots":{}},"clientInfo":{"name":"Ed","version":"1"}}}'
    tape = Tape().say("client", hello)
    tape.say(
        "server", b'{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}'
    )
    path = tape.ends().write(home / "r.jsonl")
    (home / ".cursor").mkdir()
    (home / ".cursor" / "mcp.json").write_text('{"mcpServers": {}}')
    status, rows = doctor("cursor", "--recording", path)
    assert status == 1
    assert [row.partition("r.jsonl: ")[2] for row in rows[1:]] == [
        "asks for sampling, which Ed never declared",
        "Ed never declared elicitation",
    ]
