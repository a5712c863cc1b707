"""Installs the peers, each into an environment of its own, at the versions that are listed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from peers import ALL, LISTS, PEERS, Peer

_SECONDS = 600
_NEWEST = 15


def install() -> Iterator[str]:
    """Install what is not there yet; a line for each environment. One that cannot be installed stops no other."""
    for name in dict.fromkeys(peer.environment for peer in ALL):
        peer = next(peer for peer in ALL if peer.environment == name)
        if peer.installed:
            yield f"{name}: already there"
            continue
        try:
            _node() if peer.python is None else _python(peer, peer.python)
        except (OSError, subprocess.SubprocessError) as error:
            yield f"{name}: NOT installed: {_reason(error)}"
        else:
            (PEERS / name / "installed").touch()
            yield f"{name}: installed"


def _python(peer: Peer, least: tuple[int, int]) -> None:
    home = PEERS / peer.environment
    _run([_interpreter(least), "-m", "venv", "--clear", str(home)])
    wanted = LISTS / f"{peer.environment}.txt"
    quiet = ["--quiet", "--disable-pip-version-check"]
    _run([str(home / "bin" / "python"), "-m", "pip", "install", *quiet, "--no-deps", "--requirement", str(wanted)])


def _node() -> None:
    home = PEERS / "npm"
    home.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(LISTS / "npm" / name, home / name)
    _run(["npm", "ci", "--prefix", str(home), "--no-audit", "--no-fund", "--loglevel=error"])


def _interpreter(least: tuple[int, int]) -> str:
    """This Python if it is new enough, else another one of this machine.

    Raises: FileNotFoundError.
    """
    if sys.version_info[:2] >= least:
        return sys.executable
    names = [f"python{least[0]}.{minor}" for minor in range(least[1], _NEWEST)]
    installed = chain.from_iterable(sorted(Path.home().glob(f".pyenv/versions/*/bin/{name}")) for name in names)
    for found in (*map(str, installed), *filter(None, map(shutil.which, names))):
        if not subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode:
            return found
    raise FileNotFoundError(f"it needs Python {least[0]}.{least[1]}, which is not here")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)


def _reason(error: Exception) -> str:
    said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    lines = [line for line in (said or "").splitlines() if line.strip() and not line.startswith("WARNING")]
    return lines[-1].strip() if lines else type(error).__name__
