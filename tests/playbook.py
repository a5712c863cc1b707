"""Plays: conversations as text that show what a policy does. How to write one stands in docs/policy.md.

== stateful 2025-11-25: the server asks by a request
client> tools/call#1 {"name": "deploy"}
    -> server
server> sampling/createMessage#7 {"maxTokens": 100}
    -> server#7 error -1  by no-sampling
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal

from interpose.core.effects import Append, Deliver, Wake
from interpose.core.events import Decided, Event, Frame, Received, Ticked
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.rule import Policy
from interpose.core.wire.message import read

Json = dict[str, Any]

_STATEFUL, _STATELESS = "2025-11-25", "2026-07-28"
_ASKED: Json = {"sampling": {"tools": {}, "context": {}}, "elicitation": {"form": {}, "url": {}}, "roots": {}}
_CLIENT_TASKS: Json = {"requests": {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}}}
_SERVER: Json = {
    "tools": {"listChanged": True},
    "prompts": {},
    "resources": {"subscribe": True},
    "logging": {},
    "tasks": {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}},
}
_META: Json = {
    "io.modelcontextprotocol/protocolVersion": _STATELESS,
    "io.modelcontextprotocol/clientCapabilities": _ASKED | {"extensions": {"io.modelcontextprotocol/tasks": {}}},
}
_WIDTH = 58
_BEGINS = ("==", "->", "client>", "server>", "later>", "approver>", "...")
_SCENE = re.compile(r"== (?P<era>stateful|stateless)(?: (?P<version>[\d-]+))?(?:: (?P<title>.+))?")
_SAID = re.compile(r"(?P<end>client|server)> (?P<rest>.+)")
_LATER = re.compile(r"later> (?P<seconds>\d+) seconds")
_DECIDED = re.compile(r"approver> (?P<decision>approve|decline|cancel)")
_WAIT = re.compile(r"\.\.\. (?P<seconds>\d+) seconds")
_EXPECTED = re.compile(
    r"-> (?P<to>client|server|recording|nothing)(?P<rest>.*?)"
    r"(?:\s+by (?P<by>[\w, -]+?))?(?:\s+would (?P<would>[\w, -]+))?"
)
_MESSAGE = re.compile(r"(?P<head>[^\s{]+(?: result| error -?\d+)?)?\s*(?P<body>\{.*\})?")


class PlayError(AssertionError):
    """A play that cannot be read, or that went otherwise than it says: where, and what is different."""


@dataclass(frozen=True, slots=True)
class Words:
    """A message as a play spells it: `tools/call#1`, `#1 result` or `#1 error -1`, and its params, result or error."""

    head: str
    body: Json | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be delivered to whom; without words, what was said, unchanged to the byte."""

    to: str
    words: Words | None


@dataclass(slots=True)
class Turn:
    """One message that is said, and all that must follow from it. `by` and `would` are None where nothing is said.

    Where nobody says anything, `end` is `later` (time has passed) or `approver` (who decides about what was held last).
    """

    number: int
    end: Literal["client", "server", "later", "approver"]
    words: Words
    wait: int
    expected: list[Expected] = field(default_factory=list)
    told: bool = False
    by: str | None = None
    would: str | None = None


@dataclass(slots=True)
class Scene:
    """A conversation of its own, in one era."""

    era: str
    version: str
    turns: list[Turn] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Happened:
    """What followed from a message in truth."""

    delivered: list[tuple[str, Json, bool]]
    recorded: Json
    hits: list[Json]

    def by(self, acted: bool) -> str:
        return ", ".join(sorted({hit["rule"] for hit in self.hits if hit.get("acted", True) is acted})) or "nobody"


def perform(policy: Policy, text: str, path: str) -> set[str]:
    """Play all scenes under a policy; the names of the rules that decided something. Raises: PlayError."""
    audits = {rule.name for rule in policy.rules if rule.mode == "audit"}
    decided: set[str] = set()
    for scene in read_play(text, path):
        stage = Stage(policy, scene)
        for turn in scene.turns:
            happened = stage.perform(turn, scene.era)
            expected, seen = _expected_lines(turn), _seen_lines(turn, happened)
            if expected != seen:
                where = f"{path}:{turn.number}: {turn.end}> {turn.words.head}"
                rules = f"    decided by {happened.by(acted=True)}, would have: {happened.by(acted=False)}"
                raise PlayError("\n".join((where, *_columns(expected, seen), rules)))
            decided |= {hit["rule"] for hit in happened.hits if hit.get("acted", True) or hit["rule"] in audits}
    return decided


