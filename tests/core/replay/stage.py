"""Recordings made of a few messages, and both ends of one played against each other without any I/O."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interpose.core.events import End, Frame, Received
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry
from interpose.core.recording.recorder import Recorder, Ruling
from interpose.core.replay.client import ClientPlayer
from interpose.core.replay.normal import Normal
from interpose.core.replay.options import Options
from interpose.core.replay.player import Player, Said
from interpose.core.replay.report import Report
from interpose.core.replay.script import Script
from interpose.core.replay.server import ServerPlayer
from interpose.core.replay.strict import server_player
from interpose.core.replay.threads import build
from interpose.core.wire.message import Message, read
from interpose.edge.stores.jsonl import RecordingReader

RECORDINGS = Path(__file__).parents[3] / "recordings"
GOLDEN = sorted(RECORDINGS.rglob("*.jsonl"))
DEFAULT = Options()
Fault = Callable[[int, bytes], list[bytes]]


def name_of(path: Path) -> str:
    return str(path.relative_to(RECORDINGS))


# --- messages --------------------------------------------------------------------------------------------------------


def raw(body: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **body} if isinstance(body, dict) else body, separators=(",", ":")).encode()


def message(body: Any) -> Message:
    return read(raw(body))


def call(ident: int | str, name: str, **more: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": more.pop("arguments", {}), **more}
    return {"id": ident, "method": "tools/call", "params": params}


def result(ident: int | str, text: str) -> dict[str, Any]:
    return {"id": ident, "result": {"content": [{"type": "text", "text": text}]}}


def told(method: str, **params: Any) -> dict[str, Any]:
    return {"method": f"notifications/{method}", **({"params": params} if params else {})}


OPENING: list[tuple[End, dict[str, Any]]] = [
    (
        "client",
        {
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"sampling": {}, "elicitation": {}, "roots": {}},
                "clientInfo": {"name": "tester", "version": "1"},
            },
        },
    ),
    (
        "server",
        {
            "id": 0,
            "result": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}, "logging": {}, "tasks": {}},
                "serverInfo": {"name": "server", "version": "1"},
            },
        },
    ),
    ("client", told("initialized")),
]


# --- recordings ------------------------------------------------------------------------------------------------------


class Tape:
    """A recording in memory, a tenth of a second between two messages."""

    def __init__(self, *messages: tuple[End, Any]) -> None:
        self.entries: list[Entry] = []
        self._recorder = Recorder()
        for end, body in messages:
            self.add(end, body)

    def add(self, end: End, body: Any, ruling: Ruling | None = None) -> None:
        at = round(0.1 * (len(self.entries) + 1), 6)
        event = Received(at, end, "stdio", Frame(raw(body), message(body)))
        self.entries.append(decode_entry(b"".join(self._recorder.record(event, ruling).pieces)))

    def script(self, end: End, options: Options = DEFAULT) -> Script:
        return build(enumerate(self.entries), Normal(options), end, self.entries.__getitem__, options.free)

    def server(self, options: Options = DEFAULT) -> ServerPlayer:
        return server_player(self.script("server", options), options, "tape")

    def client(self, options: Options = DEFAULT) -> ClientPlayer:
        return ClientPlayer(self.script("client", options), options, "tape")


def opened(*messages: tuple[End, Any]) -> Tape:
    """A recording of 2025-11-25 that opens as usual, then goes on like this."""
    return Tape(*OPENING, *messages)


def golden(path: Path, end: End, options: Options = DEFAULT) -> Script:
    with RecordingReader(path) as reader:
        entries = list(reader)
    return build(enumerate(entries), Normal(options), end, entries.__getitem__, options.free)


# --- plays -----------------------------------------------------------------------------------------------------------


def bodies(said: list[Said]) -> list[Any]:
    return [json.loads(each.message) for each in said]


def hear(player: Player, *heard: Any) -> list[Any]:
    """What a player says to these messages, as values."""
    return [body for each in heard for body in bodies(player.hear(message(each)))]


def open_up(player: ServerPlayer) -> None:
    player.begin()
    hear(player, OPENING[0][1], OPENING[2][1])


class Outcome:
    """What came of a play: both reports, and all bytes in the order they were heard."""

    def __init__(self, server: ServerPlayer, client: ClientPlayer, heard: list[tuple[End, bytes]]) -> None:
        self.server: Report = server.end("over")
        self.client: Report = client.end("over")
        self.finished = client.finished
        self.heard = heard

    def said_by(self, end: End) -> list[bytes]:
        return [raw for who, raw in self.heard if who == end]


def play(server: ServerPlayer, client: ClientPlayer, seed: int | None = None, fault: Fault | None = None) -> Outcome:
    """Play both ends to the end. With a seed, the two directions are late by chance; `fault` makes of the n-th message
    of the server what is heard."""
    chance = random.Random(seed)
    up = [each.message for each in client.begin()]
    down: list[bytes] = []
    count = 0

    def say(said: list[Said]) -> None:
        nonlocal count
        for each in said:
            down.extend([each.message] if fault is None else fault(count, each.message))
            count += 1

    say(server.begin())
    heard: list[tuple[End, bytes]] = []
    while up or down:
        turn = bool(up) and (not down or seed is None or chance.random() < 0.5)
        line = (up if turn else down).pop(0)
        heard.append(("client" if turn else "server", line))
        if turn:
            say(server.hear(read(line)))
        else:
            up.extend(each.message for each in client.hear(read(line)))
    return Outcome(server, client, heard)
