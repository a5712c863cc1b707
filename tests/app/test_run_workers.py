"""`interpose run --workers`, where it is refused; what it does is in tests/edge/workers."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--workers", "2", "--", "cat"], "--workers goes with --listen"),
        (["--listen", "127.0.0.1:0", "--workers", "0", "--", "cat"], "--workers"),
        (["--listen", "127.0.0.1:0", "--workers", "2", "--ui", "--", "cat"], "one process"),
        (["--listen", "127.0.0.1:0", "--workers", "2", "--policy", "/nowhere.toml", "--", "cat"], "/nowhere.toml"),
        (["--listen", "127.0.0.1:0", "--workers", "2", "--upstream", "http://127.0.0.1:9/mcp"], "cannot reach"),
    ],
)
def test_what_cannot_be_is_refused_once(words: list[str], why: str) -> None:
    command = [sys.executable, "-m", "interpose", "run", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (2, 3)
    assert done.stderr.count(why) == 1, done.stderr
    assert done.stdout == ""
