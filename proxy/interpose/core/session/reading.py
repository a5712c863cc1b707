"""The few members of `params` and `result` that following a session takes, decoded with everything else left raw.

Nothing here validates: a member of the wrong type counts as absent, and the others are still read.
"""

import json
from functools import cache
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Raw, field

from interpose.core.wire.message import id_text, parse

_PREFIX = "io.modelcontextprotocol/"
_Partial = TypeVar("_Partial", bound=msgspec.Struct)


class Related(msgspec.Struct, gc=False):
    """`_meta["io.modelcontextprotocol/related-task"]` (2025-11-25 §basic/utilities/tasks)."""

    task_id: str | None = field(default=None, name="taskId")


class Meta(msgspec.Struct, gc=False):
    """What `_meta` says about the message itself."""

    version: str | None = field(default=None, name=_PREFIX + "protocolVersion")
    client: Raw = field(default=Raw(), name=_PREFIX + "clientInfo")
    server: Raw = field(default=Raw(), name=_PREFIX + "serverInfo")
    capabilities: Raw = field(default=Raw(), name=_PREFIX + "clientCapabilities")
    token: Raw = field(default=Raw(), name="progressToken")
    related: Related | None = field(default=None, name=_PREFIX + "related-task")
    subscription: Raw = field(default=Raw(), name=_PREFIX + "subscriptionId")


class Params(msgspec.Struct, gc=False):
    """The members of a request's or notification's `params` that link it to other messages or name its object."""

    meta: Meta | None = field(default=None, name="_meta")
    name: str | None = None
    uri: str | None = None
    task_id: str | None = field(default=None, name="taskId")
    task: Raw = Raw()
    answers: dict[str, Raw] | None = field(default=None, name="inputResponses")
    state: str | None = field(default=None, name="requestState")
    request_id: Raw = field(default=Raw(), name="requestId")
    token: Raw = field(default=Raw(), name="progressToken")
    progress: float | None = None
    total: float | None = None
    elicitation: str | None = field(default=None, name="elicitationId")


class Handshake(msgspec.Struct, gc=False):
    """`initialize`, its result, and the result of `server/discover`."""

    version: str | None = field(default=None, name="protocolVersion")
    capabilities: Raw = Raw()
    client: Raw = field(default=Raw(), name="clientInfo")
    server: Raw = field(default=Raw(), name="serverInfo")
    meta: Meta | None = field(default=None, name="_meta")


class Info(msgspec.Struct, frozen=True, gc=False):
    """Who an end says it is: self-reported, never a ground for trust."""

    name: str | None = None
    version: str | None = None


class Question(msgspec.Struct, gc=False):
    """The members of an ask's params that a person is shown first."""

    meta: Meta | None = field(default=None, name="_meta")
    mode: str | None = None
    message: str | None = None
    url: str | None = None
    elicitation: str | None = field(default=None, name="elicitationId")


class Input(msgspec.Struct, gc=False):
    """One entry of `inputRequests`."""

    method: str | None = None
    params: Raw = Raw()


class TaskFields(msgspec.Struct, gc=False):
    """A task as either dialect spells it (`ttl` and `ttlMs`, `pollInterval` and `pollIntervalMs`)."""

    task_id: str | None = field(default=None, name="taskId")
    status: str | None = None
    ttl: float | None = None
    ttl_ms: float | None = field(default=None, name="ttlMs")
    poll: float | None = field(default=None, name="pollInterval")
    poll_ms: float | None = field(default=None, name="pollIntervalMs")


class Result(TaskFields, gc=False):
    """The members of a result that say what it is: an end, a question, a task."""

    type: str | None = field(default=None, name="resultType")
    task: TaskFields | None = None
    tasks: list[Raw] | None = None
    inputs: dict[str, Raw] | None = field(default=None, name="inputRequests")
    state: str | None = field(default=None, name="requestState")
    failed: bool | None = field(default=None, name="isError")
    action: str | None = None


class Failure(msgspec.Struct, gc=False):
    """A JSON-RPC error."""

    code: int | None = None
    data: Raw = Raw()


class Elicitations(msgspec.Struct, gc=False):
    """The data of error -32042 (2025-11-25 §client/elicitation)."""

    elicitations: list[Raw] | None = None


def read(raw: bytes | Raw, shape: type[_Partial]) -> _Partial:
    """The members that `shape` names, each as typed or absent. Never raises."""
    if not raw:
        return shape()
    try:
        found: _Partial = _decoder(shape).decode(raw)
    except (ValueError, RecursionError):
        return _salvage(bytes(raw), shape)
    return found


def ident(value: Raw) -> str | None:
    """The canonical text of an id or token that stands inside a message; None when absent."""
    if not value:
        return None
    try:
        return id_text(value)
    except ValueError:
        return bytes(value).decode("utf-8", "replace")


@cache
def _decoder(shape: type[_Partial]) -> msgspec.json.Decoder[_Partial]:
    return msgspec.json.Decoder(shape)


_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode


def _salvage(raw: bytes, shape: type[_Partial]) -> _Partial:
    """Reads member by member what a whole read refused: one wrong type must not hide the others."""
    members = _members(raw)
    found: dict[str, Any] = {}
    for each in msgspec.structs.fields(shape):
        text = members.get(each.encode_name)
        value = None if text is None else _member(text, each.type)
        if value is not None:
            found[each.name] = value
    return shape(**found)


def _members(raw: bytes) -> dict[str, bytes]:
    try:
        return {name: bytes(value) for name, value in _decode_members(raw).items()}
    except (ValueError, RecursionError):
        value = parse(raw)
    try:
        return {name: json.dumps(each).encode() for name, each in value.items()} if isinstance(value, dict) else {}
    except RecursionError:  # pragma: no cover - where a reader goes deeper than a writer
        return {}


def _member(text: bytes, wanted: Any) -> Any:
    for kind in get_args(wanted):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return read(text, kind) if text[:1] == b"{" else None
    try:
        return msgspec.json.decode(text, type=wanted)
    except (ValueError, RecursionError):
        # A lone surrogate is text to many readers: it must not make a name invisible.
        value = parse(text)
        return value if isinstance(value, str) and wanted == str | None else None
