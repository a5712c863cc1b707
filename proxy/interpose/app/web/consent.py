"""What exactly will happen when something held is approved, as the page shows it to whoever decides.

Everything is text, capped; an address is taken apart so that the host it leads to can be shown for what it is.
"""

import json
from typing import Any
from urllib.parse import urlsplit

from interpose.core.formats.approval import Asked
from interpose.core.formats.asked import summary
from interpose.core.formats.excerpt import said
from interpose.core.formats.words import safe, size
from interpose.core.recording.entry import Header
from interpose.core.wire.message import parse, read

_WHOLE = 1 << 18
_TEXT = 20_000
_MOST_ASKS, _MOST_MESSAGES, _MOST_FIELDS = 50, 200, 100
_KINDS = {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}


def brief(asked: Asked) -> dict[str, Any]:
    """A held message in a line."""
    message = bytes(asked.message)
    return {
        "hold": asked.hold,
        "session": asked.session,
        "server": said(asked.server, 80),
        "since": asked.since,
        "until": asked.until,
        "outcome": said(asked.outcome),
        "method": said(asked.method, 80),
        "name": said(asked.name or "", 120),
        "from": asked.end,
        "says": summary(asked.method, bytes(read(message).params)),
        "rules": [said(rule, 80) for rule in asked.rules[:10]],
        "may": list(asked.may),
        "bytes": len(message),
    }


def whole(asked: Asked, header: Header | None) -> dict[str, Any]:
    """A held message with all that a person needs to decide about it."""
    raw = bytes(asked.message)
    message = read(raw)
    end = {} if header is None else header.server
    found = {
        **brief(asked),
        "address": said(str(end.get("url") or " ".join(map(str, end.get("command") or ()))), 2000),
        "goes": "to the server" if asked.end == "client" else "to the client, from the server",
        "asks": [],
        "arguments": None,
        "message": raw[:_WHOLE].decode("utf-8", "backslashreplace"),
        "cut": max(0, len(raw) - _WHOLE),
        "size": size(len(raw)),
    }
    if asked.method in _KINDS and message.params:
        found["asks"] = [_ask(asked.method, parse(bytes(message.params)), len(message.params))]
    elif message.params:
        found["arguments"] = _arguments(parse(bytes(message.params)))
    else:
        found["asks"] = _inputs(parse(bytes(message.result)) if message.result else None)
    return found


def _arguments(params: Any) -> list[dict[str, Any]] | None:
    """The arguments of a call, each with its whole text."""
    arguments = params.get("arguments") if isinstance(params, dict) else None
    if not isinstance(arguments, dict):
        return None
    return [{"name": said(str(name), 80), **_text(each)} for name, each in list(arguments.items())[:_MOST_FIELDS]]


def _inputs(result: Any) -> list[dict[str, Any]]:
    """What a result asks of the user's side (2026-07-28)."""
    inputs = result.get("inputRequests") if isinstance(result, dict) else None
    if not isinstance(inputs, dict):
        return []
    asked = [(key, each) for key, each in list(inputs.items())[:_MOST_ASKS] if isinstance(each, dict)]
    return [
        {**_ask(str(each.get("method")), each.get("params"), len(json.dumps(each))), "key": str(key)[:200]}
        for key, each in asked
    ]


def _ask(method: str, params: Any, weight: int) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": _KINDS.get(method, said(method, 60)), "size": size(weight)}
    if not isinstance(params, dict):
        return found
    if method == "sampling/createMessage":
        return found | _sampling(params)
    if method == "elicitation/create":
        return found | _elicitation(params)
    return found


def _sampling(params: dict[str, Any]) -> dict[str, Any]:
    """What leaves for the model: every message, the system prompt, how much there is of it."""
    messages = params.get("messages")
    listed = messages if isinstance(messages, list) else []
    tools = params.get("tools")
    return {
        "messages": [_spoken(each) for each in listed[:_MOST_MESSAGES]],
        "count": len(listed),
        "system": _text(params["systemPrompt"]) if params.get("systemPrompt") else None,
        "tokens": params.get("maxTokens") if isinstance(params.get("maxTokens"), int | float) else None,
        "context": said(str(params.get("includeContext") or "none"), 40),
        "tools": [said(str(each.get("name")), 80) for each in tools[:_MOST_FIELDS] if isinstance(each, dict)]
        if isinstance(tools, list)
        else [],
    }


