"""Headless Chromium, where the machine has it: what a page becomes, and what went wrong in it."""

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_SECONDS = 60
_COMPLAINT = re.compile(r'CONSOLE[^"]*"(.*)", source')


class Shown(NamedTuple):
    """The document once its scripts have run, and what the console says: errors, and requests that were forbidden."""

    document: str
    complaints: tuple[str, ...]


def shown(page: Path, profile: Path, *options: str) -> Shown:
    """Open a page from a file."""
    command = [
        *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}"),
        *("--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom", *options, page.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
    return Shown(done.stdout.decode(), tuple(_COMPLAINT.findall(done.stderr.decode("utf-8", "replace"))))


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """An address of this machine that a page may be tempted to fetch from, and what came there."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_accept, args=(server, came), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", came
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _accept(server: socket.socket, came: list[bytes]) -> None:
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        with peer:
            came.append(peer.recv(4096))
