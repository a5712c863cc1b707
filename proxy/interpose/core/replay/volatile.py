"""What varies by itself in the messages of MCP, as tables: one for each method, in both eras; and how it is masked.

What the peers mint (ids, tokens, cursors, states), what clocks and models say, and what a machine is called goes.
Application data stays: arguments, tool results, prompts, resources, what a user filled in.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from interpose.core.protocol import Era
from interpose.core.replay.canonical import canonical

MASK = "*"
"""What stands for a value that counts only by being there."""

_META = "io.modelcontextprotocol"

# One row a place, one table a method. A row is a path of names (`*`: each item or member) and what happens there:
#   drop    the member does not count, not even its presence
#   mask    only its presence counts
#   clear   what is inside does not count
#   values  the names of the members do not count, nor their order
#   ask     parameters of a question, `answer`: a bare result that answers one (see `_ask`, `_answer`)
_TRACE = ("traceparent", "tracestate", "baggage")
_TASK = ("createdAt", "lastUpdatedAt", "ttl", "ttlMs", "pollInterval", "pollIntervalMs", "statusMessage")


def _task(at: str) -> tuple[str, ...]:
    """The rows of a task's fields."""
    return (f"{at} taskId: mask", *(f"{at} {name}: drop" for name in _TASK))


def _meta(at: str) -> tuple[str, ...]:
    """The rows of a `_meta`."""
    return (
        f"{at} _meta progressToken: drop",
        f"{at} _meta {_META}/subscriptionId: mask",
        f"{at} _meta {_META}/related-task taskId: mask",
        f"{at} _meta {_META}/clientInfo version: drop",
        f"{at} _meta {_META}/serverInfo version: drop",
        *(f"{at} _meta {name}: drop" for name in _TRACE),
    )


_QUESTIONS = (*_meta("result inputRequests * params"), "result inputRequests * params: ask")
_ROUNDS = (
    *_QUESTIONS,
    "result inputRequests: values",
    "result requestState: mask",
    "params inputResponses *: answer",
    "params inputResponses: values",
    "params requestState: mask",
)
_LISTED = ("params cursor: mask", "result nextCursor: mask", "result ttlMs: drop")
_CANCELLED = ("params requestId: mask", "params reason: drop")
_PROGRESS = ("params progressToken: mask", "params progress: drop", "params total: drop", "params message: drop")

_EVERY: tuple[str, ...] = ("id: mask", *_meta("params"), *_meta("result"))

_BOTH: dict[str, tuple[str, ...]] = {
    "ping": ("params: clear", "result: clear"),
    "tools/list": _LISTED,
    "prompts/list": _LISTED,
    "resources/list": (*_LISTED, "result resources * annotations lastModified: drop", "result resources * size: drop"),
    "resources/templates/list": _LISTED,
    "sampling/createMessage": ("params: ask", "result: answer", "params task ttl: drop", *_task("result task")),
    "elicitation/create": ("params: ask", "params task ttl: drop", *_task("result task")),
    "roots/list": ("result: answer",),
    "notifications/cancelled": _CANCELLED,
    "notifications/progress": _PROGRESS,
    "notifications/message": ("params data: mask",),
}
_STATEFUL: dict[str, tuple[str, ...]] = {
    "initialize": ("params clientInfo version: drop", "result serverInfo version: drop"),
    "tools/call": ("params task ttl: drop", *_task("result task"), "error data elicitations *: ask"),
    "prompts/get": ("error data elicitations *: ask",),
    "resources/read": ("error data elicitations *: ask",),
    "tasks/get": ("params taskId: mask", "params task ttl: drop", *_task("result")),
    "tasks/result": ("params taskId: mask", "params task ttl: drop", "result: answer"),
    "tasks/list": (*_LISTED, *_task("result tasks *")),
    "tasks/cancel": ("params taskId: mask", *_task("result")),
    "notifications/tasks/status": _task("params"),
    "notifications/elicitation/complete": ("params elicitationId: mask",),
}
_STATELESS: dict[str, tuple[str, ...]] = {
    "server/discover": ("result ttlMs: drop", "result serverInfo version: drop"),
    "tools/call": ("params task: drop", *_ROUNDS, *_task("result")),
    "prompts/get": (*_ROUNDS, "result ttlMs: drop"),
    "resources/read": (*_ROUNDS, "result ttlMs: drop"),
    "tasks/get": ("params taskId: mask", *_task("result"), *_QUESTIONS, "result inputRequests: values"),
    "tasks/update": ("params taskId: mask", "params inputResponses *: answer", "params inputResponses: values"),
    "tasks/cancel": ("params taskId: mask", *_task("result")),
    "subscriptions/listen": ("params notifications taskIds *: mask",),
    "notifications/subscriptions/acknowledged": ("params notifications taskIds *: mask",),
    "notifications/tasks": (
        *_task("params"),
        *(row.replace("result", "params", 1) for row in _QUESTIONS),
        "params inputRequests: values",
    ),
}
_TABLES: dict[Era, dict[str, tuple[str, ...]]] = {"stateful": _STATEFUL, "stateless": _STATELESS}


