"""A program that decides about what is held: as the last word of the rule says. JSON in and out."""

import json
import sys
import time
from typing import Any

ANSWERS: dict[str, Any] = {
    "sampling/createMessage": {
        "role": "assistant",
        "content": {"type": "text", "text": "no idea"},
        "model": "approver-1",
    },
    "elicitation/create": {"action": "accept", "content": {"name": "Grace", "note": "away"}},
    "roots/list": {"roots": [{"uri": "file:///srv/given", "name": "given"}]},
}


def method(message: dict[str, Any]) -> str:
    """What is asked: by the request, or in the result."""
    if "method" in message:
        return str(message["method"])
    [asked] = message["result"]["inputRequests"].values()
    return str(asked["method"])


def main() -> None:
    question = json.loads(sys.stdin.readline())
    decision = question["rules"][0].partition("-")[2]
    if decision == "hang":
        time.sleep(3600)
    if decision == "crash":
        sys.exit(3)
    if decision == "garbage":
        print('{"decision": "approve", "sure": "false"')
        return
    said: dict[str, Any] = {"decision": decision, "by": "a table", "hold": question["hold"]}
    if decision == "edit":
        said["edited"] = json.loads(json.dumps(question["message"]).replace("PLANTED-asked", "EDITED-asked"))
    if decision == "answer":
        said["answer"] = ANSWERS[method(question["message"])]
    print(json.dumps(said))


main()
