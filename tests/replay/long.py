"""Plays both ends of a long recording against each other, and says what that took: `python -m tests.replay.long FILE`.

Prints the messages heard, the peak memory in KiB, and the messages a second. As a module it writes such recordings.
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
from interpose.core.replay.client import ClientPlayer
from interpose.core.replay.options import Options
from interpose.core.replay.server import ServerPlayer
from interpose.core.wire.message import read
from interpose.edge.replaying.reading import read_script

CALLS = 5  # messages: the call, its progress, a question, the answer to it, the result
_HEADER = Header("long", "2026-01-01T00:00:00Z", {"transport": "stdio"}, {"transport": "stdio", "name": "x"}, "")
_ABOUT: dict[str, Any] = {"protocolVersion": "2025-11-25", "capabilities": {"sampling": {}}}
_SAID = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "because"}}


def write(path: Path, messages: int) -> None:
    """A session of so many messages: calls with progress and a question inside."""
    recorder, count = Recorder(), 0
    with path.open("wb") as file:

        def say(end: End, **body: Any) -> None:
            nonlocal count
            count += 1
            raw = json.dumps({"jsonrpc": "2.0", **body}, separators=(",", ":")).encode()
            file.writelines(recorder.record(Received(count / 1e4, end, "stdio", Frame(raw, read(raw)))).pieces)

        file.writelines(recorder.header(_HEADER).pieces)
        say("client", id=0, method="initialize", params={**_ABOUT, "clientInfo": {"name": "c", "version": "1"}})
        say("server", id=0, result={**_ABOUT, "serverInfo": {"name": "s", "version": "1"}})
        while count + CALLS <= messages:
            n = count
            asked = {"messages": [{"role": "user", "content": {"type": "text", "text": f"why {n}?"}}], "maxTokens": 9}
            meta = {"progressToken": n}
            say("client", id=n, method="tools/call", params={"name": "ask", "arguments": {"n": n}, "_meta": meta})
            say("server", method="notifications/progress", params={"progressToken": n, "progress": 1})
            say("server", id=n, method="sampling/createMessage", params=asked)
            say("client", id=n, result=_SAID)
            say("server", id=n, result={"content": [{"type": "text", "text": f"because {n}"}]})
        file.writelines(recorder.trailer(1.0, "client closed", []).pieces)


def play(path: str) -> tuple[int, int, int]:
    """Messages heard, peak memory in KiB, messages a second, the scripts of both ends included."""
    began = time.perf_counter()
    recorded = [read_script(path, end, Options()) for end in ("server", "client")]
    server = ServerPlayer(recorded[0].script, recorded[0].options, path)
    client = ClientPlayer(recorded[1].script, recorded[1].options, path)
    server.begin()
    up, count = client.begin(), 0
    while up:
        down = [each for one in up for each in server.hear(read(one.message))]
        count += len(up) + len(down)
        up = [each for one in down for each in client.hear(read(one.message))]
    seconds = time.perf_counter() - began
    assert server.end("over").ok
    assert client.end("over").ok
    assert client.finished
    for each in recorded:
        each.close()
    return count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, round(count / seconds)


if __name__ == "__main__":
    print(*play(sys.argv[1]))
