"""The types that the fields of rules share: one or several, and texts that are checked when a rule is read."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from interpose.core.policy.directory import check_directory
from interpose.core.policy.host import check_host
from interpose.core.policy.jsonpath import Path, PathError
from interpose.core.policy.redact.engine import Expression, RefusedError
from interpose.core.policy.redact.names import DETECTOR_NAMES
from interpose.core.policy.suggestion import suggestion

T = TypeVar("T")
_CAPABILITIES = frozenset(
    {"sampling", "elicitation", "roots", "tasks", "tools", "prompts", "resources", "logging", "completions"}
    | {"experimental", "extensions"}
)


class Model(BaseModel):
    """What a person writes: nothing unknown, nothing coerced, nothing changed afterwards.

    How to read one is worked out when the first is read: a policy has few kinds of rules, and sessions start often.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


def _as_tuple(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return value if isinstance(value, tuple) else (value,)


def _check_some(value: tuple[T, ...]) -> tuple[T, ...]:
    if not value:
        raise ValueError("an empty list; leave the key out, or say what it is about")
    return value


def _check_pattern(text: str) -> str:
    try:
        Expression(text, utf8=True)
    except RefusedError as refusal:
        hint = "look-around, back-references and counts over 1000 do not exist in RE2"
        raise ValueError(f"RE2 refuses `{text}`: {refusal}; {hint}") from None
    return text


def _check_path(text: str) -> str:
    try:
        Path(text)
    except PathError as refusal:
        raise ValueError(str(refusal)) from None
    return text


def _check_capability(name: str) -> str:
    first, dot, rest = name.partition(".")
    if first not in _CAPABILITIES:
        raise ValueError(f"there is no capability `{name}`{suggestion(first, _CAPABILITIES)}")
    if dot and not rest:
        raise ValueError(f"`{name}` ends in a dot; write `{first}`, or a part of it like `elicitation.url`")
    return name


def _check_detector(name: str) -> str:
    if name not in DETECTOR_NAMES:
        known = ", ".join(DETECTOR_NAMES)
        raise ValueError(f"there is no detector `{name}`; there are {known}{suggestion(name, DETECTOR_NAMES)}")
    return name


Text = Annotated[str, Field(min_length=1)]
Glob = Annotated[str, Field(min_length=1)]
JsonPath = Annotated[str, AfterValidator(_check_path)]
Pattern = Annotated[str, AfterValidator(_check_pattern)]
Capability = Annotated[str, AfterValidator(_check_capability)]
Detector = Annotated[str, AfterValidator(_check_detector)]
Host = Annotated[str, AfterValidator(check_host)]
Directory = Annotated[str, AfterValidator(check_directory)]


class _OneOrList:
    """Tells editors that one value needs no brackets."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = handler(core) | {"minItems": 1}
        return {"anyOf": [listed["items"], listed]}


# A tuple that a person may write as a list or, of one value, as that value.
Several = Annotated[tuple[T, ...], AfterValidator(_check_some), BeforeValidator(_as_tuple), _OneOrList()]
