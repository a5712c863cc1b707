"""A policy of a few lines in the place of the real one: tested is what the edges do with a verdict."""

import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from interpose.core.policy.engine import Engine
from interpose.core.policy.lifetimes import Lifetimes
from interpose.core.policy.outcome import BLOCKED, error, failed_call, response
from interpose.core.policy.refusing import Refusal, refuse
from interpose.core.policy.rules import Rules as Compiled
from interpose.core.policy.verdict import PASS, Own, Verdict
from interpose.core.session.asks import Ask
from interpose.core.session.opening import Opening
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind
from interpose.edge.conversations import Conversations

Rule = Callable[[Sighting], Verdict | None]
Json = dict[str, Any]
VERSION = "io.modelcontextprotocol/protocolVersion"
META = {VERSION: "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
SAID_NO = "Blocked by policy"


class Rules:
    """Stands for an engine: the first rule that says something decides."""

    enforces = True
    named = False  # errands are called interpose-1, interpose-2, so that scripts can answer them
    rules = Compiled()

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules
        self.lifetimes = Lifetimes()

    def needs_all(self, opening: Opening) -> bool:
        return True

    def notice(self, sighting: Sighting) -> None:
        return

    def judge(self, sighting: Sighting, value: Any = None) -> Verdict:
        return next((verdict for rule in self._rules if (verdict := rule(sighting)) is not None), PASS)

    def kept(self, message: bytes) -> bytes:
        return message

    def scrub(self, text: str) -> str:
        return text

    def refused(self, sighting: Sighting) -> tuple[list[Ask], bool]:
        return [], False


def govern(monkeypatch: pytest.MonkeyPatch, *rules: Rule) -> Rules:
    """Every session from now on has these rules in force."""
    engine = Rules(*rules)
    monkeypatch.setattr(Conversations, "_engine", lambda _: cast(Engine, engine))
    return engine


def block(method: str, name: str | None = None) -> Rule:
    """The client's requests of a method are answered in the server's place; other messages of it are dropped."""

    def rule(sighting: Sighting) -> Verdict | None:
        if sighting.method != method or sighting.end != "client" or name not in (None, sighting.name):
            return None
        if sighting.kind is not Kind.REQUEST:
            return Verdict("drop")
        body = failed_call(method, sighting.era, SAID_NO, "no")
        return Verdict("answer", answer=response(sighting.message.id or "", body))

    return rule


def drop(method: str) -> Rule:
    """Messages of a method go nowhere, whoever says them."""
    return lambda sighting: Verdict("drop") if sighting.method == method else None


def refuse_asks(*kinds: str) -> Rule:
    """Whatever the server asks of these kinds is refused, whichever way it asks."""

    def rule(sighting: Sighting) -> Verdict | None:
        asks = [ask for ask in sighting.asks if ask.state == "open" and ask.kind in kinds]
        if sighting.end != "server" or not asks:
            return None
        return refuse(sighting, {ask.key: Refusal(ask, "no", SAID_NO) for ask in asks}, ())

    return rule


def edit(kind: Kind, change: Callable[[Json], None], method: str = "tools/call") -> Rule:
    """Messages of a kind and method are changed."""

    def rule(sighting: Sighting) -> Verdict | None:
        if sighting.kind is not kind or sighting.method != method:
            return None
        body = sighting.message.body()
        change(body)
        return Verdict("edit", delivered=json.dumps(body, separators=(",", ":")).encode())

    return rule


def refuse_calls_with_errors(sighting: Sighting) -> Verdict | None:
    """A rule for what a client may not have: an answer becomes an error of ours."""
    if sighting.end != "server" or sighting.kind is not Kind.RESULT or sighting.method != "tools/call":
        return None
    return Verdict("edit", delivered=response(sighting.message.id or "", error(BLOCKED, SAID_NO, "no")))


def cancel_task(sighting: Sighting) -> Verdict | None:
    """Whoever looks at a task ends it: a request of interpose's own that nobody waits for."""
    if sighting.method != "tasks/get" or sighting.kind is not Kind.RESULT:
        return None
    own = Own({"jsonrpc": "2.0", "method": "tasks/cancel", "params": {"taskId": sighting.task, "_meta": META}})
    return Verdict("edit", delivered=sighting.message.raw.replace(b"working", b"cancelled"), own=(own,))


def dump(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def request(method: str, ident: Any = 1, **params: Any) -> Json:
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}


def call(ident: Any = 1, name: str = "deploy", **params: Any) -> Json:
    return request("tools/call", ident, name=name, arguments=params.pop("arguments", {}), **params)


def stateless(message: Json) -> Json:
    return {**message, "params": {**message["params"], "_meta": META}}


def result(ident: Any = 1, **members: Any) -> Json:
    return {"jsonrpc": "2.0", "id": ident, "result": members}


def sampling(ident: Any = 41) -> Json:
    text = {"type": "text", "text": "why?"}
    return request("sampling/createMessage", ident, messages=[{"role": "user", "content": text}], maxTokens=5)


def wants_form(ident: Any = 1, state: str = "s-1", key: str = "env") -> Json:
    """A result that asks the user to fill in a form (MRTR)."""
    schema = {"type": "object", "properties": {}}
    asked = {"method": "elicitation/create", "params": {"message": "which?", "requestedSchema": schema}}
    return result(ident, resultType="input_required", inputRequests={key: asked}, requestState=state)


def done(ident: Any = 1, text: str = "done") -> Json:
    return result(ident, resultType="complete", content=[{"type": "text", "text": text}])


def event(message: Any) -> bytes:
    return b"event: message\ndata: " + dump(message) + b"\n\n"


def text_of(message: Json) -> str:
    found: str = message["result"]["content"][0]["text"]
    return found
