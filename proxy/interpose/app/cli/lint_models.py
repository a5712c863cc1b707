"""The official models of MCP's messages, by method and version (`mcp-types`), for `interpose lint` alone.

What has no model there (methods of extensions and of nobody) is not judged.
"""

from functools import cache
from typing import Any

import mcp_types
from mcp_types import methods
from pydantic import TypeAdapter, ValidationError

from interpose.core.events import End
from interpose.core.formats.excerpt import said
from interpose.core.linting.finding import Fault
from interpose.core.session.reading import Params, Result, read
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_MOST = 8
_ROOM = 160
_WITH_TASKS = "2025-11-25"
_TYPES = ("complete", "input_required", None)


def faults(seen: Sighting, version: str) -> tuple[Fault, ...]:
    """Where a request, a notification or a result is not as its model has it; the first few places."""
    model = _model_of(seen, version)
    if model is None:
        return ()
    raw = seen.message.result if seen.kind is Kind.RESULT else seen.message.raw
    try:
        _adapter(model).validate_json(raw, strict=True, by_name=False)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return tuple(Fault(_path(each["loc"], seen), said(each["msg"], _ROOM)) for each in found[:_MOST])
    return ()


def _model_of(seen: Sighting, version: str) -> Any:
    method = seen.method or ""
    match seen.kind:
        case Kind.REQUEST:
            return _requests(seen.end).get((method, version))
        case Kind.NOTIFICATION:
            return _notifications(seen.end).get((method, version))
        case Kind.RESULT:
            return _model_of_result(seen, method, version)
        case _:
            return None


def _model_of_result(seen: Sighting, method: str, version: str) -> Any:
    said_type = read(seen.message.result, Result)
    asked = read(seen.request.params, Params) if seen.request is not None else Params()
    if version == _WITH_TASKS and asked.task and said_type.task is not None:
        return mcp_types.CreateTaskResult
    if said_type.type not in _TYPES:
        return None  # an extension's
    return _results(seen.end).get((method, version))


def _requests(end: End) -> Any:
    return methods.CLIENT_REQUESTS if end == "client" else methods.SERVER_REQUESTS


def _notifications(end: End) -> Any:
    return methods.CLIENT_NOTIFICATIONS if end == "client" else methods.SERVER_NOTIFICATIONS


def _results(end: End) -> Any:
    return methods.CLIENT_RESULTS if end == "client" else methods.SERVER_RESULTS


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def _path(location: tuple[int | str, ...], seen: Sighting) -> str:
    """`$.params.arguments[0]`; names of alternatives of a union stay in it, in the models' own words."""
    start = "$.result" if seen.kind is Kind.RESULT else "$"
    return said(start + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location), _ROOM)
