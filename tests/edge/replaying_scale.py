"""Plays a long recording's server to its own client's messages, and says how much that took: `python -m ... FILE`.

Prints the messages played, the peak memory in KiB, and the seconds for the script and for the play. As a module it
writes such recordings.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from interpose.core.events import End, Frame, Received
from interpose.core.recording.entry import Header
from interpose.core.recording.recorder import Recorder
from interpose.core.replay.options import Options
from interpose.core.replay.server import ServerPlayer
from interpose.core.wire.message import read
from interpose.edge.replaying.reading import read_script
from interpose.edge.stores.jsonl import RecordingReader

_INFO = {"name": "scale", "version": "1"}


def write(path: Path, messages: int) -> None:
    """A session of so many messages: calls one after the other, each with its answer."""
    recorder = Recorder()
    count = 0
    with path.open("wb") as file:

        def say(end: End, **body: Any) -> None:
            nonlocal count
            count += 1
            raw = json.dumps({"jsonrpc": "2.0", **body}, separators=(",", ":")).encode()
            event = Received(count / 10_000, end, "stdio", Frame(raw, read(raw)))
            file.writelines(recorder.record(event).pieces)

        header = Header(
            "scale", "2026-01-01T00:00:00Z", {"transport": "stdio"}, {"transport": "stdio", "name": "x"}, ""
        )
        file.writelines(recorder.header(header).pieces)
        opening = {"protocolVersion": "2025-11-25", "capabilities": {}}
        say("client", id=0, method="initialize", params={**opening, "clientInfo": _INFO})
        say("server", id=0, result={**opening, "serverInfo": _INFO})
        while count < messages:
            n = count
            say("client", id=n, method="tools/call", params={"name": "echo", "arguments": {"message": f"message {n}"}})
            say("server", id=n, result={"content": [{"type": "text", "text": f"Echo: message {n}"}]})
        file.writelines(recorder.trailer(1.0, "client closed", []).pieces)


def play(path: str) -> tuple[int, int, float, float]:
    """Messages played, peak memory in KiB, and the seconds for the script and for the play."""
    began = time.perf_counter()
    recorded = read_script(path, "server", Options())
    built = time.perf_counter()
    player = ServerPlayer(recorded.script, recorded.options, path)
    count = len(player.begin())
    with RecordingReader(path) as reader:
        for entry in reader:
            if entry.kind == "message" and entry.end == "client":
                count += 1 + len(player.hear(read(entry.payload() or b"")))
    played = time.perf_counter()
    assert player.end("over").ok
    recorded.close()
    return count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, built - began, played - built


if __name__ == "__main__":
    print(*play(sys.argv[1]))
