"""An interception that runs, and raw TLS wires on either side of it: the test is the client and the server."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import pytest
from tests.edge.relay_world import Wire
from tests.real.conftest import spawned, wait_until
from tests.real.tls.authority import Authority

INTERPOSE = [sys.executable, "-m", "interpose"]
MITMDUMP = Path(__file__).parents[3] / ".venv-tls" / "bin" / "mitmdump"
SECONDS = 20.0


class Interception:
    """A running `interpose intercept`: where it serves, what it recorded, what it said."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
        self.process = process
        self.port = port
        self.record = folder / "recordings"
        self.ca = folder / "conf" / "mitmproxy-ca-cert.pem"
        self._log = folder / "interpose.log"

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    async def says(self, text: str) -> None:
        """Wait until this stands on its stderr."""
        with anyio.fail_after(SECONDS):
            while True:
                if text in self.said():
                    return
                await anyio.sleep(0.01)

    async def recorded(self, text: str, port: int) -> str:
        """Wait until this stands in a recording of a server; all that does."""
        with anyio.fail_after(SECONDS):
            while True:
                if text in (found := self.text(port)):
                    return found
                await anyio.sleep(0.01)

    def text(self, port: int) -> str:
        return "".join(path.read_text() for path in self.record.glob(f"*-{port}*.jsonl"))


@contextmanager
def intercepting(folder: Path, authority: Authority, *options: str) -> Iterator[Interception]:
    """An interception without a client of its own, within the block."""
    require()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "interpose.log"
    command = [*INTERPOSE, "intercept", "--listen", "127.0.0.1:0", "--record", f"{folder / 'recordings'}/"]
    command += ["--mitmdump", str(MITMDUMP), "--confdir", str(folder / "conf")]
    command += ["--upstream-ca", str(authority.certificate), *options]
    with (
        log.open("wb") as sink,
        spawned(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sink) as process,
    ):
        found = wait_until(lambda: re.search(rb"intercepting at http://127\.0\.0\.1:(\d+)", log.read_bytes()), process)
        yield Interception(process, int(found[1]), folder)


class Server:
    """A raw TLS server on this machine: connections as wires, and clients that reach it through an interception."""

    def __init__(self, accepted: asyncio.Queue[Wire]) -> None:
        self.port = 0
        self._accepted = accepted
        self.writers: list[asyncio.StreamWriter] = []

    async def wire(self) -> Wire:
        """The next connection that is made to it."""
        with anyio.fail_after(SECONDS):
            return await self._accepted.get()

    @property
    def is_idle(self) -> bool:
        """Whether no further connection was made to it."""
        return self._accepted.empty()

    async def client(self, interception: Interception, ca: Path | None = None, host: str = "localhost") -> Wire:
        """A client's connection, TLS and all. It trusts mitmproxy's authority, or another."""
        reader, writer = await asyncio.open_connection("127.0.0.1", interception.port, limit=1 << 20)
        self.writers.append(writer)
        writer.write(f"CONNECT {host}:{self.port} HTTP/1.1\r\nHost: {host}:{self.port}\r\n\r\n".encode())
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        with anyio.fail_after(SECONDS):
            context = ssl.create_default_context(cafile=ca or interception.ca)
            await writer.start_tls(context, server_hostname=host)
        return Wire(reader, writer)

    async def close(self) -> None:
        """End all connections, of both sides."""
        for writer in self.writers:
            writer.transport.abort()
            try:
                await writer.wait_closed()
            except OSError:
                pass


@asynccontextmanager
async def serving(certificate: tuple[Path, Path]) -> AsyncIterator[Server]:
    """A server with this certificate and key, within the block."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    accepted: asyncio.Queue[Wire] = asyncio.Queue()
    server = Server(accepted)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.writers.append(writer)
        accepted.put_nowait(Wire(reader, writer))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 20, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.close()


def require() -> None:
    """Fail where mitmproxy is not installed."""
    if not MITMDUMP.is_file():
        pytest.fail(f"mitmproxy is not installed in {MITMDUMP.parents[1]}; run tools/install", pytrace=False)


def descendants(pid: int) -> list[int]:
    """All processes that a process has started, and those that they have."""
    found, left = [], [pid]
    while left:
        children = Path(f"/proc/{left.pop()}/task").glob("*/children")
        more = [int(child) for path in children for child in path.read_text().split()]
        found += more
        left += more
    return found


def is_there(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def ports_of(pid: int) -> set[int]:
    """The TCP ports of this machine that a process listens on."""
    sockets = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(fd))
        except OSError:
            continue
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}
