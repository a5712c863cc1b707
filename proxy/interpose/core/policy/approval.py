"""What an approver may make of a held message: which decisions fit it, and what may stand in its place.

An edited message stays the same message: what links it to others, or says what it is about, is kept.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from interpose.core.events import Decision
from interpose.core.policy.given import misgiven
from interpose.core.policy.outcome import Json, encode
from interpose.core.policy.rule import Hold
from interpose.core.session.asks import Ask, Asker, lift
from interpose.core.session.sighting import Sighting
from interpose.core.wire.gate import Gate
from interpose.core.wire.message import Kind, Message, parse_exact, read

# What links a message to others or says what it is about, wherever it stands in params, a result or an input request.
_KEPT = (
    *("_meta", "name", "uri", "ref", "task", "taskId", "status", "requestState", "resultType", "isError", "action"),
    *("mode", "elicitationId", "url", "cursor", "nextCursor", "protocolVersion", "capabilities", "clientInfo"),
    *("serverInfo", "requestId", "progressToken", "code", "data", "method"),
)
_KEYED = ("inputRequests", "inputResponses")
_OUTCOMES = {
    "decline": "it is declined in the user's place",
    "cancel": "it is dismissed in the user's place",
    "error": "it is refused with an error",
}
_REFUSED = "it is refused"
_GATE = Gate()


class Unfit(ValueError):
    """What an approver gave cannot stand in the message's place; the text says why."""


def held_asks(sighting: Sighting, asks: Sequence[Ask | None]) -> tuple[Ask, ...]:
    """The open asks that are held; `asks` are what the rules matched, None where that was the whole message."""
    if None in asks and sighting.asks and sighting.asks[0].carrier == "request":
        asks = sighting.asks
    found = {ask.key: ask for ask in asks if ask is not None and ask.state == "open"}
    return tuple(found.values())


def decisions(sighting: Sighting, asks: Sequence[Ask | None]) -> tuple[Decision, ...]:
    """What can be decided about a message that was held for these (`held_asks`).

    A task goes on showing a question as it is, so it is not edited. Not answered are a sign-in that an error demands,
    and one of several input requests of which others go to the client: its answer would not be judged.
    """
    held = held_asks(sighting, asks)
    carriers = {ask.carrier for ask in sighting.asks if ask.state == "open"}
    may: list[Decision] = ["approve", "decline"]
    if "task" not in carriers and sighting.message.kind is not Kind.OPAQUE:
        may.append("edit")
    if any(ask.kind == "elicitation" for ask in held):
        may.append("cancel")
    whole = None in asks and carriers != {"request"}
    others = carriers == {"input_request"} and len(held) < len(sighting.asks)
    if held and "error" not in carriers and not whole and not others:
        may.append("answer")
    return tuple(may)


def outcome(rule: Hold, asks: Sequence[Ask | None]) -> str:
    """What happens when nobody decides, in words."""
    return _REFUSED if None in asks else _OUTCOMES.get(rule.on_timeout, _REFUSED)


def edited(sighting: Sighting, shown: bytes, instead: bytes) -> Sighting:
    """The sighting of the message as the approver wants it; `shown` is what the approver saw. Raises: Unfit."""
    body, came = _object(instead, instead), parse_exact(shown)
    message, before = read(encode(body)), read(shown)
    if (message.kind, message.id, message.method) != (before.kind, before.id, before.method):
        raise Unfit("what is edited stays the same message: keep `id`, `method`, and `result` or `error`")
    for section in ("params", "result", "error"):
        _check_kept(section, came.get(section), body.get(section))
    asks = tuple(_asked_again(ask, message, body) for ask in sighting.asks)
    return msgspec.structs.replace(sighting, message=message, asks=asks)


def answers(asks: Sequence[Ask], instead: bytes) -> dict[str, Json]:
    """The answers that an approver gives, by the keys of the asks. Raises: Unfit."""
    given = _object(instead, b'{"jsonrpc":"2.0","id":1,"result":' + instead + b"}")
    if len(asks) > 1 and set(given) != {ask.key for ask in asks}:
        raise Unfit(f"give an object of answers, one for each of {', '.join(f'`{ask.key[:40]}`' for ask in asks)}")
    found: dict[str, Json] = given if len(asks) > 1 else {asks[0].key: given}
    for ask in asks:
        why = misgiven(ask, found[ask.key])
        if why is not None:
            raise Unfit(f"this does not answer the {ask.kind} request: {why}")
    return found


def _object(raw: bytes, framed: bytes) -> Json:
    """A JSON object that every reader takes for the same. Raises: Unfit."""
    try:
        value: Any = parse_exact(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unfit("what stands in its place must be a JSON object")
    objection = _GATE.judge(framed, version=None, content_type="application/json")
    if objection is not None:
        raise Unfit(f"what stands in its place is ambiguous: {objection.reason}")
    return value


def _check_kept(where: str, came: Any, said: Any) -> None:
    if type(came) is not type(said):
        raise Unfit(f"`{where}` must stay what it is")
    if not isinstance(came, dict):
        return
    for name in _KEPT:
        if came.get(name) != said.get(name) or (name in came) != (name in said):
            raise Unfit(f"`{name}` of `{where}` must stay as it is")
    for name in _KEYED:
        before, after = came.get(name) or {}, said.get(name) or {}
        if not (isinstance(before, dict) and isinstance(after, dict)) or before.keys() != after.keys():
            raise Unfit(f"`{name}` must keep its keys")
        for key, value in before.items():
            _check_kept(f"{name}.{key}", value, after[key])
    if where.startswith("inputRequests."):
        _check_kept(f"params of {where}", came.get("params"), said.get("params"))


def _asked_again(ask: Ask, message: Message, body: Json) -> Ask:
    """An open ask with what it asks now."""
    if ask.state != "open" or ask.carrier not in ("request", "input_request"):
        return ask
    params = message.params
    if ask.carrier == "input_request":
        params = encode(body["result"]["inputRequests"][ask.key].get("params", {}))
    again = lift(Asker(ask.seq, ask.at, ask.carrier, ask.parents, ask.task), ask.key, ask.method, params)
    return ask if again is None else again