def read_play(text: str, path: str) -> list[Scene]:
    """The scenes of a play. Raises: PlayError for a line that cannot be read."""
    scenes: list[Scene] = []
    wait = 0
    for number, line in _lines(text):
        try:
            if found := _SCENE.fullmatch(line):
                usual = _STATEFUL if found["era"] == "stateful" else _STATELESS
                scenes.append(Scene(found["era"], found["version"] or usual))
            elif found := _WAIT.fullmatch(line):
                wait = int(found["seconds"])
            elif found := _LATER.fullmatch(line):
                scenes[-1].turns.append(Turn(number, "later", Words("", None), int(found["seconds"])))
            elif found := _DECIDED.fullmatch(line):
                scenes[-1].turns.append(Turn(number, "approver", Words(found["decision"], None), wait))
                wait = 0
            elif found := _SAID.fullmatch(line):
                end: Literal["client", "server"] = "client" if found["end"] == "client" else "server"
                scenes[-1].turns.append(Turn(number, end, _words(found["rest"], ""), wait))
                wait = 0
            else:
                _expect(scenes[-1].turns[-1], line)
        except (ValueError, IndexError) as fault:
            raise PlayError(f"{path}:{number}: cannot be read: `{line}` ({fault})") from None
    for turn in (turn for scene in scenes for turn in scene.turns if not turn.told):
        raise PlayError(f"{path}:{turn.number}: what must be delivered is not said; add `-> server`, `-> nothing` ...")
    return scenes


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments; one that begins nothing new continues the one before."""
    begun: tuple[int, str] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if begun is not None and not line.startswith(_BEGINS):
            begun = begun[0], f"{begun[1]} {line}"
            continue
        if begun is not None:
            yield begun
        begun = number, line
    if begun is not None:
        yield begun


def _words(text: str, head: str) -> Words:
    found = _MESSAGE.fullmatch(text.strip())
    if found is None or not (found["head"] or head):
        raise ValueError("a message is `METHOD#ID {...}`, `#ID result {...}` or `#ID error CODE {...}`")
    return Words(found["head"] or head, json.loads(found["body"]) if found["body"] else None)


def _expect(turn: Turn, line: str) -> None:
    found = _EXPECTED.fullmatch(line)
    if found is None:
        raise ValueError("what follows is `-> client|server|recording|nothing`, a message, `by RULE`, `would RULE`")
    turn.told = True
    if found["by"]:
        turn.by = ", ".join(sorted(found["by"].split(", ")))
    if found["would"]:
        turn.would = ", ".join(sorted(found["would"].split(", ")))
    if found["to"] != "nothing":
        words = _words(found["rest"], turn.words.head) if found["rest"].strip() else None
        turn.expected.append(Expected(found["to"], words))


def _message(words: Words, era: str, end: str) -> Json:
    """The message itself, with what the era implies."""
    name, _, outcome = words.head.partition(" ")
    method, mark, ident = name.partition("#")
    message: Json = {"jsonrpc": "2.0"} | ({"id": int(ident) if ident.isdigit() else ident} if mark else {})
    if method:
        message |= {"method": method} | ({} if words.body is None else {"params": words.body})
        if era == "stateless" and end == "client" and mark:
            message["params"] = {"_meta": _META} | (words.body or {})
    elif outcome == "result":
        implied = {"resultType": "complete"} if era == "stateless" and end == "server" else {}
        message["result"] = implied | (words.body or {})
    else:
        message["error"] = {"code": int(outcome.removeprefix("error ")), "message": "failed"} | (words.body or {})
    return message


class Stage:
    """The pure core under a policy, with a clock of its own."""

    def __init__(self, policy: Policy, scene: Scene) -> None:
        self._core = Interposer(Engine([policy], "server"))
        self._at = 0.0
        self._held = ""
        opens_itself = bool(scene.turns) and scene.turns[0].words.head.startswith("initialize#")
        if scene.era == "stateful" and not opens_itself:
            self._open(scene.version)

    def _open(self, version: str) -> None:
        about = {"protocolVersion": version, "capabilities": _ASKED | {"tasks": _CLIENT_TASKS}}
        info = {"name": "somebody", "version": "1"}
        self.say("client", _message(Words("initialize#0", about | {"clientInfo": info}), "stateful", "client"))
        offer = {"protocolVersion": version, "capabilities": _SERVER, "serverInfo": info}
        self.say("server", _message(Words("#0 result", offer), "stateful", "server"))
        self.say("client", _message(Words("notifications/initialized", None), "stateful", "client"))

    def perform(self, turn: Turn, era: str) -> Happened:
        """What one turn does."""
        match turn.end:
            case "later":
                self._at += turn.wait
                return self._feed(Ticked(self._at), b"")
            case "approver":
                self._at += turn.wait + 0.1
                decision: Any = turn.words.head
                return self._feed(Decided(self._at, self._held, decision, "a person"), b"")
            case end:
                return self.say(end, _message(turn.words, era, end), turn.wait)

    def say(self, end: Literal["client", "server"], message: Json, wait: int = 0) -> Happened:
        self._at += wait + 0.1
        raw = json.dumps(message).encode()
        return self._feed(Received(self._at, end, "stdio", Frame(raw, read(raw))), raw)

    def _feed(self, event: Event, raw: bytes) -> Happened:
        effects = self._core.feed(event)
        self._held = next((each.hold for each in effects if isinstance(each, Wake) and each.hold), self._held)
        entries = [json.loads(b"".join(each.pieces)) for each in effects if isinstance(each, Append)]
        frames = [(each.end, each.frame.raw) for each in effects if isinstance(each, Deliver)]
        delivered: list[tuple[str, Json, bool]] = [(to, json.loads(sent), sent == raw) for to, sent in frames]
        hits = [hit for entry in entries for hit in entry.get("verdict", {}).get("rules", ())]
        return Happened(delivered, entries[0].get("message", {}) if entries else {}, hits)


def _expected_lines(turn: Turn) -> list[str]:
    lines = [line for each in turn.expected for line in _spelled(each.to, each.words)]
    return lines + _rulings(turn, turn.by or "", turn.would or "")


def _seen_lines(turn: Turn, happened: Happened) -> list[str]:
    """What happened, in the words of the play and no further than it asks."""
    lines: list[str] = []
    asked = [each for each in turn.expected if each.to != "recording"]
    for each, sent in zip_longest(asked, happened.delivered):
        if sent is not None:
            to, message, unchanged = sent
            as_came = unchanged and each is not None and each.words is None
            lines += _spelled(to, None if as_came else _as_words(message, each.words if each is not None else None))
    for each in turn.expected:
        if each.to == "recording":
            lines += _spelled("recording", _as_words(happened.recorded, each.words))
    return lines + _rulings(turn, happened.by(acted=True), happened.by(acted=False))


def _rulings(turn: Turn, by: str, would: str) -> list[str]:
    """Who decided, where the play says so."""
    return [f"by {by}"] * (turn.by is not None) + [f"would {would}"] * (turn.would is not None)


def _as_words(message: Json, wanted: Words | None) -> Words:
    method, ident = message.get("method", ""), f"#{message['id']}" if "id" in message else ""
    outcome = (
        " result" if "result" in message else f" error {message['error'].get('code')}" if "error" in message else ""
    )
    body = next((message[part] for part in ("params", "result", "error") if part in message), None)
    if wanted is not None:
        body = None if wanted.body is None else narrowed(wanted.body, body)
    return Words(f"{method}{ident}{outcome}", body)


def narrowed(wanted: Any, found: Any) -> Any:
    """What was found, without the members that nobody asked about. `null` asks for a member that is not there."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        absent = {name: None for name, value in wanted.items() if value is None and name not in found}
        return {name: narrowed(wanted[name], found[name]) for name in wanted if name in found} | absent
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [narrowed(*each) for each in zip(wanted, found, strict=True)]
    return found


def _spelled(to: str, words: Words | None) -> list[str]:
    if words is None:
        return [f"-> {to}"]
    body = [] if words.body is None else json.dumps(words.body, indent=1, sort_keys=True).splitlines()
    return [f"-> {to} {words.head}", *body]


def _columns(expected: list[str], seen: list[str]) -> Iterator[str]:
    """Both side by side; `!` stands before what is different."""
    yield f"    {'expected':{_WIDTH}} | delivered"
    for kind, a, b, c, d in SequenceMatcher(None, expected, seen, autojunk=False).get_opcodes():
        rows: Iterable[tuple[str, str]] = zip_longest(expected[a:b], seen[c:d], fillvalue="")
        for left, right in rows:
            yield f"  {' ' if kind == 'equal' else '!'} {left:{_WIDTH}} | {right}".rstrip()
