"""What is wrong with a rule, in words: pydantic's findings as a person would say them, with what was probably meant."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from interpose.core.policy.condition import Condition
from interpose.core.policy.suggestion import suggestion

_TYPES = {
    "string_type": "text in quotes",
    "bool_type": "`true` or `false`",
    "int_type": "a whole number",
    "float_type": "a number",
    "dict_type": "a table",
    "list_type": "a list",
    "tuple_type": "a list",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")


def complaints(errors: Iterable[ErrorDetails], model: type[BaseModel]) -> list[tuple[tuple[str | int, ...], str]]:
    """Each finding: where, from the rule's own table on, and what. A key that was misspelt is not missing too."""
    told: list[tuple[tuple[str | int, ...], str]] = []
    said = {error["loc"]: _said(error, model) for error in errors}
    meant = {match[1] for text in said.values() if (match := re.search(r"did you mean `(.+)`", text))}
    for error in errors:
        missing = error["type"] == "missing" and error["loc"][-1] in meant
        if not missing:
            told.append((error["loc"][1:], said[error["loc"]]))
    return told


def known_keys(model: type[BaseModel]) -> list[str]:
    """The keys of a table, as a person writes them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _said(error: ErrorDetails, model: type[BaseModel]) -> str:
    kind, loc = error["type"], error["loc"]
    key = next((str(step) for step in reversed(loc) if isinstance(step, str)), "")
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "value_error":
        return _of_value(str(context["error"]), key, len(loc))
    if kind == "extra_forbidden":
        names = known_keys(_model_at(loc[1:-1], model))
        return f"unknown key `{key}`{suggestion(key, names)}"
    if kind == "missing":
        return f"needs `{key}`"
    if kind == "literal_error":
        return _of_choice(key, error["input"], _QUOTED.findall(str(context["expected"])))
    if kind in _TYPES:
        return f"`{key}` must be {_TYPES[kind]}, not {_written(error['input'])}"
    if kind in ("string_too_short", "too_short"):
        return f"`{key}` is empty"
    return f"`{key}`: {error['msg'][0].lower()}{error['msg'][1:]}"


def _of_value(text: str, key: str, depth: int) -> str:
    """What a check of ours says: of a whole rule it speaks for itself."""
    return text if depth == 1 or f"`{key}`" in text else f"`{key}`: {text}"


def _of_choice(key: str, value: Any, choices: list[str]) -> str:
    meant = suggestion(value, choices) if isinstance(value, str) else ""
    return f"`{key}` is {_written(value)}; it may be {_listed(choices)}{meant}"


def _model_at(loc: tuple[str | int, ...], model: type[BaseModel]) -> type[BaseModel]:
    return Condition if loc[:1] in (("given",), ("unless",)) else model


def _written(value: Any) -> str:
    """A value as it stands in the file, no longer than needed."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text[:60]}…`" if len(text) > 60 else f"`{text}`"


def _listed(words: list[str]) -> str:
    return " or ".join(part for part in (", ".join(f"`{word}`" for word in words[:-1]), f"`{words[-1]}`") if part)
