"""A conversation under a policy that holds, on a clock of its own."""

import json
from typing import Any

from interpose.core.effects import Append, Deliver, Effect, Release, Seek, Wake
from interpose.core.events import Decided, Decision, Frame, Received, Ticked
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry, Header
from interpose.core.wire.message import parse, read

Json = dict[str, Any]
SAMPLING: Json = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 4000}}
FORM: Json = {
    "method": "elicitation/create",
    "params": {"message": "Which?", "requestedSchema": {"type": "object", "properties": {}}},
}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {"sampling": {}, "elicitation": {"form": {}}},
}
HOLD_TOOL = '[[rule]]\nname = "ask-me"\ntool = "drop_*"\ndo = "hold"\ntimeout = 30'
HOLD_SAMPLING = '[[rule]]\nname = "ask-me"\nask = "sampling"\ndo = "hold"\ntimeout = 30'
HOLD_FORM = '[[rule]]\nname = "ask-me"\nask = "elicitation"\ndo = "hold"\ntimeout = 30\non_timeout = "decline"'
HEADER = Header("a1b2", "2026-11-22T10:00:00Z", {}, {"name": "srv"}, "test")


class Play:
    """A conversation under a policy, on a clock of its own. `said` are deliveries since it was last asked."""

    def __init__(self, policy: str) -> None:
        self.core = Interposer(Engine([read_policy(policy, "p.toml")], "srv", b"key"))
        self.core.open(HEADER)
        self.lines: list[Entry] = []
        self.effects: list[Effect] = []
        self.at = 0.0

    def hear(self, end: Any, message: Json, channel: str = "stdio") -> list[tuple[str, Any]]:
        raw = json.dumps({"jsonrpc": "2.0", **message}).encode()
        wire: Any = "line" if channel == "stdio" else "body"
        return self.feed(Received(self.at, end, channel, Frame(raw, read(raw), wire=wire)))

    def feed(self, event: Any) -> list[tuple[str, Any]]:
        self.effects = self.core.feed(event)
        self.lines += [decode_entry(b"".join(effect.pieces)) for effect in self.effects if isinstance(effect, Append)]
        return [(effect.end, parse(effect.frame.raw)) for effect in self.effects if isinstance(effect, Deliver)]

    def tick(self, at: float) -> list[tuple[str, Any]]:
        self.at = at
        return self.feed(Ticked(at))

    def decide(self, decision: Decision, hold: str = "", instead: Any = None) -> list[tuple[str, Any]]:
        given = json.dumps(instead).encode() if instead is not None else None
        return self.feed(Decided(self.at, hold or self.held, decision, "a person", given))

    @property
    def held(self) -> str:
        """The name of what was held last."""
        return next(line.verdict["hold"] for line in reversed(self.lines) if line.verdict and "hold" in line.verdict)

    @property
    def seeks(self) -> list[Seek]:
        return [effect for effect in self.effects if isinstance(effect, Seek)]

    @property
    def releases(self) -> list[Release]:
        return [effect for effect in self.effects if isinstance(effect, Release)]

    @property
    def wakes(self) -> list[float]:
        return [effect.at for effect in self.effects if isinstance(effect, Wake)]


def call(name: str = "drop_table", ident: int = 1, **params: Any) -> Json:
    return {"id": ident, "method": "tools/call", "params": {"name": name, "arguments": {}, **params}}