def _spoken(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict):
        return {"role": "?", **_text(message)}
    content = message.get("content")
    blocks = content if isinstance(content, list) else [content]
    texts = [each["text"] if isinstance(each, dict) and isinstance(each.get("text"), str) else each for each in blocks]
    return {"role": said(str(message.get("role")), 20), **_text(texts[0] if len(texts) == 1 else texts)}


def _elicitation(params: dict[str, Any]) -> dict[str, Any]:
    schema = params.get("requestedSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    required = schema.get("required") if isinstance(schema, dict) else None
    fields = list(properties.items())[:_MOST_FIELDS] if isinstance(properties, dict) else []
    return {
        "mode": "url" if params.get("mode") == "url" else "form",
        "text": _text(params.get("message", "")),
        "url": address(str(params["url"])) if params.get("url") else None,
        "fields": [_field(str(name), each, isinstance(required, list) and name in required) for name, each in fields],
    }


def _field(name: str, schema: Any, required: bool) -> dict[str, Any]:
    found = schema if isinstance(schema, dict) else {}
    choices = _choices(found)
    return {
        "name": name[:200],
        "shown": said(name, 80),
        "title": said(str(found.get("title") or ""), 120),
        "description": said(str(found.get("description") or ""), 400),
        "type": said(str(found.get("type") or "string"), 20),
        "choices": [value for value, _ in choices],
        "titles": [title for _, title in choices],
        "default": _default(found.get("default")),
        "required": required,
    }


def _choices(schema: dict[str, Any]) -> list[tuple[str, str]]:
    """What one may choose, and how each is called; of a list, what its items may be."""
    items = schema.get("items")
    held = items if schema.get("type") == "array" and isinstance(items, dict) else schema
    listed = held.get("enum") or held.get("oneOf") or held.get("anyOf")
    names = held.get("enumNames")
    found = []
    for number, each in enumerate(listed[:100] if isinstance(listed, list) else ()):
        value = each.get("const") if isinstance(each, dict) else each
        title = each.get("title") if isinstance(each, dict) else None
        if isinstance(names, list) and number < len(names):
            title = names[number]
        found.append((str(value)[:200], said(str(title or value), 120)))
    return found


def _default(value: Any) -> Any:
    """What stands in a field before anybody wrote there; None for what is no field's value."""
    if isinstance(value, list):
        return [each[:200] for each in value[:100] if isinstance(each, str)]
    return value[:_TEXT] if isinstance(value, str) else value if isinstance(value, bool | int | float) else None


def address(url: str) -> dict[str, Any]:
    """A URL in three parts around the host, with what may deceive about it. The last part is the end of a long one."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return {"before": "", "host": "", "after": safe(url[:_TEXT]), "doubts": ["this is no address"]}
    before, _, after = url.partition(parts.netloc) if parts.netloc else (url, "", "")
    doubts = [] if parts.scheme == "https" else [f"not https but {said(parts.scheme, 20) or 'nothing'}"]
    if parts.username is not None:
        doubts.append("what stands before the @ is no host")
    port = parts.netloc.rpartition("@")[2].lower().removeprefix(host)
    shown = host
    if not host.isascii() or "xn--" in host:
        doubts.append("the host is written in other letters than it seems")
        shown = _plain(host)
    user = parts.netloc.rpartition("@")[0]
    return {
        "before": safe(f"{before}{user}@" if user else before)[:_TEXT],
        "host": safe(shown)[:400],
        "after": safe(port + after)[:_TEXT],
        "doubts": doubts,
    }


def _plain(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode("ascii")


def _text(value: Any) -> dict[str, Any]:
    """Somebody's text in full, line by line, harmless; what is no text as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    kept = "\n".join(map(safe, text[:_TEXT].split("\n")))
    return {"text": kept, "size": size(len(text.encode("utf-8", "surrogatepass"))), "cut": max(0, len(text) - _TEXT)}
