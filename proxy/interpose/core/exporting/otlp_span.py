"""Spans in OTLP's JSON (opentelemetry-proto, trace.proto): values to fill, and their spelling. Knows nothing of MCP."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

Value = str | int
Attributes = Mapping[str, Value]

INTERNAL, SERVER = 1, 2  # SpanKind
_ERROR = 2  # Status.StatusCode
_MOST_EVENTS = 128  # the SDKs' own limit
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.ASCII)


class Context(NamedTuple):
    """Where a span is: its trace and its id, in hexadecimal; `state` is W3C's `tracestate`."""

    trace: str
    span: str
    state: str = ""


class Span(msgspec.Struct):
    """One span while it is open. Times are nanoseconds since 1970."""

    context: Context
    name: str
    start: int
    parent: str = ""
    kind: int = SERVER
    attributes: dict[str, Value] = {}
    events: list[dict[str, Any]] = []
    links: list[Context] = []
    dropped: int = 0
    failure: str | None = None

    def tell(self, at: int, name: str, attributes: Attributes) -> None:
        """Add an event. Of very many, the first ones stay."""
        if len(self.events) >= _MOST_EVENTS:
            self.dropped += 1
            return
        self.events.append({"timeUnixNano": str(at), "name": name, "attributes": spelled(attributes)})

    def fields(self, end: int) -> dict[str, Any]:
        """The span as OTLP/JSON has it."""
        found: dict[str, Any] = {
            "traceId": self.context.trace,
            "spanId": self.context.span,
            "traceState": self.context.state,
            "parentSpanId": self.parent,
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": str(self.start),
            "endTimeUnixNano": str(max(self.start, end)),
            "attributes": spelled(self.attributes),
            "events": self.events,
            "droppedEventsCount": self.dropped,
            "links": [{"traceId": each.trace, "spanId": each.span} for each in self.links],
        }
        found = {key: value for key, value in found.items() if value not in ("", [], 0)}
        return found | {"status": {} if self.failure is None else {"code": _ERROR, "message": self.failure}}


def spelled(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def digest(*words: object, size: int) -> str:
    """An id of so many bytes that follows from words: the same recording gives the same spans."""
    return sha256("\0".join(map(str, words)).encode("utf-8", "surrogatepass")).hexdigest()[: 2 * size]


def trace_parent(text: object, state: object = "") -> Context | None:
    """The context in a W3C `traceparent`; None where there is none that holds."""
    found = _TRACE_PARENT.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[0].startswith("ff") or not int(found[1], 16) or not int(found[2], 16):
        return None
    return Context(found[1], found[2], state if isinstance(state, str) else "")


def _value(value: Value) -> dict[str, str]:
    if isinstance(value, int):
        return {"intValue": str(value)}  # 64 bits are text in the JSON of protobuf
    return {"stringValue": value}
