"""Recorded clients played to a server under test, each in a process."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from interpose.app.programs import environment

_OURS = "interpose: "
_MOST_STDERR = 20


def play(session: Path, options: Sequence[str], end: Sequence[str], made: Path | None) -> list[str]:
    """Play a recording's client to the server that `end` names; returns what was wrong, as lines.

    `made` is the recording to make of it: then answers may be others, but they must come.
    """
    record = [] if made is None else ["--record", str(made)]
    command = [sys.executable, "-P", "-m", "interpose", "replay", "client", str(session), *options, *record, *end]
    done = subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    said = done.stderr.decode("utf-8", "replace").splitlines()
    own = [line.removeprefix(_OURS) for line in said if line.startswith(_OURS)]
    if done.returncode == 0 or (made is not None and done.returncode == 1 and not _broke_off(own)):
        return []
    rest = [f"  stderr: {line}" for line in said if not line.startswith(_OURS)]
    return [*own, *rest[-_MOST_STDERR:]]


def _broke_off(lines: Sequence[str]) -> bool:
    """Whether a server did not only answer otherwise, but left or kept silent."""
    return any(line.startswith(("  waited for in vain", "  failed")) for line in lines)
