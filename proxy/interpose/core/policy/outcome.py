"""How a refusal or a canned answer looks on the wire, in every era and carrier. JSON values in, JSON values out.

Codes: the documented one where there is one, else -31001, which lies outside the range that JSON-RPC and MCP keep for
themselves (2026-07-28 §basic). `data.interpose.rule` says who did it.
"""

import json
from typing import Any

import msgspec

from interpose.core.protocol import Era
from interpose.core.session.asks import Ask
from interpose.core.wire.fraction import spelt
from interpose.core.wire.message import Message

BLOCKED = -31001
REJECTED = -1  # 2025-11-25 §client/sampling: the user rejected the request
NOT_FOUND = -32601
_RELATED = "io.modelcontextprotocol/related-task"

_encode = msgspec.json.Encoder(enc_hook=spelt).encode

Json = dict[str, Any]


def encode(value: Any) -> bytes:
    """JSON on one line. Lone surrogates stay escapes; a `Fraction` keeps its digits where there are none."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def response(ident: str, body: Json) -> bytes:
    """A response under an id that is JSON text already."""
    return b'{"jsonrpc":"2.0","id":' + ident.encode() + b"," + encode(body)[1:]


def error(code: int, message: str, rule: str) -> Json:
    return {"error": {"code": code, "message": message, "data": {"interpose": {"rule": rule}}}}


def failed_call(method: str | None, era: Era, text: str, rule: str) -> Json:
    """What ends a client's call: a tool error, which a model can react to, or a protocol error where there is none."""
    if method != "tools/call":
        return error(BLOCKED, text, rule)
    result: Json = {"content": [{"type": "text", "text": text}], "isError": True}
    return {"result": ({"resultType": "complete"} if era == "stateless" else {}) | result}


def refused_ask(ask: Ask, rule: str, text: str) -> Json:
    """The refusal of a request for an ask: what a user or host that says no would send."""
    if ask.kind == "elicitation":
        return {"result": {"action": "decline"}}
    if ask.kind == "sampling":
        return error(REJECTED, text, rule)
    return error(NOT_FOUND, text, rule)


def refused_input(ask: Ask) -> Json | None:
    """The refusal of an input request; None where there is no value that says no (sampling)."""
    if ask.kind == "elicitation":
        return {"action": "decline"}
    return {"roots": []} if ask.kind == "roots" else None


def canned(ask: Ask, outcome: str, content: Any) -> Json | None:
    """A canned answer as a bare result; None where the outcome is an error. What is `given` is one already."""
    if outcome == "given":
        return dict(content)
    if outcome == "accept":
        if ask.kind == "elicitation":
            return {"action": "accept"} | ({} if content is None or ask.mode == "url" else {"content": content})
        return dict(content) if isinstance(content, dict) else None
    if ask.kind == "elicitation" and outcome in ("decline", "cancel"):
        return {"action": outcome}
    return refused_input(ask) if outcome != "error" else None


def with_related_task(request: Message, body: Json) -> Json:
    """An answer to a request that belongs to a task names the task too (2025-11-25 §basic/utilities/tasks)."""
    params = request.section("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    related = meta.get(_RELATED) if isinstance(meta, dict) else None
    if related is None or "result" not in body:
        return body
    return {"result": body["result"] | {"_meta": {_RELATED: related}}}
