"""Runs interpose as its users do: a process with pipes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

INTERPOSE = [sys.executable, "-m", "interpose"]
SECONDS = 30


def python(script: str) -> list[str]:
    """A server that is a few lines of Python."""
    return [sys.executable, "-c", script]


def shim(server: list[str], *options: str, record: Path | None = None) -> list[str]:
    """`interpose run` before a server's command."""
    recording = ["--record", str(record)] if record else []
    return [*INTERPOSE, "run", *recording, *options, "--", *server]


def run(command: list[str], sent: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run to the end: everything is sent at once, then the input is closed."""
    return subprocess.run(command, input=sent, capture_output=True, timeout=SECONDS, check=False)


def entries(path: Path) -> list[dict[str, Any]]:
    """The lines of a recording after its header."""
    return [json.loads(line) for line in path.read_bytes().splitlines()[1:]]


def peak_memory(pid: int) -> int:
    """The most memory a running process has ever held, in bytes (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and os.path.exists(f"/proc/{pid}")
