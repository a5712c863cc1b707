"""A message costs no more processor time than the committed baseline allows: a ratio, measured in this run."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "tools" / "bench.d"


@pytest.mark.real
@pytest.mark.timeout(600)
def test_interpose_has_not_become_slower() -> None:
    done = subprocess.run([sys.executable, str(BENCH), "--guard"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
