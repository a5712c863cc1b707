"""Help as a manual: what every command says of itself, and that the examples in it work."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.core.importing.captured import CORPUS

from interpose.app.cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "recordings" / "2025-11-25" / "everything-stdio-ts1.jsonl"
LONGEST = 96
# What they need no test has at hand: a listener that serves until it is ended, a browser, a decision that waits.
NOT_ALONE = re.compile(
    r"--listen|--upstream|^interpose ui|^interpose intercept|approvals (?:approve|--watch)|^interpose demo"
)
DIFFERS = {"interpose diff", "interpose learn", "interpose doctor", "interpose lint", "interpose rehearse"}
DIFFERS |= {"interpose replay server", "interpose replay client", "interpose test"}  # no client, or another server


def commands(group: click.Group = cli, path: tuple[str, ...] = ("interpose",)) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its full name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group) and not command.invoke_without_command:
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


ALL = dict(commands())
each = pytest.mark.parametrize("name", ALL)


def text(name: str) -> str:
    command = ALL[name]
    context = click.Context(command, info_name=name, max_content_width=LONGEST, terminal_width=LONGEST)
    return command.get_help(context)


def examples(name: str) -> list[str]:
    _, _, rest = text(name).partition("\n  Examples:\n")
    return [line.strip() for line in rest.partition("\n\n")[0].splitlines()]


EXAMPLES = [(name, example) for name in ALL for example in examples(name)]


def test_every_command_has_a_line_in_the_list() -> None:
    assert {name.split()[1] for name in ALL} == set(COMMANDS)


@each
def test_a_command_says_what_it_does_what_it_prints_and_how_it_ends(name: str) -> None:
    usage, _, rest = text(name).partition("\n\n")
    assert usage.startswith(f"Usage: {name}")
    assert re.match(r"  [A-Z][^\n]*", rest)
    assert "\n  Prints " in rest
    assert re.search(r"\n  Exit codes: 0 .*\.\n", rest)


@each
def test_a_command_has_two_examples_at_least_of_itself(name: str) -> None:
    found = examples(name)
    assert len(found) >= 2
    assert [each for each in found if not re.match(re.escape(name) + r"(?: |$)", each)] == []


@each
def test_every_option_says_what_it_is_for(name: str) -> None:
    silent = [option.name for option in ALL[name].params if isinstance(option, click.Option) and not option.help]
    assert silent == []


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the examples name, a home, and the programs that they start."""
    home, here, programs = (tmp_path / name for name in ("home", "here", "bin"))
    for folder in (home / ".zfunc", here / "recordings", here / ".vscode", programs):
        folder.mkdir(parents=True)
    for folder in (".local/share/bash-completion/completions", ".config/fish/completions", ".config/Claude"):
        (home / folder).mkdir(parents=True)
    for name in ("session", "before", "after", "monday", "tuesday", "recordings/one"):
        shutil.copy(GOLDEN, here / f"{name}.jsonl")
    shutil.copy(next(path for path in CORPUS.iterdir() if path.suffix == ".har"), here / "session.har")
    for name in ("careful", "today"):
        shutil.copy(ROOT / "policies" / "block-sampling.toml", here / f"{name}.toml")
    (home / ".config/Claude/claude_desktop_config.json").write_text('{"mcpServers": {"a": {"command": "/bin/cat"}}}')
    (here / ".vscode/mcp.json").write_text('{"servers": {"github": {"command": "/bin/cat"}}}')
    (programs / "npx").write_text("#!/bin/sh\nexec cat\n")
    (programs / "interpose").write_text(f'#!/bin/sh\nexec {sys.executable} -m interpose "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(here)
    return here


@pytest.mark.parametrize(("name", "example"), [each for each in EXAMPLES if not NOT_ALONE.search(each[1])])
def test_an_example_works(name: str, example: str, desk: Path) -> None:
    wanted = (desk / "session.jsonl").is_file() and example.startswith("interpose run")
    if wanted:
        (desk / "session.jsonl").unlink()
    done = subprocess.run(["bash", "-c", example], input=b"", capture_output=True, timeout=60, check=False)
    said = done.stderr.decode()
    assert done.returncode in ({0, 1} if name in DIFFERS else {0}), said
    assert "Traceback" not in said
    assert "Usage:" not in said


@pytest.mark.parametrize(("name", "example"), [each for each in EXAMPLES if NOT_ALONE.search(each[1])])
def test_an_example_that_needs_more_is_a_command_line_at_least(name: str, example: str) -> None:
    words = shlex.split(example)[len(name.split()) :]
    command = ALL[name]
    with command.make_context(name, words[: words.index("--")] if "--" in words else words, resilient_parsing=True):
        pass
    known = {spelling for option in command.params for spelling in option.opts} | {"--help"}
    own = words[: words.index("--")] if "--" in words else words
    assert [word for word in own if word.startswith("--") and word not in known] == []
