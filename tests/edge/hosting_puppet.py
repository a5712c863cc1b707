"""A stdio server that does what its calls say, so that a test can choose every line. Standard library alone.

`tools/call` names what to do; a notification `test/release` lets go of what `hold` withheld.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

held: list[Any] = []
asked: dict[str, Any] = {}
seen: list[dict[str, Any]] = []


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(ident: Any, **result: Any) -> None:
    say({"id": ident, "result": result})


def note(method: str, **params: Any) -> None:
    say({"method": method, "params": params})


def hold(ident: Any, token: Any, arguments: dict[str, Any]) -> None:
    held.append(ident)
    if token is not None:
        note("notifications/progress", progressToken=token, progress=0)


def progress(ident: Any, token: Any, arguments: dict[str, Any]) -> None:
    note("notifications/progress", progressToken=token, progress=1)
    answer(ident, done=True)


def flood(ident: Any, token: Any, arguments: dict[str, Any]) -> None:
    for number in range(arguments["count"]):
        note("notifications/progress", progressToken=token, progress=number, message="x" * 100_000)
    answer(ident)


def ask(ident: Any, token: Any, arguments: dict[str, Any]) -> None:
    asked["ask-1"] = ident
    say({"id": "ask-1", "method": "roots/list"})


def announce(ident: Any, token: Any, arguments: dict[str, Any]) -> None:
    note("notifications/tools/list_changed")
    answer(ident)


def leave(ident: Any, token: Any, arguments: dict[str, Any]) -> None:
    os._exit(arguments["status"])


def raw(ident: Any, token: Any, arguments: dict[str, Any]) -> None:
    sys.stdout.write(arguments["line"] + "\n")
    answer(ident)


def log(ident: Any, token: Any, arguments: dict[str, Any]) -> None:
    note("notifications/message", level="info", data=arguments["data"])
    answer(ident)


def mutter(ident: Any, token: Any, arguments: dict[str, Any]) -> None:
    sys.stderr.write("a line of the child\n")
    sys.stderr.flush()
    answer(ident)


TOOLS: dict[str, Callable[[Any, Any, dict[str, Any]], None]] = {
    "hold": hold,
    "progress": progress,
    "flood": flood,
    "ask": ask,
    "announce": announce,
    "exit": leave,
    "raw": raw,
    "log": log,
    "stderr": mutter,
    "big": lambda ident, _, arguments: answer(ident, text="x" * arguments["size"]),
    "size": lambda ident, _, arguments: answer(ident, size=len(arguments["text"])),
    "seen": lambda ident, _, __: answer(ident, seen=seen),
    "echo": lambda ident, token, arguments: answer(ident, id=ident, token=token, arguments=arguments, pid=os.getpid()),
}


def call(ident: Any, params: dict[str, Any]) -> None:
    TOOLS[params["name"]](ident, params.get("_meta", {}).get("progressToken"), params.get("arguments", {}))


def request(ident: Any, method: str, params: dict[str, Any]) -> None:
    match method:
        case "initialize" if params.get("refuse"):
            say({"id": ident, "error": {"code": -32602, "message": "no"}})
        case "initialize" if params.get("hold"):
            held.append(ident)
        case "initialize":
            info = {"name": "puppet", "version": "1"}
            answer(ident, protocolVersion=params["protocolVersion"], capabilities={}, serverInfo=info)
        case "tools/call":
            call(ident, params)
        case "subscriptions/listen":
            held.append(ident)
            note("notifications/subscriptions/acknowledged", _meta={"io.modelcontextprotocol/subscriptionId": ident})
        case "ping":
            answer(ident)
        case _:
            say({"id": ident, "error": {"code": -32601, "message": "method not found"}})


def notification(method: str, params: dict[str, Any]) -> None:
    if method == "test/release":
        for ident in held:
            answer(ident, released=True)
        held.clear()
    elif method == "test/end-listen":
        note("notifications/cancelled", requestId=held.pop(0))
    elif method == "test/say":
        note("notifications/resources/updated", uri=params["uri"])


def take(message: Any) -> None:
    if isinstance(message, list):
        answers = [{"jsonrpc": "2.0", "id": part["id"], "result": {}} for part in message if "id" in part]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()
        return
    seen.append(message)
    if "method" not in message:
        answer(asked.pop(message["id"]), answered=message.get("result"))
    elif "id" in message:
        request(message["id"], message["method"], message.get("params", {}))
    else:
        notification(message["method"], message.get("params", {}))


for line in sys.stdin:
    take(json.loads(line))
