"""Byte taps to put between real peers: they forward what they read, unread, and keep a copy of it.

`python taps.py stdio LOGDIR -- CMD ARG...` runs CMD and keeps `in.bin` (to CMD) and `out.bin` (from it); a
second process of the same LOGDIR writes `in-2.bin` and so on, since some clients start a server twice.
`python taps.py tcp LOGDIR LISTEN_PORT TARGET_PORT` relays TCP and keeps `conn-001.in`, `conn-001.out`, ...;
`TcpTap` is the same thing for a test. `read_exchanges` makes HTTP exchanges of those logs, afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import h11

CHUNK = 65536
STOP_SECONDS = 10
Headers = list[tuple[bytes, bytes]]


# ---- stdio ---------------------------------------------------------------------------------------------------


def open_logs(folder: Path) -> tuple[BinaryIO, BinaryIO]:
    """The first pair of log files that no other process of this folder has taken."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        suffix = ".bin" if number == 1 else f"-{number}.bin"
        try:
            # The caller owns both files until its process ends.
            return open(folder / f"in{suffix}", "xb", 0), open(folder / f"out{suffix}", "xb", 0)
        except FileExistsError:
            number += 1


def read_stdio(folder: Path) -> list[tuple[bytes, bytes]]:
    """What each process got and said, in the order in which they were started."""
    numbers = [path.stem.removeprefix("in").removeprefix("-") or "1" for path in folder.glob("in*.bin")]
    suffixes = ["" if number == "1" else f"-{number}" for number in sorted(numbers, key=int)]
    return [
        ((folder / f"in{suffix}.bin").read_bytes(), (folder / f"out{suffix}.bin").read_bytes()) for suffix in suffixes
    ]


def copy(source: int, sink: int, log: BinaryIO) -> None:
    """Pass bytes on as they come, until the source ends; what the sink no longer takes is still logged."""
    broken = False
    while data := os.read(source, CHUNK):
        log.write(data)
        view = memoryview(data)
        while view and not broken:
            try:
                view = view[os.write(sink, view) :]
            except (BrokenPipeError, ConnectionError):
                broken = True


def tap_stdio(folder: Path, command: list[str]) -> int:
    """Run the command between our own stdin and stdout; the exit code is the command's."""
    to_log, from_log = open_logs(folder)
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    if child.stdin is None or child.stdout is None:
        raise AssertionError("the child was started with pipes")
    child_in, child_out = child.stdin, child.stdout

    def forward(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, forward)

    def feed() -> None:
        copy(sys.stdin.fileno(), child_in.fileno(), to_log)
        try:
            child_in.close()
        except BrokenPipeError:
            pass

    # A daemon: when the child ends first, our own stdin may stay open for as long as the client likes.
    threading.Thread(target=feed, daemon=True).start()
    copy(child_out.fileno(), sys.stdout.fileno(), from_log)
    os.close(sys.stdout.fileno())  # a child that closes its stdout early has ended what the client hears
    code = child.wait()
    return 128 - code if code < 0 else code


# ---- tcp -----------------------------------------------------------------------------------------------------


