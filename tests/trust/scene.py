"""A session as raw bytes under a policy from TOML: what each end gets for a frame, and what is written down of it."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from interpose.core.effects import Append, Deliver, Effect
from interpose.core.events import End, Frame, Received, other
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry, Header
from interpose.core.wire.message import read
from interpose.core.wire.sse import Block, read_block

Json = dict[str, Any]

STATEFUL, STATELESS = "2025-11-25", "2026-07-28"
DENY_DELETE = '[[rule]]\nname = "no-delete"\ntool = "delete_repo"\ndo = "block"\n'
WATCH = '[[rule]]\nname = "watch"\nall = true\nmode = "audit"\ndo = "block"\n'
CLIENT_CAN: Json = {"sampling": {"tools": {}, "context": {}}, "elicitation": {"form": {}, "url": {}}, "roots": {}}
META: Json = {
    "io.modelcontextprotocol/protocolVersion": STATELESS,
    "io.modelcontextprotocol/clientCapabilities": CLIENT_CAN,
}
_SERVER_CAN: Json = {"tools": {}, "prompts": {}, "resources": {}, "logging": {}}


class Heard(NamedTuple):
    """What followed from one frame: what each end got, and the lines of the recording, the frame's own first."""

    client: list[bytes]
    server: list[bytes]
    entries: list[Entry]

    def of(self, end: End) -> list[bytes]:
        return self.client if end == "client" else self.server

    @property
    def rules(self) -> list[str]:
        """The rules that acted on the frame."""
        verdict = self.entries[0].verdict or {}
        return [hit["rule"] for hit in verdict.get("rules", ()) if hit.get("acted", True)]

    @property
    def would(self) -> list[str]:
        """The rules that matched it without acting."""
        verdict = self.entries[0].verdict or {}
        return [hit["rule"] for hit in verdict.get("rules", ()) if not hit.get("acted", True)]


class Scene:
    """One session. Without rules it observes. `version` is agreed on first, but not in the stateless era."""

    def __init__(self, rules: str = "", version: str | None = STATEFUL) -> None:
        engine = Engine([read_policy(rules, "p.toml")], "srv", b"key") if rules else None
        self.core = Interposer(engine)
        self.core.open(Header("a1b2", "2026-11-22T10:00:00Z", {}, {"name": "srv"}, "test"))
        self.at = 0.0
        self.entries: list[Entry] = []
        if version is not None and version < STATELESS:
            about = {"protocolVersion": version, "clientInfo": {"name": "c", "version": "1"}}
            self.client({"id": 0, "method": "initialize", "params": about | {"capabilities": CLIENT_CAN}})
            offer = {"protocolVersion": version, "capabilities": _SERVER_CAN}
            self.server({"id": 0, "result": offer | {"serverInfo": {"name": "s", "version": "1"}}})
            self.client({"method": "notifications/initialized"})
        elif version is not None:
            self.client({"id": 0, "method": "server/discover", "params": {"_meta": META}})
            self.server({"id": 0, "result": {"resultType": "complete", "capabilities": _SERVER_CAN}})

    def client(self, said: Json | bytes, channel: str = "stdio", wire: Any = "line") -> Heard:
        return self.say("client", said, channel, wire)

    def server(self, said: Json | bytes, channel: str = "stdio", wire: Any = "line") -> Heard:
        return self.say("server", said, channel, wire)

    def say(self, end: End, said: Json | bytes, channel: str = "stdio", wire: Any = "line") -> Heard:
        """One frame, a tenth of a second after the one before."""
        raw = said if isinstance(said, bytes) else dump(said)
        return self._feed(Received(self.at + 0.1, end, channel, Frame(raw, read(raw), None, b"", wire)))

    def event(self, raw: bytes, channel: str = "x1") -> Heard:
        """One block of the server's event stream."""
        return self.block(read_block(raw), channel)

    def block(self, block: Block, channel: str = "x1") -> Heard:
        message = read(block.data) if block.data and block.event == "message" else None
        return self._feed(Received(self.at + 0.1, "server", channel, Frame(block.raw, message, block, b"", "block")))

    def call(self, ident: Any = 1, name: str = "deploy", channel: str = "stdio", **params: Any) -> Heard:
        """A call that the policy of the test lets through, unless it says otherwise."""
        return self.client({"id": ident, "method": "tools/call", "params": {"name": name, **params}}, channel)

    def _feed(self, event: Received) -> Heard:
        self.at = event.at
        heard = Heard([], [], [])
        for effect in self.core.feed(event):
            self._take(effect, heard)
        self.entries += heard.entries
        return heard

    def _take(self, effect: Effect, heard: Heard) -> None:
        if isinstance(effect, Append):
            line = b"".join(effect.pieces)
            json.loads(line.decode(), parse_int=str)  # more digits than Python reads are JSON too
            heard.entries.append(decode_entry(line))
        elif isinstance(effect, Deliver):
            heard.of(effect.end).append(effect.frame.raw)


def dump(message: Json) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def denied(heard: Heard, end: End = "client", ident: Any = ..., rule: str | None = None) -> Any:
    """Assert that a request got an error or refusal under its id, that the other end saw nothing, and that a rule is
    named for it; the refusal."""
    assert heard.of(other(end)) == []
    [answer] = heard.of(end)
    said = json.loads(answer)
    assert ident is ... or (said["id"], type(said["id"])) == (ident, type(ident))
    verdict = heard.entries[0].verdict
    assert verdict is not None
    assert verdict["decision"] not in ("pass", "edit")
    assert heard.rules
    assert rule is None or rule in heard.rules
    return said


def swallowed(heard: Heard, rule: str | None = None) -> None:
    """Assert that nobody got anything, and that the recording says by which rule."""
    assert (heard.client, heard.server) == ([], [])
    assert heard.rules
    assert rule is None or rule in heard.rules


def passed(heard: Heard, end: End, raw: bytes) -> None:
    """Assert that the other end got exactly these bytes, and the sender nothing."""
    assert heard.of(other(end)) == [raw]
    assert heard.of(end) == []


def lives(scene: Scene, ident: int = 4711) -> None:
    """Assert that the session goes on: a call passes, and so does its answer."""
    heard = scene.call(ident, "deploy")
    assert len(heard.server) == 1
    assert len(scene.server({"id": ident, "result": {"content": []}}).client) == 1


def wants(scene: Scene, ask: Json, ident: int = 1, state: str | None = "state") -> Heard:
    """A stateless call that is answered by questions (2026-07-28)."""
    scene.client({"id": ident, "method": "tools/call", "params": {"name": "deploy", "_meta": META}}, "x1", "body")
    more = {} if state is None else {"requestState": state}
    result = {"resultType": "input_required", "inputRequests": ask, **more}
    return scene.server({"id": ident, "result": result}, "x1", "body")


def case(name: str) -> int | None:
    """The number of the case that a test is about."""
    found = re.match(r"test_(\d\d)_", name)
    return int(found[1]) if found else None


def worked(name: str) -> str:
    """A policy that comes with interpose."""
    return (Path(__file__).parents[2] / "policies" / f"{name}.toml").read_text()
