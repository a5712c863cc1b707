"""`interpose ui` as a command: what it refuses, and that it ends."""

import signal
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.browser.chromium import interpose

from interpose.app.cli.main import cli
from interpose.app.web.server import own_address
from interpose.core.errors import UsageError

GOLDEN = Path(__file__).parents[3] / "recordings" / "2025-11-25"


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["ui", *arguments], standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    return str(done.exception)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refused(str(tmp_path / "nothing.jsonl"))


@pytest.mark.parametrize("where", ["0.0.0.0:0", "example.com:80", "[::]:0", "192.168.0.1:80"])
def test_the_page_is_for_this_machine_alone(where: str) -> None:
    assert "nobody else should see" in refused("--listen", where, str(GOLDEN))


@pytest.mark.parametrize("where", ["127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", ""])
def test_an_address_has_a_port(where: str) -> None:
    assert "want HOST:PORT" in refused("--listen", where, str(GOLDEN))


def test_an_address_is_taken_apart() -> None:
    assert own_address(":8800", "--ui") == ("127.0.0.1", 8800)
    assert own_address("[::1]:0", "--ui") == ("::1", 0)
    assert own_address("localhost:1", "--ui") == ("localhost", 1)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with interpose(tmp_path, "ui", "--listen", where, str(GOLDEN)) as running:
            assert running.process.wait(20) == 3
        assert "cannot listen" in running.said


def test_a_file_that_is_no_recording_is_told(tmp_path: Path) -> None:
    path = tmp_path / "other.txt"
    path.write_text("hello\n")
    with interpose(tmp_path, "ui", str(path)) as running:
        assert running.process.wait(20) == 2
    assert "not a recording" in running.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(tmp_path: Path, number: int) -> None:
    with interpose(tmp_path, "ui", str(GOLDEN)) as running:
        assert running.address
        running.process.send_signal(number)
        assert running.process.wait(20) == 0
    assert "Traceback" not in running.said
