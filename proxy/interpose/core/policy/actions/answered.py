"""Saying no to what the user's side answered: a legal refusal stands in the answer's place, in each of its carriers.

Not to what was asked: see refusing.py.
"""

from collections.abc import Mapping

from interpose.core.policy.outcome import (
    BLOCKED,
    Json,
    encode,
    error,
    failed_call,
    response,
    with_related_task,
)
from interpose.core.policy.refusing import Refusal
from interpose.core.policy.verdict import Hit, Own, Verdict
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import parse_exact

_ACKNOWLEDGED: Json = {"result": {"resultType": "complete"}}


def refuse_answers(sighting: Sighting, refusals: Mapping[str, Refusal], hits: tuple[Hit, ...]) -> Verdict:
    """The verdict on a message that answers asks, when all or some of the answers are refused, by their keys."""
    first = next(iter(refusals.values()))
    if first.ask.carrier == "request":
        body = first.body()
        if sighting.request is not None:
            body = with_related_task(sighting.request, body)
        return Verdict("edit", hits, delivered=response(sighting.message.id or "null", body))
    values = {key: refusal.value() for key, refusal in refusals.items()}
    silent = next((refusals[key] for key, value in values.items() if value is None), None)
    if silent is not None:
        return _end(sighting, silent, hits)
    body = parse_exact(sighting.message.raw)
    params = body["params"]
    return Verdict(
        "edit",
        hits,
        delivered=encode(body | {"params": params | {"inputResponses": params["inputResponses"] | values}}),
    )


def ended_task(sighting: Sighting, refusal: Refusal) -> Json | None:
    """How a task looks from now on that an answer without a refusal has ended; None for any other message."""
    if refusal.ask.carrier != "task" or refusal.value() is not None or sighting.task is None:
        return None
    return {"status": "failed", "statusMessage": refusal.text} | error(BLOCKED, refusal.text, refusal.rule)


def _end(sighting: Sighting, refusal: Refusal, hits: tuple[Hit, ...]) -> Verdict:
    """No value of `inputResponses` says no to sampling: the call ends for the client, and a task at the server."""
    ident = sighting.message.id or "null"
    if refusal.ask.carrier != "task":
        body = failed_call(sighting.method, sighting.era, refusal.text, refusal.rule)
        return Verdict("answer", hits, answer=response(ident, body))
    params = sighting.message.section("params")
    address = {name: value for name, value in params.items() if name in ("taskId", "_meta")}
    cancel = Own({"jsonrpc": "2.0", "method": "tasks/cancel", "params": address})
    return Verdict("answer", hits, answer=response(ident, _ACKNOWLEDGED), own=(cancel,))
