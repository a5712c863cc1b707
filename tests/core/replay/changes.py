"""JSON values changed one at a time, and which places of an MCP message vary by themselves: written down a second time,
as patterns over paths, so that the tables under test are not their own judge."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from interpose.core.protocol import Era
from interpose.core.session.session import Session
from interpose.core.wire.message import Kind, Message, read
from interpose.edge.stores.jsonl import RecordingReader

Location = tuple[str | int, ...]

FOLDER = Path(__file__).parents[3] / "recordings"
GOLDEN = sorted(FOLDER.rglob("*.jsonl"))

_ASK = r"(params|result/inputRequests/[^/]+/params|error/data/elicitations/\d+)"
_ANSWER = r"(result|params/inputResponses/[^/]+)"
_TASK = r"(taskId|createdAt|lastUpdatedAt|ttl|ttlMs|pollInterval|pollIntervalMs|statusMessage)"
_MCP = r"io\.modelcontextprotocol/"
_ANYWHERE = (
    r"id",
    r".*_meta/(progressToken|traceparent|tracestate|baggage)",
    rf"(params|result)/_meta/{_MCP}(subscriptionId|related-task/taskId|(clientInfo|serverInfo)/version)",
)
_BY_METHOD = {
    r"initialize": (r"(params/clientInfo|result/serverInfo)/version",),
    r"ping": (r"(params|result).*",),
    r"server/discover": (r"result/(ttlMs|serverInfo/version)",),
    r"(tools|prompts|resources|resources/templates|tasks)/list": (r"params/cursor", r"result/(nextCursor|ttlMs)"),
    r"resources/list": (r"result/resources/\d+/(size|annotations/lastModified)",),
    r"(prompts/get|resources/read)": (r"result/ttlMs",),
    r"tools/call": (r"params/task/ttl", rf"result/task/{_TASK}"),
    r"tasks/(get|cancel)": (rf"result/{_TASK}",),
    r"tasks/list": (rf"result/tasks/\d+/{_TASK}",),
    r"tasks/.*": (r"params/(taskId|task/ttl)",),
    r"notifications/tasks(/status)?": (rf"params/{_TASK}",),
    r"(sampling/createMessage|elicitation/create)": (r"params/task/ttl", rf"result/task/{_TASK}"),
    r"(elicitation/create|tools/call|prompts/get)": (rf"{_ASK}/elicitationId", r"params/requestState"),
    r"(tools/call|prompts/get|resources/read)": (r"(params|result)/requestState",),
    r"(sampling/createMessage|tools/call|tasks/result|tasks/update)": (
        rf"{_ANSWER}/(model|stopReason|content/(\d+/)?(text|id))",
    ),
    r"(roots/list|tools/call)": (rf"{_ANSWER}/roots/\d+/uri",),
    r"notifications/cancelled": (r"params/(requestId|reason)",),
    r"notifications/progress": (r"params/(progressToken|progress|total|message)",),
    r"notifications/message": (r"params/data.*",),
    r"notifications/elicitation/complete": (r"params/elicitationId",),
    r"(subscriptions/listen|notifications/subscriptions/acknowledged)": (r"params/notifications/taskIds/\d+",),
}


def varies(message: Message, method: str | None, era: Era, at: Location) -> bool:
    """Whether a place may hold anything without the message being another one."""
    path = "/".join(map(str, at))
    if any(re.fullmatch(pattern, path) for pattern in _ANYWHERE):
        return True
    for methods, patterns in _BY_METHOD.items():
        if re.fullmatch(methods, method or "") and any(re.fullmatch(pattern, path) for pattern in patterns):
            return _is_allowed(message, method, era, path)
    return era == "stateless" and method == "tools/call" and re.fullmatch(rf"result/{_TASK}", path) is not None


def _is_allowed(message: Message, method: str | None, era: Era, path: str) -> bool:
    """What a model says varies, what a tool or a user says does not."""
    if not re.search(r"(content|model|stopReason)", path):
        return True
    body = message.body()
    answers = (body.get("params") or {}).get("inputResponses") or {}
    holder = answers.get(path.split("/")[2]) if path.startswith("params/inputResponses") else body.get("result")
    return isinstance(holder, dict) and "role" in holder and "model" in holder and method != "prompts/get"


def leaves(value: Any, at: Location = ()) -> Iterator[Location]:
    """Where the values are that hold no others."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, (*at, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, (*at, index))
    else:
        yield at


def changed(value: Any, at: Location, new: Any = None) -> Any:
    """A copy with one value changed: to `new`, or to something of the same type."""
    copy = json.loads(json.dumps(value))
    holder = copy
    for part in at[:-1]:
        holder = holder[part]
    holder[at[-1]] = another(holder[at[-1]]) if new is None else new
    return copy


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return "other" if value is None else f"{value}~"


def shuffled(value: Any, chance: random.Random) -> Any:
    """A copy with the members of every object in another order."""
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name], chance) for name in names}
    return [shuffled(each, chance) for each in value] if isinstance(value, list) else value


class Seen(msgspec.Struct, frozen=True):
    """A message of a golden recording with what its session knows of it."""

    seq: int
    message: Message
    method: str | None
    era: Era
    name: str | None


def messages(path: Path) -> Iterator[Seen]:
    session = Session()
    with RecordingReader(path) as reader:
        for entry in reader:
            event = entry.event()
            for sighting in session.see(entry.seq, event) if event is not None else ():
                if sighting.kind not in (Kind.BATCH, Kind.OPAQUE):
                    yield Seen(entry.seq, sighting.message, sighting.method, sighting.era, sighting.name)


def written(body: Any, **more: Any) -> Message:
    return read(json.dumps(body, **more).encode())
