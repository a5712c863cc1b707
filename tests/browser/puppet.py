"""A stdio server that says what it is told to: `tools/call say` has the messages in its arguments.

Everything else gets an empty result. What answers the messages it sent is kept silent about. Standard library alone.
"""

import json
import sys
import time
from typing import Any


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def call(ident: Any, params: dict[str, Any]) -> None:
    arguments = params.get("arguments") or {}
    for message in arguments.get("messages", ()):
        say(message)
    due = time.time()
    for number in range(arguments.get("logs", 0)):
        time.sleep(max(0.0, due - time.time()))
        due += arguments.get("apart", 0.0)
        data = f"log {number} at {time.time()}"
        say({"method": "notifications/message", "params": {"level": "info", "data": data}})
    if not arguments.get("silent"):
        text = arguments.get("reply", params.get("name"))
        say({"id": ident, "result": {"content": [{"type": "text", "text": text}]}})


for line in sys.stdin:
    said = json.loads(line)
    match said.get("method"):
        case "initialize":
            info = {"name": "puppet", "version": "1"}
            can = {"tools": {}, "logging": {}}
            version = said["params"]["protocolVersion"]
            say({"id": said["id"], "result": {"protocolVersion": version, "capabilities": can, "serverInfo": info}})
        case "tools/call":
            call(said["id"], said["params"])
        case str() if "id" in said:
            say({"id": said["id"], "result": {}})
        case _:
            pass
