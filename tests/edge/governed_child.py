"""A stdio server for tests of policy: it asks the client for things, in either era, and tells what it was sent.

Standard library alone. `tools/call` names what to do.
"""

import json
import sys
from typing import Any

asked: dict[str, Any] = {}
seen: list[dict[str, Any]] = []
held: list[Any] = []


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(ident: Any, **result: Any) -> None:
    say({"id": ident, "result": result})


def told(ident: Any, value: Any) -> None:
    answer(ident, resultType="complete", content=[{"type": "text", "text": json.dumps(value)}])


def wants(ident: Any, key: str, state: str) -> None:
    schema = {"type": "object", "properties": {}}
    entry = {"method": "elicitation/create", "params": {"message": "which?", "requestedSchema": schema}}
    answer(ident, resultType="input_required", inputRequests={key: entry}, requestState=state)


def call(ident: Any, params: dict[str, Any]) -> None:
    responses = params.get("inputResponses")
    match params["name"]:
        case "ask":
            asked["ask-1"] = ident
            text = {"type": "text", "text": "why?"}
            messages = [{"role": "user", "content": text}]
            say({"id": "ask-1", "method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": 5}})
        case "form" | "twice" | "silent" if responses is None:
            wants(ident, "env", "s-1")
        case "twice" if params["requestState"] == "s-1":
            wants(ident, "why", "s-2")
        case "form" | "twice":
            told(ident, {"responses": responses, "state": params["requestState"]})
        case "silent":
            held.append(ident)
        case "seen":
            told(ident, seen)
        case name:
            told(ident, {"called": name, "arguments": params.get("arguments")})


def take(message: dict[str, Any]) -> None:
    seen.append(message)
    ident = message.get("id")
    match message.get("method"):
        case None:
            told(asked.pop(message["id"]), {name: message[name] for name in ("result", "error") if name in message})
        case "initialize":
            info = {"name": "child", "version": "1"}
            answer(ident, protocolVersion=message["params"]["protocolVersion"], capabilities={}, serverInfo=info)
        case "tools/call":
            call(ident, message["params"])
        case "tasks/get":
            answer(ident, resultType="complete", taskId=message["params"]["taskId"], status="working")
        case _ if ident is not None:
            answer(ident, resultType="complete")


for line in sys.stdin:
    take(json.loads(line))