def mask(body: dict[str, Any], method: str | None, era: Era) -> None:
    """Take out of a message, in place, what varies by itself."""
    _mask(body, _tree(method, era))
    for section in ("params", "result"):  # an empty `_meta` or `params` says as much as none
        found = body.get(section)
        if isinstance(found, dict) and found.get("_meta") == {}:
            del found["_meta"]
    if body.get("params") == {}:
        del body["params"]


# A container and the name or index of the value in it.
_Act = Callable[[Any, Any], None]


class _Step:
    """Where paths lead on to from one place, and what happens there once it is done below."""

    def __init__(self) -> None:
        self.members: dict[str, _Step] = {}
        self.every: _Step | None = None
        self.act: _Act | None = None


@cache
def _tree(method: str | None, era: Era) -> _Step:
    """The rows for a method as one tree."""
    name = method or ""
    return _grown((*_EVERY, *_BOTH.get(name, ()), *_TABLES[era].get(name, ())))


def _grown(rows: Iterable[str]) -> _Step:
    root = _Step()
    for row in rows:
        path, _, act = row.rpartition(": ")
        step = root
        for part in path.split():
            if part == "*":
                step.every = step.every or _Step()
                step = step.every
            else:
                step = step.members.setdefault(part, _Step())
        step.act = _ACTS[act]
    return root


def _mask(value: Any, step: _Step) -> None:
    if type(value) is dict:
        for name, below in step.members.items():
            if name in value:
                _mask_one(value, name, below)
        if step.every is not None:
            for name in value:
                _mask_one(value, name, step.every)
    elif type(value) is list and step.every is not None:
        for index in range(len(value)):
            _mask_one(value, index, step.every)


def _mask_one(holder: Any, key: Any, step: _Step) -> None:
    if step.members or step.every is not None:
        _mask(holder[key], step)
    if step.act is not None:
        step.act(holder, key)


def _drop(holder: Any, key: Any) -> None:
    del holder[key]


def _put_mask(holder: Any, key: Any) -> None:
    holder[key] = MASK


def _clear(holder: Any, key: Any) -> None:
    holder[key] = {}


def _values(holder: Any, key: Any) -> None:
    members = holder[key]
    if not isinstance(members, dict):
        return
    try:
        holder[key] = sorted(members.values(), key=canonical)
    except RecursionError:
        holder[key] = list(members.values())


_QUERY = re.compile(r"=[^&#]*")


def _ask(holder: Any, key: Any) -> None:
    """Of a question: the id of an elicitation, the values in the query of its URL, ids of tool uses in a sampling."""
    params = holder[key]
    if not isinstance(params, dict):
        return
    if params.get("_meta") == {}:
        del params["_meta"]
    minted = params.get("elicitationId")
    if minted is not None:
        params["elicitationId"] = MASK
    url = params.get("url")
    if isinstance(url, str):
        if isinstance(minted, str) and minted:
            url = url.replace(minted, MASK)
        place, mark, query = url.partition("?")
        params["url"] = place + mark + _QUERY.sub(f"={MASK}", query)
    for message in _items(params.get("messages")):
        _mask_tool_uses(message)


def _answer(holder: Any, key: Any) -> None:
    """Of an answer: what a model said and which model it was; where the directories are on the user's machine."""
    result = holder[key]
    if not isinstance(result, dict):
        return
    if "role" in result and "model" in result:
        result["model"] = MASK
        result.pop("stopReason", None)
        _mask_tool_uses(result)
        for block in _items(result.get("content")):
            if block.get("type") == "text":
                block["text"] = MASK
    for root in _items(result.get("roots")):
        if "uri" in root:
            root["uri"] = MASK


def _mask_tool_uses(message: dict[str, Any]) -> None:
    for block in _items(message.get("content")):
        for name, kind in (("id", "tool_use"), ("toolUseId", "tool_result")):
            if name in block and block.get("type") == kind:
                block[name] = MASK


def _items(value: Any) -> list[dict[str, Any]]:
    """The objects in a list, or the one object that stands in its place."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]


_ACTS: dict[str, _Act] = {
    "drop": _drop,
    "mask": _put_mask,
    "clear": _clear,
    "values": _values,
    "ask": _ask,
    "answer": _answer,
}
