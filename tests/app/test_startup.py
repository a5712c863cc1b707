"""What a start loads, and when: a server waits for nothing that a run does not need, and starts before the rest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from interpose.app import cli as folder
from interpose.app.cli.main import COMMANDS, cli

CLI = Path(folder.__path__[0])
ENTRY = "from interpose.app.cli.main import main; main()"
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
# Each would cost a start as much as all of a small server's.
NEVER = {"aiohttp", "anyio", "email", "http", "importlib.metadata", "mitmproxy", "multidict", "opentelemetry", "pytest"}
NEVER |= {"rich", "secrets", "sqlite3", "unittest", "yarl", "zstandard"}
POLICY = {"pydantic", "pydantic_core", "re2", "tomllib", "difflib", "interpose.core.policy.rule"}
REDACTION = {"interpose.core.policy.redact.detectors", "interpose.core.policy.redact.redactor"}
LATER = {"asyncio", "logging", "msgspec", "orjson", "pathlib", "ssl", "urllib"}  # while the server starts


def loaded(arguments: list[str], folder: Path) -> tuple[set[str], set[str]]:
    """What a session of `interpose run` has loaded when its server is started, and at its end."""
    notes = folder / "loaded"
    script = (
        "import json, os, sys\n"
        f"def tell(what): print(json.dumps([what, *sys.modules]), file=open({str(notes)!r}, 'a'))\n"
        "sys.addaudithook(lambda event, _: tell('started') if event == 'subprocess.Popen' else None)\n"
        f"try:\n    {ENTRY}\nfinally:\n    tell('over')\n"
    )
    command = [sys.executable, "-c", script, "run", *arguments, "--", "cat"]
    done = subprocess.run(command, input=PING, capture_output=True, timeout=60, check=False, env=os.environ.copy())
    assert (done.stdout, done.stderr, done.returncode) == (PING, b"", 0)
    started, over = (set(json.loads(line)) for line in notes.read_text().splitlines())
    assert "started" in started
    assert "over" in over
    return started, over


def within(modules: set[str], names: set[str]) -> set[str]:
    """Those of the names that were loaded, whole or in part."""
    return {name for name in names for module in modules if module == name or module.startswith(name + ".")}


@pytest.mark.parametrize("record", [False, True])
def test_a_run_without_a_policy_loads_nothing_that_policies_http_or_people_need(record: bool, tmp_path: Path) -> None:
    _, over = loaded(["--record", str(tmp_path / "r.jsonl")] if record else [], tmp_path)
    assert within(over, NEVER | POLICY) == set()


@pytest.mark.parametrize("record", [False, True])
def test_the_server_starts_before_what_only_messages_need_is_loaded(record: bool, tmp_path: Path) -> None:
    started, over = loaded(["--record", str(tmp_path / "r.jsonl")] if record else [], tmp_path)
    assert within(started, LATER | NEVER) == set()
    assert within(over, LATER) == LATER


def test_a_policy_that_redacts_nothing_does_not_load_redaction(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('[[rule]]\nname = "a"\nask = "sampling"\ndo = "block"\n')
    _, over = loaded(["--policy", str(tmp_path / "p.toml"), "--block", "roots"], tmp_path)
    assert within(over, {"aiohttp", "anyio", "rich", "difflib"} | REDACTION) == set()
    assert within(over, {"pydantic"}) == {"pydantic"}


def test_only_the_models_of_rules_that_a_policy_has_are_built(tmp_path: Path) -> None:
    script = (
        "from interpose.core.policy.shorthand import shorthand\n"
        "from interpose.core.policy.rule import ACTIONS\n"
        "shorthand('block sampling')\n"
        "print(*(name for name, model in ACTIONS.items() if model.__pydantic_complete__))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    assert done.stdout == b"block\n"


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_what_the_command_says_of_itself_needs_no_more_than_the_parser(argument: str) -> None:
    script = (
        "import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        f"sys.argv = ['interpose', {argument!r}]\n{ENTRY}\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    assert within(set(done.stderr.decode().split()), {"asyncio", "msgspec", "pydantic"} | NEVER) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--policy", "none.toml"],
        ["--record", "/dev/null/r.jsonl"],
        ["--approver", "x"],
        ["--block", "x"],
        ["--redact", ""],
    ],
)
def test_what_can_be_refused_is_refused_before_the_server_starts(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENTRY, "run", *arguments, "--", "touch", "started"]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(b"interpose: ")
    assert not (tmp_path / "started").exists()


def test_every_command_stands_in_the_help_with_what_it_does_on_one_line() -> None:
    done = subprocess.run([sys.executable, "-c", ENTRY, "--help"], capture_output=True, timeout=60, check=True)
    assert {path.stem.rstrip("_") for path in CLI.glob("*.py") if "\n@click.command(" in path.read_text()} <= set(
        COMMANDS
    )
    lines = done.stdout.decode().partition("Commands:\n")[2].splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [[name, text] for name, text in COMMANDS.items()]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_the_help_names_is_there(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
