"""The relay as its users run it: a process of its own, measured from outside."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.edge.processes import INTERPOSE, SECONDS, entries, peak_memory
from tests.edge.relay_world import CHUNKED, EVENTS, JSON, PING, PONG, post, reply

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MEGABYTE = 1 << 20
STEP = b"x" * MEGABYTE
Script = Callable[["Peer"], None]


class Peer:
    """One end of a connection, blocking, in a thread of its own. Nothing is kept: sizes are what counts."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(SECONDS)
        self.sock = sock
        self._file = sock.makefile("rb", buffering=MEGABYTE)

    def say(self, *data: bytes) -> None:
        for piece in data:
            self.sock.sendall(piece)

    def head(self) -> bytes:
        """A head; nothing when the other side has closed."""
        lines = []
        while (line := self._file.readline()) not in (b"\r\n", b""):
            lines.append(line)
        return b"".join(lines)

    def skip(self, size: int) -> None:
        """Read so many bytes and forget them."""
        while size:
            piece = self._file.read(min(size, MEGABYTE))
            assert piece, "the body ended early"
            size -= len(piece)

    def skip_body(self, head: bytes) -> int:
        """Read the body that goes with a head; its size. Raises ConnectionError when there was none."""
        if not head:
            raise ConnectionError("the other side left")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length:
            self.skip(int(length[1]))
            return int(length[1])
        total = 0
        while size := int(self._file.readline(), 16):
            self.skip(size + 2)
            total += size
        self._file.readline()
        return total

    def close(self) -> None:
        self._file.close()
        self.sock.close()


class Run:
    """A relay that runs, and the script its server follows for each connection."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, record: Path) -> None:
        self.process = process
        self.port = port
        self.record = record

    @contextmanager
    def client(self) -> Iterator[Peer]:
        peer = Peer(socket.create_connection(("127.0.0.1", self.port), SECONDS))
        try:
            yield peer
        finally:
            peer.close()

    def memory(self) -> int:
        return peak_memory(self.process.pid) // MEGABYTE

    def recorded(self, text: bytes) -> None:
        """Wait until this stands at the end of a recording."""
        deadline = time.monotonic() + SECONDS
        while not any(text in _tail(path) for path in self.record.iterdir()):
            assert time.monotonic() < deadline, f"{text!r} was not recorded"
            time.sleep(0.01)


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        return file.read()


@contextmanager
def running(folder: Path, script: Script) -> Iterator[Run]:
    """A server, each connection in its thread, and a relay before it. The relay must have nothing to complain of."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    threading.Thread(target=_serve, args=(listener, script), daemon=True).start()
    record, log = folder / "recordings", folder / "stderr"
    record.mkdir()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    command = [*INTERPOSE, "run", "--listen", "127.0.0.1:0", "--record", f"{record}/", "--upstream", url]
    with listener, log.open("wb") as sink, subprocess.Popen(command, stderr=sink) as process:
        try:
            deadline = time.monotonic() + SECONDS
            while not (found := re.search(rb":(\d+)/mcp \(and", log.read_bytes())):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield Run(process, int(found[1]), record)
        finally:
            process.terminate()
            assert process.wait(SECONDS) == 0
    assert log.read_bytes().count(b"\n") == 1, log.read_text()


def _serve(listener: socket.socket, script: Script) -> None:
    try:
        while True:
            sock, _ = listener.accept()
            sock.settimeout(SECONDS)
            threading.Thread(target=_follow, args=(script, sock), daemon=True).start()
    except OSError:
        pass


def _follow(script: Script, sock: socket.socket) -> None:
    peer = Peer(sock)
    try:
        script(peer)
    except OSError:
        pass
    finally:
        peer.close()


def say_large(peer: Peer, before: bytes, after: bytes) -> None:
    """64 MB of text between two pieces."""
    peer.say(before, *([STEP] * 64), after)


LARGE_SIZE = 64 * MEGABYTE
BEFORE, AFTER = b'{"jsonrpc":"2.0","id":1,"result":{"t":"', b'"}}'


def answers_with_large_json(peer: Peer) -> None:
    peer.skip_body(peer.head())
    head = reply("200 OK", JSON, f"Content-Length: {len(BEFORE) + LARGE_SIZE + len(AFTER)}")
    say_large(peer, head + BEFORE, AFTER)
    peer.head()


def answers_with_large_event(peer: Peer) -> None:
    peer.skip_body(peer.head())
    say_large(peer, reply("200 OK", EVENTS) + b"data: " + BEFORE, AFTER + b"\n\n")


def answers_shortly(peer: Peer) -> None:
    while head := peer.head():
        peer.skip_body(head)
        peer.say(reply("200 OK", JSON, body=PONG))


@pytest.mark.parametrize("script", [answers_with_large_json, answers_with_large_event])
def test_an_answer_of_64_mb_passes_in_under_300_mb(script: Script, tmp_path: Path) -> None:
    with running(tmp_path, script) as run, run.client() as client:
        client.say(post(PING))
        assert client.skip_body(client.head()) > LARGE_SIZE
        run.recorded(b'"kind":"closed"')
        memory = run.memory()
        assert memory < 300, memory
    assert next(run.record.iterdir()).stat().st_size > LARGE_SIZE


