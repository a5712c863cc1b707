"""What the semantic conventions for MCP want said of a request and its end, as attributes of a span."""

from urllib.parse import urlsplit

from interpose.core.exporting.otlp_span import Span, Value
from interpose.core.formats.excerpt import said
from interpose.core.formats.outcome import Outcome, of_answer
from interpose.core.formats.results import failure
from interpose.core.recording.entry import Header
from interpose.core.session.call import Call
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_TARGETS = {"tools/call": "gen_ai.tool.name", "prompts/get": "gen_ai.prompt.name"}
_OF_RESOURCES = ("resources/read", "resources/subscribe", "resources/unsubscribe")
_WAYS: dict[str, dict[str, Value]] = {
    "stdio": {"network.transport": "pipe"},
    "http": {"network.transport": "tcp", "network.protocol.name": "http"},
}


def span_name(call: Call) -> str:
    """The method, and the tool or the prompt: nothing of which there may be any number."""
    return said(f"{call.method} {call.name}" if call.method in _TARGETS and call.name else call.method)


def of_call(call: Call) -> dict[str, Value]:
    """What a request says of itself."""
    found: dict[str, Value] = {"mcp.method.name": call.method, "jsonrpc.request.id": _id_text(call.id)}
    if call.version is not None:
        found["mcp.protocol.version"] = call.version
    if call.name is not None and call.method in _TARGETS:
        found[_TARGETS[call.method]] = call.name
    if call.name is not None and call.method in _OF_RESOURCES:
        found["mcp.resource.uri"] = call.name
    if call.method == "tools/call":
        found["gen_ai.operation.name"] = "execute_tool"
    return found | {"interpose.from": call.end}


def of_way(is_stdio: bool, header: Header) -> dict[str, Value]:
    """How it travelled, and where the server is, behind whatever stands between."""
    found = dict(_WAYS["stdio" if is_stdio else "http"])
    try:
        address = urlsplit(str(header.server.get("url") or ""))
        host, port = address.hostname, address.port
    except ValueError:
        return found
    if host:
        found |= {"server.address": host} | ({"server.port": port} if port else {})
    return found


def of_resource(header: Header) -> dict[str, Value]:
    name = said(str(header.server.get("name") or "mcp server"), 100)
    return {"service.name": name, "interpose.session": header.session}


def of_message(seen: Sighting) -> dict[str, Value]:
    """What a notification is about."""
    about: dict[str, Value] = {"interpose.from": seen.end}
    if seen.name is not None:
        about["interpose.about"] = said(seen.name)
    return about


def end(span: Span, seen: Sighting) -> None:
    """Say how an answer ended the request."""
    outcome = of_answer(seen)[0]
    span.attributes["interpose.outcome"] = outcome.slug
    if seen.kind is Kind.ERROR:
        code, text = failure(seen.message.error)
        fail(span, "_OTHER" if code is None else str(code), text)
        if code is not None:
            span.attributes["rpc.response.status_code"] = str(code)
    elif outcome is Outcome.TOOL_ERROR:
        fail(span, "tool_error", "the tool failed")


def fail(span: Span, kind: str, text: str) -> None:
    span.failure, span.attributes["error.type"] = text, kind


def _id_text(ident: str) -> str:
    """An id as text: `"a"` is `a`."""
    return ident[1:-1] if ident.startswith('"') else ident