@contextmanager
def open_both(to_path: str, from_path: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    with open(to_path, "xb", 0) as to_log, open(from_path, "xb", 0) as from_log:
        yield to_log, from_log


class Relay:
    """Accepts connections and copies bytes to and from the target, one pair of logs per connection."""

    def __init__(self, folder: Path, target_port: int) -> None:
        self.folder = folder
        self.target_port = target_port
        self.count = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> asyncio.Server:
        self.folder.mkdir(parents=True, exist_ok=True)
        return await asyncio.start_server(self.accept, "127.0.0.1", port)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        self.count += 1
        stem = self.folder / f"conn-{self.count:03}"
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        with open_both(f"{stem}.in", f"{stem}.out") as (to_log, from_log):
            try:
                await asyncio.gather(relay(reader, back, to_log), relay(there, writer, from_log))
                writer.close()  # ends after the last bytes are out
                await writer.wait_closed()
            except (OSError, asyncio.CancelledError):
                pass  # either side may reset; the logs hold what came before
            finally:
                writer.transport.abort()
                back.transport.abort()

    async def stop(self, server: asyncio.Server) -> None:
        server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def relay(source: asyncio.StreamReader, sink: asyncio.StreamWriter, log: BinaryIO) -> None:
    """Copy until the end, then pass the end on: half closed stays half closed, reset becomes reset."""
    while data := await source.read(CHUNK):
        log.write(data)
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()


class TcpTap:
    """A relay on a thread of its own, as a context manager; `port` is where to connect."""

    def __init__(self, folder: Path, target_port: int, listen_port: int = 0) -> None:
        self.folder = folder
        self.port = listen_port
        self._relay = Relay(folder, target_port)
        self._started: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> TcpTap:
        self._thread.start()
        self.port = self._started.result(STOP_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError("the tap did not stop")

    async def _run(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await self._relay.start(self.port)
        except OSError as error:
            self._started.set_exception(error)
            return
        self._started.set_result(server.sockets[0].getsockname()[1])
        await self._done.wait()
        await self._relay.stop(server)


async def tap_tcp(folder: Path, listen_port: int, target_port: int) -> None:
    tap = Relay(folder, target_port)
    server = await tap.start(listen_port)
    print(f"listening {server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    await done.wait()
    await tap.stop(server)


# ---- reading the logs ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request and what came back; `status` is 0 when nothing did, bodies are without chunking."""

    connection: str
    method: str
    target: str
    request_headers: Headers
    request_body: bytes
    status: int
    response_headers: Headers
    response_body: bytes
    complete: bool


@dataclass(slots=True)
class Half:
    """A request or a response as far as it was seen."""

    head: h11.Request | h11.Response
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False


def parse(
    data: bytes, role: type[h11.CLIENT] | type[h11.SERVER], before: Callable[[h11.Connection], bool]
) -> Iterator[Half]:
    """The messages of one direction, in order, the last one perhaps cut.

    `before` is called ahead of each message, to let h11 know what it answers; when it returns false, the
    rest cannot be told apart and parsing ends.
    """
    connection = h11.Connection(role, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    connection.receive_data(b"")
    current: Half | None = None
    if not before(connection):
        return
    try:
        while True:
            event = connection.next_event()
            match event:
                case h11.Request() | h11.Response():
                    current = Half(event)
                case h11.Data() if current is not None:
                    current.body += event.data
                case h11.EndOfMessage() if current is not None:
                    current.complete = True
                    yield current
                    current = None
                    if connection.their_state is not h11.DONE or not restart(connection, before):
                        return
                case h11.InformationalResponse():
                    pass
                case _:
                    break
    except h11.RemoteProtocolError:
        pass  # the connection was cut inside a message
    if current is not None:
        yield current


def restart(connection: h11.Connection, before: Callable[[h11.Connection], bool]) -> bool:
    """Make h11 ready for the next message of a kept-alive connection, by playing our own part of this one."""
    if connection.our_role is h11.SERVER:
        connection.send(h11.Response(status_code=200, headers=[(b"content-length", b"0")]))
        connection.send(h11.EndOfMessage())
    if connection.our_state is not h11.DONE:
        return False
    connection.start_next_cycle()
    return before(connection)


def read_connection(folder: Path, stem: str) -> Iterator[Exchange]:
    asked = list(parse((folder / f"{stem}.in").read_bytes(), h11.SERVER, lambda _: True))
    waiting = iter(asked)

    def ask(connection: h11.Connection) -> bool:
        """Tell h11 the request whose response comes next: a reply to HEAD, for one, has no body."""
        request = next(waiting, None)
        if request is None or not isinstance(request.head, h11.Request):
            return False
        host = [(b"host", b"tap"), (b"content-length", b"0")]
        connection.send(h11.Request(method=request.head.method, target=b"/", headers=host))
        connection.send(h11.EndOfMessage())
        return True

    answers = parse((folder / f"{stem}.out").read_bytes(), h11.CLIENT, ask)
    for request in asked:
        if not isinstance(request.head, h11.Request):
            continue
        answer = next(answers, None)
        status = answer.head.status_code if answer and isinstance(answer.head, h11.Response) else 0
        yield Exchange(
            connection=stem,
            method=request.head.method.decode(),
            target=request.head.target.decode(),
            request_headers=request.head.headers.raw_items(),
            request_body=bytes(request.body),
            status=status,
            response_headers=answer.head.headers.raw_items() if answer else [],
            response_body=bytes(answer.body) if answer else b"",
            complete=request.complete and answer is not None and answer.complete,
        )


def read_exchanges(folder: Path) -> list[Exchange]:
    """All exchanges of a tap's folder, by connection and then in order.

    Names of headers are spelt as on the wire, bodies are without their chunking, and an exchange that was cut
    short has what came of it and is not `complete`.
    """
    stems = sorted(path.stem for path in folder.glob("conn-*.in"))
    return [exchange for stem in stems for exchange in read_connection(folder, stem)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    stdio = kinds.add_parser("stdio")
    stdio.add_argument("logdir", type=Path)
    stdio.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD ARG...")
    tcp = kinds.add_parser("tcp")
    tcp.add_argument("logdir", type=Path)
    tcp.add_argument("listen_port", type=int)
    tcp.add_argument("target_port", type=int)
    options = parser.parse_args()
    if options.kind == "tcp":
        asyncio.run(tap_tcp(options.logdir, options.listen_port, options.target_port))
        return
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("no command to run")
    code = tap_stdio(options.logdir, command)
    os._exit(code)  # the thread that reads our stdin may never return


if __name__ == "__main__":
    main()