def test_a_request_of_64_mb_passes_in_under_300_mb(tmp_path: Path) -> None:
    with running(tmp_path, answers_shortly) as run, run.client() as client:
        size = len(BEFORE) + LARGE_SIZE + len(AFTER)
        say_large(client, post(b"").replace(b"Content-Length: 0", b"Content-Length: %d" % size) + BEFORE, AFTER)
        assert client.skip_body(client.head()) == len(PONG)
        memory = run.memory()
        assert memory < 300, memory


def test_a_client_that_never_reads_holds_back_its_server_and_nobody_else(tmp_path: Path) -> None:
    held_back = threading.Event()
    event = b"data: " + b"x" * 1000 + b"\n\n"

    def floods(peer: Peer) -> None:
        head = peer.head()
        peer.skip_body(head)
        if b"X-Flood" not in head:
            peer.say(reply("200 OK", JSON, body=PONG))
            return
        peer.say(reply("200 OK", EVENTS, CHUNKED))
        peer.sock.settimeout(1)
        flood = event * 1000
        try:
            for _ in range(100):
                peer.say(b"%x\r\n%b\r\n" % (len(flood), flood))
        except TimeoutError:
            held_back.set()

    with running(tmp_path, floods) as run, run.client() as deaf:
        deaf.say(post(PING, "X-Flood: 1", "Mcp-Session-Id: deaf"))
        with run.client() as other:
            while not held_back.is_set():
                began = time.monotonic()
                other.say(post(PING, "Mcp-Session-Id: other"))
                assert other.skip_body(other.head()) == len(PONG)
                assert time.monotonic() - began < 1
                held_back.wait(0.1)
        memory = run.memory()
        assert memory < 150, memory


def test_a_client_that_reads_slowly_gets_100_mb_of_events_in_bounded_memory(tmp_path: Path) -> None:
    event = b"data: " + b"x" * 10_000 + b"\n\n"

    def floods(peer: Peer) -> None:
        peer.skip_body(peer.head())
        peer.say(reply("200 OK", EVENTS), *([event * 100] * 100))

    with running(tmp_path, floods) as run, run.client() as client:
        client.say(post(PING))
        assert client.skip_body(client.head()) == len(event) * 10_000
        memory = run.memory()
        assert memory < 150, memory


def test_a_server_that_stops_reading_holds_back_its_client_and_nobody_else(tmp_path: Path) -> None:
    let_go = threading.Event()

    def reads_on_demand(peer: Peer) -> None:
        while head := peer.head():
            if b"X-Stuck" in head:
                let_go.wait(SECONDS)
            peer.skip_body(head)
            peer.say(reply("200 OK", JSON, body=PONG))

    size = 50 * MEGABYTE
    with running(tmp_path, reads_on_demand) as run, run.client() as stuck, run.client() as other:
        stuck.say(
            post(b"", "X-Stuck: 1", "Mcp-Session-Id: a").replace(b"Content-Length: 0", b"Content-Length: %d" % size)
        )
        stuck.say(*([STEP] * 50))
        for _ in range(20):
            other.say(post(PING, "Mcp-Session-Id: b"))
            assert other.skip_body(other.head()) == len(PONG)
        let_go.set()
        assert stuck.skip_body(stuck.head()) == len(PONG)
        memory = run.memory()
        assert memory < 250, memory


def test_a_body_that_comes_slowly_holds_nobody_up(tmp_path: Path) -> None:
    with running(tmp_path, answers_shortly) as run, run.client() as slow, run.client() as other:
        slow.say(post(PING, "Mcp-Session-Id: a")[:-10])
        other.say(post(PING, "Mcp-Session-Id: a"))
        assert other.skip_body(other.head()) == len(PONG)
        slow.say(PING[-10:])
        assert slow.skip_body(slow.head()) == len(PONG)


def test_thousands_of_small_exchanges_do_not_grow_memory(tmp_path: Path) -> None:
    with running(tmp_path, answers_shortly) as run:
        peaks = []
        for _ in range(5):
            for _ in range(10):
                with run.client() as client:
                    for _ in range(50):
                        client.say(post(PING, "Mcp-Session-Id: a"))
                        client.skip_body(client.head())
            peaks.append(run.memory())
        assert peaks[-1] - peaks[1] <= 2, peaks


def test_clients_that_leave_at_any_moment_leave_no_word_on_standard_error(tmp_path: Path) -> None:
    def drips(peer: Peer) -> None:
        peer.skip_body(peer.head())
        peer.say(reply("200 OK", EVENTS, CHUNKED))
        while True:
            peer.say(b"%x\r\ndata: %b\n\n\r\n" % (len(PONG) + 8, PONG))

    with running(tmp_path, drips) as run:
        for moment in range(30):
            with run.client() as client:
                client.say(post(PING, f"Mcp-Session-Id: {moment}"))
                client.sock.recv(1 + 40 * moment)
        run.recorded(b'"reason":"disconnect"')
    ends = [entry["reason"] for path in run.record.iterdir() for entry in entries(path) if entry["kind"] == "closed"]
    assert set(ends) <= {"disconnect", "it broke off in the middle of its answer"}
    assert ends.count("disconnect") >= 29
