"""Spans as text: OTLP/JSON `TracesData`, which is also what `/v1/traces` takes. Knows nothing of MCP."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from interpose.core.exporting.otlp_span import Attributes, spelled

_SCHEMA = "https://opentelemetry.io/schemas/1.37.0"


def span_text(span: Mapping[str, Any]) -> str:
    """One span, as `Span.fields` has it."""
    return json.dumps(span, separators=(",", ":"))


class Group:
    """Spans of one origin, `ResourceSpans`: what it is, and which version of interpose saw it."""

    def __init__(self, resource: Attributes, version: str) -> None:
        about = span_text({"attributes": spelled(resource)})
        scope = span_text({"name": "interpose", "version": version})
        self._start = f'{{"resource":{about},"scopeSpans":[{{"scope":{scope},"spans":['
        self._end = f'],"schemaUrl":"{_SCHEMA}"}}]}}'

    def text(self, spans: Iterable[str]) -> str:
        return f"{self._start}{','.join(spans)}{self._end}"


def traces(groups: Iterable[str]) -> str:
    """A whole `TracesData`, with its line end."""
    return f'{{"resourceSpans":[{",".join(groups)}]}}\n'
