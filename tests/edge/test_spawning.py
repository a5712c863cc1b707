"""A server is started before anything is there to speak to it, and does not outlive what fails until then."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from tests.edge.processes import SECONDS

from interpose.core.errors import EndError
from interpose.edge.transports.spawning import spawned

# It would not end by itself, not even where its input does.
PARENT = "import subprocess, time; subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)"


def fail_beside_it(started: list["subprocess.Popen[bytes]"]) -> None:
    with spawned([sys.executable, "-c", PARENT]) as process:
        started.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdin, process.stdout, process.stderr:
            assert process.stdout.readline() == b"up\n"
            raise KeyboardInterrupt


def test_a_server_whose_session_never_begins_is_killed_with_all_that_it_started() -> None:
    started: list[subprocess.Popen[bytes]] = []
    with pytest.raises(KeyboardInterrupt):
        fail_beside_it(started)
    assert started[0].returncode == -signal.SIGKILL
    assert soon(lambda: not group_lives(started[0].pid))


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def soon(probe: Callable[[], bool]) -> bool:
    """Whether it comes true within bounds."""
    deadline = time.monotonic() + SECONDS
    while not probe() and time.monotonic() < deadline:
        time.sleep(0.01)
    return probe()


def test_what_a_server_says_before_anybody_listens_waits() -> None:
    with spawned(["cat"]) as process:
        assert process.communicate(b"x" * 100, timeout=10) == (b"x" * 100, b"")
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("command", "said"), [("/no/such/server", "no such command"), ("/etc/passwd", "Permission denied")]
)
def test_a_server_that_cannot_be_started_is_said_to(command: str, said: str) -> None:
    with pytest.raises(EndError, match=said), spawned([command]):
        pass
