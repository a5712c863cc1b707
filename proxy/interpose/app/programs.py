"""Programs that recordings and tests name: where they are looked for, and whether they are there."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

_SCRIPTS = (".py", ".js", ".mjs", ".cjs", ".ts", ".sh")


def environment() -> dict[str, str]:
    """Ours, with the programs of this Python before others: `python` in a command is this one."""
    path = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)))
    return {**os.environ, "PATH": path}


def missing(command: Sequence[str], folder: str) -> str | None:
    """What of a command is not on this machine: the program, or the script that it runs. None: it can be started."""
    program = command[0]
    if shutil.which(program, path=environment()["PATH"]) is None and not Path(folder, program).is_file():
        return program
    script = next((word for word in command[1:] if word.endswith(_SCRIPTS) and not word.startswith("-")), None)
    return None if script is None or Path(folder, script).is_file() else script
