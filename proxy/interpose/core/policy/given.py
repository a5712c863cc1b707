"""Whether a result answers an ask in a shape that MCP allows: for answers that no client of the protocol made."""

from collections.abc import Callable
from typing import Any

from interpose.core.session.asks import Ask
from interpose.core.wire.message import parse

_ACTIONS = ("accept", "decline", "cancel")
_IS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: not isinstance(value, bool) and isinstance(value, int),
    "number": lambda value: not isinstance(value, bool | str | list | dict | None),
    "array": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
}


def misgiven(ask: Ask, result: Any) -> str | None:
    """Why it is no answer to the ask; None where it is one."""
    if not isinstance(result, dict):
        return "it must be an object"
    match ask.kind:
        case "elicitation":
            return _elicited(ask, result)
        case "sampling":
            return _sampled(result)
        case "roots":
            return _rooted(result)


def _elicited(ask: Ask, result: dict[str, Any]) -> str | None:
    if result.get("action") not in _ACTIONS:
        return f"`action` must be one of {', '.join(_ACTIONS)}"
    if result["action"] != "accept" or ask.mode == "url":
        return "`content` goes with `accept` of a form" if "content" in result else None
    content = result.get("content")
    if not isinstance(content, dict):
        return "`content` must be an object"
    schema = (parse(ask.params) or {}).get("requestedSchema")
    return _filled(schema if isinstance(schema, dict) else {}, content)


def _filled(schema: dict[str, Any], content: dict[str, Any]) -> str | None:
    """Forms are flat (2025-11-25 §client/elicitation): what each field must be, and which must be there."""
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if name not in content:
            return f"`{name}` is missing in `content`"
    fields = schema.get("properties")
    for name, value in content.items():
        field = fields.get(name) if isinstance(fields, dict) else None
        if not isinstance(field, dict):
            return f"the form has no field `{name}`"
        why = _misfilled(field, value)
        if why is not None:
            return f"`{name}` {why}"
    return None


def _misfilled(field: dict[str, Any], value: Any) -> str | None:
    fits = _IS.get(str(field.get("type")))
    if fits is not None and not fits(value):
        return f"must be of type {field['type']}"
    choices = _choices(field.get("items") if isinstance(value, list) else field)
    if choices is not None and any(each not in choices for each in (value if isinstance(value, list) else [value])):
        return f"must be one of {', '.join(map(str, choices))}"
    return None


def _choices(spec: Any) -> list[Any] | None:
    """What a field may be, where it is one of a list."""
    if not isinstance(spec, dict):
        return None
    if isinstance(spec.get("enum"), list):
        return list(spec["enum"])
    titled = spec.get("oneOf") or spec.get("anyOf")
    if not isinstance(titled, list):
        return None
    return [each["const"] for each in titled if isinstance(each, dict) and "const" in each]


def _sampled(result: dict[str, Any]) -> str | None:
    if result.get("role") not in ("user", "assistant"):
        return "`role` must be `assistant` or `user`"
    if not isinstance(result.get("model"), str):
        return "`model` must be a text"
    content = result.get("content")
    blocks = content if isinstance(content, list) else [content]
    if not all(isinstance(block, dict) and isinstance(block.get("type"), str) for block in blocks):
        return "`content` must be a content block or a list of them"
    return None


def _rooted(result: dict[str, Any]) -> str | None:
    roots = result.get("roots")
    if not isinstance(roots, list):
        return "`roots` must be a list"
    for root in roots:
        uri = root.get("uri") if isinstance(root, dict) else None
        if not isinstance(uri, str) or not uri.startswith("file://"):
            return "`uri` of a root must begin with file://"
    return None
