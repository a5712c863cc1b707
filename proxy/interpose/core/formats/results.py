"""What an answer says, in a few words, by the method it answers. One line in a table for a method."""

from collections.abc import Callable
from typing import Any

from interpose.core.formats.excerpt import compact, members, names, pairs, rest, rough, said, told
from interpose.core.formats.words import plural, short_id, size, span

Members = dict[str, Any]


def summary(method: str, result: bytes, whole: int | None = None) -> str:
    """A result. `whole` is its full size where `result` is only its beginning."""
    found = members(result)
    if not found:
        return rough(result, whole) if len(result) > 2 else ""
    if found.get("resultType") == "input_required":
        return told(_required, found)
    if isinstance(found.get("task"), dict):
        return told(_task, found["task"])
    if found.get("resultType") == "task":
        return told(_task, found)
    return told(_METHODS.get(method, rest), found)


def status(result: bytes) -> str:
    """The state of the task in a result."""
    found = members(result)
    task = found["task"] if isinstance(found.get("task"), dict) else found
    return said(str(task.get("status", "")).replace("_", " "), 30)


def failure(error: bytes) -> tuple[int | None, str]:
    """A JSON-RPC error: its code and its text."""
    found = members(error)
    if not found:
        return None, rough(error)
    code = found.get("code")
    return code if isinstance(code, int) else None, said(str(found.get("message", "")))


def answer(method: str, found: Any) -> str:
    """A bare result inside other parameters (`inputResponses`)."""
    return told(_METHODS.get(method, rest), found) if isinstance(found, dict) else ""


def content(found: Any) -> str:
    """Content blocks: the first text, or what there is instead, and how many more."""
    blocks = found if isinstance(found, list) else [found]
    if not blocks:
        return "no content"
    first = _block(blocks[0])
    return first if len(blocks) == 1 else f"{said(first, 150)} (+{plural(len(blocks) - 1, 'block')})"


def _block(block: Any) -> str:
    if not isinstance(block, dict):
        return compact(block)
    if isinstance(block.get("text"), str):
        return said(block["text"])
    kind = said(str(block.get("type", "block")), 30)
    if isinstance(block.get("data"), str):
        return f"{kind} {said(str(block.get('mimeType', '')), 40)} {size(len(block['data']) * 3 // 4)}"
    inner = block.get("resource")
    resource: Members = inner if isinstance(inner, dict) else block
    return f"{kind} {said(str(resource.get('uri') or resource.get('name') or ''), 100)}".rstrip()


def _required(found: Members) -> str:
    """What a result asks for before it can be one: `elicitation form, roots`."""
    asks = (found.get("inputRequests") or {}).values()
    words = [f"{ask['method'].partition('/')[0]} {(ask.get('params') or {}).get('mode', '')}".strip() for ask in asks]
    return said(", ".join(dict.fromkeys(words))) or "only to be asked again"


def _opened(found: Members) -> str:
    meta: Members = found.get("_meta") or {}
    server: Members = found.get("serverInfo") or meta.get("io.modelcontextprotocol/serverInfo") or {}
    who = [said(str(server[key]), 40) for key in ("name", "version") if server.get(key)]
    version = found.get("protocolVersion") or ", ".join(map(str, found.get("supportedVersions") or ()))
    can = found.get("capabilities")
    offers = [f"offers {said(', '.join(can), 80)}"] if isinstance(can, dict) and can else []
    return " ".join(["MCP " + said(str(version), 60), *who, *offers])


def _called(found: Members) -> str:
    blocks = found.get("content")
    structured = found.get("structuredContent")
    if blocks or structured is None:
        return content(blocks or [])
    return compact(structured)


def _listed(key: str, noun: str) -> Callable[[Members], str]:
    def of(found: Members) -> str:
        more = ", more to come" if found.get("nextCursor") is not None else ""
        return names(found.get(key), noun, "uri" if key == "resources" else "name") + more

    return of


def _read(found: Members) -> str:
    contents = found.get("contents")
    if not isinstance(contents, list) or not contents:
        return "nothing"
    first = contents[0] if isinstance(contents[0], dict) else {}
    kind = said(str(first.get("mimeType") or ""), 40)
    text, blob = first.get("text"), first.get("blob")
    if isinstance(text, str):
        what = f"{kind} {size(len(text.encode('utf-8', 'surrogatepass')))}: {said(text, 120)}"
    else:
        what = f"{kind} {size(len(str(blob or '')) * 3 // 4)}"
    return what.strip() + (f" (+{len(contents) - 1} more)" if len(contents) > 1 else "")


def _prompted(found: Members) -> str:
    messages = found.get("messages")
    if not isinstance(messages, list) or not messages:
        return "no messages"
    first = messages[0].get("content") if isinstance(messages[0], dict) else None
    return f"{plural(len(messages), 'message')}: {said(content(first), 150)}"


def _completed(found: Members) -> str:
    completion = found.get("completion")
    values = completion.get("values") if isinstance(completion, dict) else None
    return said(", ".join(map(str, values[:12])) or "no values") if isinstance(values, list) else rest(found)


def _sampled(found: Members) -> str:
    stop = f" ({said(str(found['stopReason']), 30)})" if found.get("stopReason") else ""
    return f"{said(str(found.get('model', '')), 40)}: {said(content(found.get('content')), 120)}{stop}"


def _elicited(found: Members) -> str:
    return pairs(found.get("content"))


def _task(found: Members) -> str:
    words = [f"task {said(short_id(str(found.get('taskId', ''))), 20)}"]
    message = found.get("statusMessage")
    words += [f'"{said(str(message), 80)}"'] if message else []
    for label, key, milli in (("ttl", "ttl", "ttlMs"), ("poll every", "pollInterval", "pollIntervalMs")):
        given = found.get(key, found.get(milli))
        words += [f"{label} {span(given / 1000)}"] if isinstance(given, int | float) and given else []
    return ", ".join(words)


def _polled(found: Members) -> str:
    message, status = found.get("statusMessage"), found.get("status")
    result, error = found.get("result"), found.get("error")
    if status == "completed" and isinstance(result, dict):
        return _called(result) if "content" in result else rest(result)
    if status == "failed" and isinstance(error, dict):
        return f"error {error.get('code')} {said(str(error.get('message', '')))}"
    return f'"{said(str(message), 100)}"' if message else ""


def _nothing(_: Members) -> str:
    return ""


_METHODS: dict[str, Callable[[Members], str]] = {
    "initialize": _opened,
    "server/discover": _opened,
    "tools/list": _listed("tools", "tool"),
    "resources/list": _listed("resources", "resource"),
    "resources/templates/list": _listed("resourceTemplates", "template"),
    "prompts/list": _listed("prompts", "prompt"),
    "tasks/list": _listed("tasks", "task"),
    "roots/list": _listed("roots", "root"),
    "tools/call": _called,
    "tasks/result": _called,
    "resources/read": _read,
    "prompts/get": _prompted,
    "completion/complete": _completed,
    "sampling/createMessage": _sampled,
    "elicitation/create": _elicited,
    "tasks/get": _polled,
    "tasks/cancel": _polled,
    "subscriptions/listen": _nothing,
    "ping": _nothing,
}
