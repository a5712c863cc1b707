"""What a request or a notification says, in a few words, by its method. One line in a table for a method."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from interpose.core.formats.excerpt import compact, members, pairs, quoted, rest, rough, said, told
from interpose.core.formats.results import content

Members = dict[str, Any]


def summary(method: str, params: bytes, whole: int | None = None) -> str:
    """The parameters. `whole` is their full size where `params` is only their beginning."""
    found = members(params)
    if not found:
        return rough(params, whole) if len(params) > 2 else ""
    return told(_METHODS.get(method, rest), found)


def _initialize(found: Members) -> str:
    return " ".join(word for word in (_party(found.get("clientInfo")), _can(found.get("capabilities"))) if word)


def _party(info: Any) -> str:
    if not isinstance(info, dict):
        return ""
    return " ".join(said(str(info[key]), 40) for key in ("name", "version") if info.get(key))


def _can(capabilities: Any) -> str:
    return f"can {said(', '.join(capabilities), 80)}" if isinstance(capabilities, dict) and capabilities else ""


def _arguments(found: Members) -> str:
    task = " as a task" if found.get("task") is not None else ""
    return (pairs(found.get("arguments")) + task).strip()


def _level(found: Members) -> str:
    return said(str(found.get("level", "")))


def _complete(found: Members) -> str:
    argument, ref = found.get("argument"), found.get("ref")
    if not isinstance(argument, dict) or not isinstance(ref, dict):
        return rest(found)
    name = said(str(argument.get("name", "")), 30)
    of = said(str(ref.get("name") or ref.get("uri") or ""), 40)
    return f"{name}={compact(argument.get('value'), 40)} of {of}"


def _sampling(found: Members) -> str:
    messages = found.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    text = content(last.get("content")) if isinstance(last, dict) else ""
    tokens = found.get("maxTokens")
    tools = found.get("tools")
    more = [f"max {tokens} tokens"] if tokens is not None else []
    more += [f"{len(tools)} tools"] if isinstance(tools, list) and tools else []
    return f'"{text}"' + (f" ({', '.join(more)})" if more else "")


def _elicitation(found: Members) -> str:
    text = quoted(str(found.get("message", "")), 100)
    if found.get("url"):
        return f"{text} at {_address(str(found['url']))}"
    schema = found.get("requestedSchema")
    fields = schema.get("properties") if isinstance(schema, dict) else None
    return f"{text} asks {said(', '.join(fields), 80)}" if isinstance(fields, dict) and fields else text


def _address(url: str) -> str:
    """The part of an address that says where it leads: the host first."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return quoted(url, 80)
    return said(f"{parts.scheme}://{parts.netloc}{parts.path}", 80)


def _listen(found: Members) -> str:
    wanted = found.get("notifications")
    if not isinstance(wanted, dict):
        return rest(found)
    return "for " + ", ".join(
        said(key if each is True else f"{key} {compact(each, 60)}") for key, each in wanted.items()
    )


def _progress(found: Members) -> str:
    total = found.get("total")
    amount = compact(found.get("progress")) if total is None else f"{found.get('progress')}/{total}"
    return f"{said(amount)} {_told(found, 'message')}".rstrip()


def _told(found: Members, key: str) -> str:
    return quoted(str(found[key]), 120) if found.get(key) else ""


def _log(found: Members) -> str:
    data = found.get("data")
    text = said(data) if isinstance(data, str) else compact(data)
    logger = found.get("logger")
    return f"{said(str(found.get('level', '')))} {said(str(logger), 30) + ': ' if logger else ''}{text}"


def _cancelled(found: Members) -> str:
    return _told(found, "reason")


def _task(found: Members) -> str:
    status = said(str(found.get("status", "")).replace("_", " "), 30)
    return f"{status} {_told(found, 'statusMessage')}".strip()


def _nothing(_: Members) -> str:
    return ""


def _update(found: Members) -> str:
    answers = found.get("inputResponses")
    return f"answers {len(answers)} asked" if isinstance(answers, dict) else ""


_METHODS: dict[str, Callable[[Members], str]] = {
    "initialize": _initialize,
    "tools/call": _arguments,
    "prompts/get": _arguments,
    "resources/read": _nothing,
    "resources/subscribe": _nothing,
    "resources/unsubscribe": _nothing,
    "logging/setLevel": _level,
    "completion/complete": _complete,
    "sampling/createMessage": _sampling,
    "elicitation/create": _elicitation,
    "subscriptions/listen": _listen,
    "tasks/get": _nothing,
    "tasks/result": _nothing,
    "tasks/cancel": _nothing,
    "tasks/update": _update,
    "notifications/progress": _progress,
    "notifications/message": _log,
    "notifications/cancelled": _cancelled,
    "notifications/tasks/status": _task,
    "notifications/tasks": _task,
    "notifications/resources/updated": _nothing,
    "notifications/elicitation/complete": _nothing,
    "notifications/subscriptions/acknowledged": _listen,
}
