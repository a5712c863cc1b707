"""Completion in a shell: commands, options, clients, files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interpose.app.cli.main import COMMANDS


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with interpose in it, for PATH."""
    program = tmp_path / "interpose"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m interpose "$@"\n')
    program.chmod(0o755)
    return tmp_path


def completed(words: list[str]) -> list[tuple[str, str]]:
    """What the shell is told of the last word: kinds and values."""
    environment = {
        **os.environ,
        "_INTERPOSE_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["interpose", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from interpose.app.cli.main import main; main()"],
        env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return [(kind, value) for kind, _, value in (line.partition(",") for line in done.stdout.splitlines() if line)]


def test_commands() -> None:
    assert [value for _, value in completed([""])] == list(COMMANDS)
    assert completed(["exp"]) == [("plain", "export")]
    assert completed(["replay", "s"]) == [("plain", "server")]


def test_options_and_their_choices() -> None:
    assert ("plain", "--format") in completed(["export", "--"])
    assert completed(["export", "--format", "me"]) == [("plain", "mermaid")]
    assert ("plain", "--version") in completed(["--"])


@pytest.mark.parametrize(
    "words",
    [
        ["show", "x"],
        ["diff", "a.jsonl", "x"],
        ["rehearse", "--policy", "x"],
        ["wrap", "--record", "x"],
        ["wrap", "./x"],
        ["lint", "--junit", "x"],
    ],
)
def test_files(words: list[str]) -> None:
    assert completed(words) == [("file", words[-1])]


def test_clients() -> None:
    assert completed(["wrap", "cl"]) == [("plain", "claude-desktop"), ("plain", "claude-code"), ("plain", "cline")]
    assert completed(["doctor", "zed"]) == completed(["unwrap", "zed"]) == [("plain", "zed")]


def test_a_real_bash_completes_with_what_is_printed(programs: Path) -> None:
    script = (
        "source <(interpose completion bash); complete -p interpose;"
        "COMP_WORDS=(interpose export --format ht); COMP_CWORD=3; _interpose_completion interpose; echo ${COMPREPLY[@]}"
    )
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["complete -o nosort -F _interpose_completion interpose", "html"]


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -"), ("zsh", "#compdef interpose"), ("fish", "complete ")]
)
def test_each_shell_has_its_script(shell: str, word: str) -> None:
    command = [sys.executable, "-m", "interpose", "completion", shell]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert word in done.stdout
    assert "_INTERPOSE_COMPLETE=" in done.stdout


def test_another_shell_is_a_mistake() -> None:
    command = [sys.executable, "-m", "interpose", "completion", "tcsh"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "bash" in done.stderr
