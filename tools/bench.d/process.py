"""The processes of a bench: started, watched, and ended; nothing that it did not start is touched."""

import ctypes
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Literal

HERE = Path(__file__).parent
PEER = (sys.executable, "-S", "-E")  # the bench's own processes need no site-packages
INTERPOSE = (sys.executable, "-m", "interpose", "run")
READY_WITHIN = 30.0
_LISTENING = re.compile(rb"listening on http://127\.0\.0\.1:(\d+)/")
_PAGE = re.compile(rb"see and decide at (http://\S+)")
_PR_SET_PDEATHSIG = 1
_prctl: Callable[[int, int], int] | None = getattr(ctypes.CDLL(None), "prctl", None)


class BenchError(Exception):
    """The bench cannot go on."""


@cache
def supports(option: str) -> bool:
    """Whether this interpose knows the option."""
    shown = subprocess.run([*INTERPOSE, "--help"], capture_output=True, text=True, check=False)
    return option in shown.stdout


def peer(name: str, *arguments: object) -> list[str]:
    """The command of one of the bench's own processes."""
    return [*PEER, str(HERE / f"{name}.py"), *map(str, arguments)]


def free_port() -> int:
    """A port of this machine that was free a moment ago, for whoever cannot pick one."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


def paced(requests: Sequence[bytes], apart: float) -> Iterator[bytes]:
    """Each so many seconds after the last; at once when that time is over."""
    due = time.perf_counter()
    for request in requests:
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
        due += apart
        yield request


class Running:
    """One process, its standard input and output as descriptors, its standard error in a file."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                bufsize=0,
                preexec_fn=_end_with_parent,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin.fileno(), self.process.stdout.fileno()

    def said(self) -> bytes:
        """What one of the bench's own processes says first; nothing when it has ended or stays silent."""
        ready, _, _ = select.select([self.stdout], [], [], READY_WITHIN)
        return os.read(self.stdout, 64) if ready else b""

    def printed_port(self) -> int:
        """The port that one of the bench's own processes says it has bound."""
        text = self.said()
        if not text.strip().isdigit():
            raise BenchError(f"a server did not start: {self.last_words()}")
        return int(text)

    def announced_port(self) -> int:
        """The port that interpose says it listens on."""
        return int(self._announced(_LISTENING))

    def announced_page(self) -> str:
        """The address of its page that interpose says."""
        return self._announced(_PAGE).decode()

    def open_port(self, port: int) -> int:
        """This port, once the process accepts connections on it."""
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    return port
            time.sleep(0.002)
        raise BenchError(f"nobody listens: {self.last_words()}")

    def last_words(self) -> str:
        """The end of its standard error."""
        return self._log.read_bytes()[-400:].decode("utf-8", "replace").strip() or "it said nothing"

    def cpu(self) -> float:
        """Seconds of processor time that it has used so far, all threads; 0 where the system does not tell."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        try:
            return sum(int((task / "schedstat").read_bytes().split()[0]) for task in tasks.iterdir()) / 1e9
        except (OSError, IndexError):
            return self._cpu_in_ticks()

    def memory(self, what: Literal["VmRSS", "VmHWM"]) -> int:
        """Bytes that are resident, now or at most; 0 where the system does not tell."""
        try:
            text = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0
        found = re.search(rf"{what}:\s+(\d+) kB", text)
        return int(found[1]) * 1024 if found else 0

    def stop(self) -> None:
        """Close its input, then make sure that it ends."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        for grace, number in ((0.3, signal.SIGTERM), (2.0, signal.SIGKILL)):
            try:
                self.process.wait(grace)
                return
            except subprocess.TimeoutExpired:
                self.process.send_signal(number)
        self.process.wait()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _announced(self, pattern: re.Pattern[bytes]) -> bytes:
        """What interpose says on its standard error: the first group."""
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline and self.process.poll() is None:
            found = pattern.search(self._log.read_bytes())
            if found:
                return found[1]
            time.sleep(0.002)
        raise BenchError(f"interpose does not listen: {self.last_words()}")

    def _cpu_in_ticks(self) -> float:
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _end_with_parent() -> None:
    """Linux: a bench that is killed leaves nobody behind."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
