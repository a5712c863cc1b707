"""The wheel, built of what the Dockerfile copies and installed where nothing else is: all that a user gets is in it."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from interpose import __version__
from interpose.app.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {}}), flush=True)
"""
PING = '{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an image is built of: what the Dockerfile copies, less what .dockerignore leaves out."""
    folder = tmp_path_factory.mktemp("source")
    ignored = (ROOT / ".dockerignore").read_text().split()
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    assert ignored[0] == "*"
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE):
        *names, target = line.split()
        for name in names:
            assert name in allowed
            found = [ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*"))
            for path in found:
                if path.is_file() and "__pycache__" not in path.parts:
                    inner = path.relative_to(ROOT / name) if path != ROOT / name else path.name
                    copy = folder / target / inner
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment in which only the wheel and what it needs were installed."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    pip(str(folder / "bin" / "python"), "install", str(wheel))
    return folder / "bin"


def pip(python: str, *words: str) -> None:
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr


def interpose(programs: Path, folder: Path, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """A command of the installed interpose, in a folder of its own and with nothing in its environment."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    command = [str(programs / "interpose"), *words]
    return subprocess.run(
        command, input=said, capture_output=True, text=True, cwd=folder, env=environment, timeout=120, check=False
    )


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    package = ROOT / "proxy"
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    wanted = {str(path.relative_to(package)) for path in files}
    assert wanted - names == set()
    rest = names - wanted
    assert [name for name in rest if not fnmatch(name, f"interpose-{__version__}.dist-info/*")] == []
    assert f"interpose-{__version__}.dist-info/licenses/LICENSE" in rest


def test_it_tells_its_version(programs: Path, tmp_path: Path) -> None:
    done = interpose(programs, tmp_path, "--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"interpose, version {__version__}\n", "", 0)


def test_every_command_has_its_help_without_any_extra(programs: Path, tmp_path: Path) -> None:
    for name in COMMANDS:
        done = interpose(programs, tmp_path, name, "--help")
        assert (done.returncode, done.stderr) == (0, ""), name
        assert done.stdout.startswith(f"Usage: interpose {name}")


def test_it_needs_no_sdk_to_be_in_the_middle_of_a_server(programs: Path, tmp_path: Path) -> None:
    python = str(programs / "python")
    absent = subprocess.run([python, "-c", "import mcp"], capture_output=True, check=False)
    assert absent.returncode == 1
    (tmp_path / "server.py").write_text(SERVER)
    done = interpose(
        programs, tmp_path, "run", "--record", "s.jsonl", "--block", "sampling", "--", python, "server.py", said=PING
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == '{"jsonrpc": "2.0", "id": 1, "result": {}}\n'
    shown = interpose(programs, tmp_path, "show", "s.jsonl")
    assert "ping ok" in shown.stdout


def test_the_demo_and_policies_work(programs: Path, tmp_path: Path) -> None:
    done = interpose(programs, tmp_path, "demo")
    assert done.returncode == 0, done.stderr
    assert "sampling/createMessage" in done.stdout
    for policy in sorted((ROOT / "policies").glob("*.toml")):
        if "when" not in policy.read_text():  # an extra
            checked = interpose(programs, tmp_path, "policy", "check", str(policy))
            assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout


def test_what_an_extra_brings_is_named_where_it_is_missing(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    interpose(programs, tmp_path, "run", "--record", "s.jsonl", "--", "cat", said=PING)
    done = interpose(programs, tmp_path, "lint", "s.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'interpose[lint]'" in done.stderr


def test_the_image_runs_interpose_as_nobody_special() -> None:
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "FROM python:3.13-slim"
    assert 'ENTRYPOINT ["interpose"]' in lines
    assert lines.index("USER interpose") < lines.index('ENTRYPOINT ["interpose"]')
    assert [line for line in lines if line.startswith(("ADD", "SHELL", "ENV"))] == []
    assert os.path.isfile(ROOT / ".dockerignore")
