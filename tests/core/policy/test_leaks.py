"""Planted secrets in every place of every kind of message: none on the wire, none in the recording."""

import itertools
import json
from typing import Any

import pytest
from tests.core.policy.test_engine import META, Play

# Pieces, so that nothing here looks like a credential to a scanner.
SECRETS = [
    "AKIA" + "IOSFODNN7EXAMPLQ",
    "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
    "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dcAbCdEfGh",
    "postgres://ada:" + "h0rse-battery9@db.example.com/app",
]
POLICY = '[[rule]]\nname = "s"\nall = true\ndo = "redact"\nfind = "secrets"'
TOOL = {"name": "t", "inputSchema": {"type": "object"}}


def _result(**result: Any) -> tuple[str, Any]:
    return "server", {"result": result}


def _request(method: str, **params: Any) -> tuple[str, Any]:
    return "server", {"id": "r", "method": method, "params": params}


def _notice(method: str, **params: Any) -> tuple[str, Any]:
    return "server", {"method": f"notifications/{method}", "params": params}


def _places(secret: str) -> dict[str, tuple[str, Any]]:
    """Where one looks for a leak: who says it, and the message (a response answers the request before)."""
    text = {"type": "text", "text": f"see {secret}."}
    resource = {"uri": "a://b", "text": secret}
    schema = {"type": "object", "properties": {}}
    form = {"action": "accept", "content": {"name": secret, "id": [secret], secret: 1}}
    roots = {"roots": [{"uri": f"file:///srv/{secret}", "name": secret}]}
    answers = {"name": "t", "inputResponses": {"who": form, "where": roots}, "requestState": "s"}
    return {
        "arguments": ("client", {"method": "tools/call", "params": {"name": "t", "arguments": {"a": [secret]}}}),
        "filled form and roots": ("client", {"method": "tools/call", "params": answers}),
        "result text": _result(content=[text]),
        "json in text": _result(content=[{"type": "text", "text": json.dumps({"token": secret})}]),
        "structured content": _result(content=[], structuredContent={"deep": {"x": secret}}),
        "object key": _result(content=[], structuredContent={secret: 1}),
        "resource text": _result(contents=[resource]),
        "embedded resource": _result(content=[{"type": "resource", "resource": resource}]),
        "prompt message": _result(messages=[{"role": "user", "content": text}]),
        "error message": ("server", {"error": {"code": -32603, "message": f"failed with {secret}"}}),
        "error data": ("server", {"error": {"code": -32603, "message": "x", "data": {"env": secret}}}),
        "tool description": _result(tools=[{**TOOL, "description": f"use {secret}"}]),
        "instructions": _result(instructions=secret),
        "result meta": _result(content=[], _meta={"x.example/y": secret}),
        "log": _notice("message", level="info", data={"k": secret}),
        "progress": _notice("progress", progressToken=1, progress=1, message=secret),
        "elicitation": _request("elicitation/create", message=secret, requestedSchema=schema),
        "sampling": _request("sampling/createMessage", messages=[{"role": "user", "content": text}], maxTokens=9),
        "system prompt": _request("sampling/createMessage", messages=[], systemPrompt=secret, maxTokens=9),
        "unknown method": _request("x/custom", anything=[{"goes": secret}]),
        "unknown notification": _notice("x/custom", anything=secret),
    }


NAMES = tuple(_places(""))


@pytest.mark.parametrize("era", ["stateful", "stateless"])
@pytest.mark.parametrize(("number", "name"), list(itertools.product(range(len(SECRETS)), NAMES)))
def test_no_planted_secret_gets_through_or_written_down(number: int, name: str, era: str) -> None:
    secret = SECRETS[number]
    end, message = _places(secret)[name]
    play = Play(POLICY)
    if era == "stateful":
        play.stateful()
    meta = {} if era == "stateful" else {"_meta": META}
    said: list[Any] = []
    if end == "client":
        message["params"] |= meta
        said += play.client(id=1, **message)
    else:
        play.client(id=1, method="tools/call", params={"name": "t", **meta})
        if "result" in message and era == "stateless":
            message["result"] = {"resultType": "complete", **message["result"]}
        said += play.server(**({"id": 1} if "method" not in message else {}), **message)
    bare = secret.rpartition(":")[2].partition("@")[0] if secret.startswith("postgres") else secret
    assert bare not in json.dumps(said), name
    assert bare not in json.dumps(play.lines), name
    assert said or era == "stateless", "what is masked still arrives"
