"""Recordings played as servers for clients on this machine: a process each, until it is stopped or the page ends."""

import asyncio
import re
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import IO

from interpose.app.web.door import Refused
from interpose.core.formats.excerpt import said
from interpose.edge.transports.spawning import spawn

_MOST = 8
_STARTS_WITHIN = 30.0
_ENDS_WITHIN = 3.0
_PIECE = 1 << 16
_LISTENS = re.compile(rb"listening on (http://\S+/mcp)")


class Replays:
    """What is played now, by the names under which the recordings are listed."""

    def __init__(self) -> None:
        self._playing: dict[str, tuple[str, subprocess.Popen[bytes]]] = {}
        self._starting = asyncio.Lock()

    def told(self) -> dict[str, str]:
        """Where each is played."""
        over = [name for name, (_, process) in self._playing.items() if process.poll() is not None]
        for name in over:
            _end(self._playing.pop(name)[1])
        return {name: url for name, (url, _) in self._playing.items()}

    async def play(self, name: str, path: Path) -> str:
        """Play a recording on a port of its own, unless that is done already. Where. Raises: Refused."""
        async with self._starting:
            if (known := self.told().get(name)) is not None:
                return known
            if len(self._playing) >= _MOST:
                raise Refused(429, f"{_MOST} recordings are played already: stop one")
            command = (sys.executable, "-m", "interpose", "replay", "server", str(path), "--listen", "127.0.0.1:0")
            process = spawn(command)
            try:
                async with asyncio.timeout(_STARTS_WITHIN):
                    url = await asyncio.to_thread(_address, process)
            except BaseException as error:
                await asyncio.to_thread(_end, process)
                if isinstance(error, TimeoutError):
                    raise Refused(422, f"it did not begin within {_STARTS_WITHIN:.0f} s") from None
                raise
            self._playing[name] = url, process
            return url

    async def stop(self, name: str) -> None:
        """Play it no more; nothing where it is not played."""
        _, process = self._playing.pop(name, ("", None))
        if process is not None:
            await asyncio.to_thread(_end, process)

    async def aclose(self) -> None:
        """Stop all of them."""
        await asyncio.gather(*(self.stop(name) for name in tuple(self._playing)))


def _address(process: "subprocess.Popen[bytes]") -> str:
    """Where it says that it listens; what it says later goes nowhere. Raises: Refused."""
    assert process.stderr is not None
    words: deque[bytes] = deque(maxlen=5)
    for line in process.stderr:
        if found := _LISTENS.search(line):
            threading.Thread(target=_drain, args=(process.stderr,), daemon=True).start()
            return found[1].decode()
        words.append(line)
    process.stderr.close()
    raise Refused(422, said(b"".join(words).decode("utf-8", "replace"), 1000) or "it ended at once")


def _drain(pipe: IO[bytes]) -> None:
    with pipe:
        while pipe.read(_PIECE):
            pass


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
