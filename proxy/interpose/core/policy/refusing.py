"""Saying no to an ask, in each of its carriers: a request, an input request of a result, a task, error -32042.

What the carriers share is in outcome.py. Nothing here decides; the engine has decided.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from interpose.core.policy.outcome import (
    BLOCKED,
    Json,
    canned,
    encode,
    error,
    failed_call,
    refused_ask,
    refused_input,
    response,
    with_related_task,
)
from interpose.core.policy.verdict import Hit, Own, Verdict
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import parse_exact

_EXTRA = ("inputResponses", "requestState")


class Refusal(msgspec.Struct, frozen=True):
    """One ask that is not let through: by which rule, and with what outcome."""

    ask: Ask
    rule: str
    text: str
    outcome: str = "refuse"
    content: Any = None
    code: int = BLOCKED

    @property
    def is_accepted(self) -> bool:
        """Whether the answer is a yes, which somebody else than the user gave."""
        return self.outcome == "given" and self.content.get("action") == "accept"

    def body(self) -> Json:
        """The answer to a request for this ask."""
        if self.outcome in ("refuse", "reject"):
            return refused_ask(self.ask, self.rule, self.text)
        result = canned(self.ask, self.outcome, self.content)
        return error(self.code, self.text, self.rule) if result is None else {"result": result}

    def value(self) -> Json | None:
        """The value in `inputResponses`; None where the era has none for this outcome."""
        if self.outcome in ("refuse", "reject"):
            return refused_input(self.ask)
        return canned(self.ask, self.outcome, self.content)


def refuse(sighting: Sighting, refusals: Mapping[str, Refusal], hits: tuple[Hit, ...]) -> Verdict:
    """The verdict on a message whose asks are refused, all or some of them."""
    first = next(iter(refusals.values()))
    match first.ask.carrier:
        case "request":
            body = with_related_task(sighting.message, first.body())
            return Verdict("answer", hits, answer=response(sighting.message.id or "null", body))
        case "input_request":
            return _input_requests(sighting, refusals, hits)
        case "task":
            return _task(sighting, refusals, hits)
        case "error":
            return _sign_ins(sighting, refusals, hits)


def _input_requests(sighting: Sighting, refusals: Mapping[str, Refusal], hits: tuple[Hit, ...]) -> Verdict:
    values = {key: refusal.value() for key, refusal in refusals.items()}
    body = parse_exact(sighting.message.raw)
    result = body["result"]
    silent = next((refusals[key] for key, value in values.items() if value is None), None)
    if silent is not None or sighting.call is None or sighting.request is None:
        return _end_call(sighting, silent or next(iter(refusals.values())), hits)
    left = {key: entry for key, entry in result.get("inputRequests", {}).items() if key not in refusals}
    if left:
        delivered = encode(body | {"result": result | {"inputRequests": left}})
        return Verdict("edit", hits, delivered=delivered)
    params = {key: value for key, value in (parse_exact(sighting.request.params) or {}).items() if key not in _EXTRA}
    params["inputResponses"] = values
    if "requestState" in result:
        params["requestState"] = result["requestState"]
    request = {"jsonrpc": "2.0", "method": sighting.call.method, "params": params}
    return Verdict("withhold", hits, own=(Own(request, sighting.call.id, sighting.call.channel),))


def _end_call(sighting: Sighting, refusal: Refusal, hits: tuple[Hit, ...]) -> Verdict:
    body = failed_call(sighting.method, sighting.era, refusal.text, refusal.rule)
    return Verdict("edit", hits, delivered=response(sighting.message.id or "null", body))


def _task(sighting: Sighting, refusals: Mapping[str, Refusal], hits: tuple[Hit, ...]) -> Verdict:
    """Cut the questions out, answer them upstream; what has no answer ends the task (tasks extension)."""
    body = parse_exact(sighting.message.raw)
    member = "result" if sighting.message.is_response else "params"
    task = body[member]
    values = {key: refusal.value() for key, refusal in refusals.items()}
    silent = next((refusals[key] for key, value in values.items() if value is None), None)
    meta = (sighting.request.section("params") or {}).get("_meta") if sighting.request is not None else None
    address: Json = {"taskId": task.get("taskId")} | ({} if meta is None else {"_meta": meta})
    if silent is not None:
        failed = {name: value for name, value in task.items() if name not in ("inputRequests", "result")}
        failed |= {"status": "failed", "statusMessage": silent.text} | error(BLOCKED, silent.text, silent.rule)
        own = Own({"jsonrpc": "2.0", "method": "tasks/cancel", "params": address})
        return Verdict("edit", hits, delivered=encode(body | {member: failed}), own=(own,))
    left = {key: entry for key, entry in task.get("inputRequests", {}).items() if key not in refusals}
    shown = {name: value for name, value in task.items() if name != "inputRequests"}
    shown |= {"inputRequests": left} if left else {"status": "working"}
    own = Own({"jsonrpc": "2.0", "method": "tasks/update", "params": address | {"inputResponses": values}})
    return Verdict("edit", hits, delivered=encode(body | {member: shown}), own=(own,))


def _sign_ins(sighting: Sighting, refusals: Mapping[str, Refusal], hits: tuple[Hit, ...]) -> Verdict:
    """-32042: the forbidden addresses go; the list must not be empty (2025-11-25 §client/elicitation)."""
    body = parse_exact(sighting.message.raw)
    entries = body["error"]["data"]["elicitations"]
    left = [entry for number, entry in enumerate(entries) if str(entry.get("elicitationId") or number) not in refusals]
    if not left:
        return _end_call(sighting, next(iter(refusals.values())), hits)
    data = body["error"]["data"] | {"elicitations": left}
    return Verdict("edit", hits, delivered=encode(body | {"error": body["error"] | {"data": data}}))
