"""An HTTP request of a client: reading it, and what is wrong with it. What it means is the door's business."""

import hashlib

import msgspec
from aiohttp import hdrs, web

from interpose.core.bridge.reply import error
from interpose.core.bridge.stateless import claimed_version, is_version, mirrored_part
from interpose.core.protocol.http import VERSION_HEADER, disagreement
from interpose.core.wire.message import Kind, Message, read
from interpose.edge.transports.bodies import received
from interpose.edge.transports.listener import foreign
from interpose.edge.transports.plain import is_plain_json
from interpose.edge.transports.raw_headers import text

SESSION_HEADER = "Mcp-Session-Id"
JSON = "application/json"
EVENTS = "text/event-stream"
PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS, HEADER_MISMATCH = -32700, -32600, -32602, -32020


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is not served: a status and, as body, a JSON-RPC error with the id of the request if it has one."""

    status: int
    text: str
    code: int = INVALID_REQUEST
    ident: str | None = None
    allow: str = ""

    def response(self, request: web.BaseRequest) -> web.Response:
        headers = cors(request)
        if self.allow:
            headers[hdrs.ALLOW] = self.allow
        body = error(self.ident, self.code, self.text).raw
        return web.Response(status=self.status, body=body, content_type=JSON, headers=headers)


def unfit_body(request: web.BaseRequest) -> Refusal | None:
    """Why a POST's body is not read; None when it may be."""
    types = request.headers.getall(hdrs.CONTENT_TYPE, [])
    if len(types) != 1 or types[0].partition(";")[0].strip().lower() != JSON:
        return Refusal(415, f"the body must be `Content-Type: {JSON}`")
    if not is_plain_json(types):
        return Refusal(415, "the body must be in UTF-8, and say no other `charset`")
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if encoding not in ("", "identity"):
        return Refusal(415, f"a body with `Content-Encoding: {encoding[:40]}` is not read here; send it plain")
    return None


async def read_message(request: web.BaseRequest) -> Message | Refusal:
    """The message in a body of any size."""
    try:
        body = await received(request)
    except web.RequestPayloadError:
        return Refusal(400, "the body is broken", PARSE_ERROR)
    message = read(body)
    if message.kind is not Kind.OPAQUE:
        return message
    if "not-json" in message.flags:
        return Refusal(400, "the body is no JSON", PARSE_ERROR)
    return Refusal(400, "the body is no JSON-RPC message")


def sole_id(message: Message) -> str | None:
    """The id to answer a message under when it is refused."""
    return message.id if message.kind is Kind.REQUEST else None


def names_no_request(message: Message) -> bool:
    """Is this the answer to a body that was turned away unread: 400 (2025-11-25 §basic/transports)."""
    return message.kind is Kind.ERROR and message.id in (None, "null")


def accepts(request: web.BaseRequest, media_type: str) -> bool:
    """Does the client take a media type; one that says nothing takes all (RFC 9110 §12.5.1)."""
    ranges = ",".join(request.headers.getall(hdrs.ACCEPT, ["*/*"])).split(",")
    names = {each.partition(";")[0].strip().lower() for each in ranges}
    return not names.isdisjoint(("*/*", media_type.partition("/")[0] + "/*", media_type))


def bad_version(request: web.BaseRequest) -> Refusal | None:
    """2025-11-25 §basic/transports: an invalid `MCP-Protocol-Version` is answered with 400."""
    versions = request.headers.getall(VERSION_HEADER, [])
    if len(versions) > 1 or not all(map(is_version, versions)):
        return Refusal(400, f"`{VERSION_HEADER}` is no protocol version")
    return None


def unfit_stateful(request: web.BaseRequest, message: Message) -> Refusal | None:
    """Why a message of a stateful session is not let in (2025-11-25 §basic/transports)."""
    requests = [part for part in message.messages() if part.kind is Kind.REQUEST]
    if requests and not (accepts(request, JSON) and accepts(request, EVENTS)):
        return Refusal(406, f"`Accept` must name both {JSON} and {EVENTS}", ident=sole_id(message))
    if message.kind is Kind.BATCH and any(part.method == "initialize" for part in requests):
        return Refusal(400, "`initialize` must not be in a batch")  # 2025-03-26 §basic/lifecycle
    return None


def unfit_stateless(request: web.BaseRequest, message: Message) -> Refusal | None:
    """Why a message is not let in to a server that all stateless clients share (2026-07-28 §basic/transports)."""
    ident = sole_id(message)
    if message.kind is Kind.BATCH or message.is_response:
        return Refusal(400, "a POST carries one request or notification", ident=ident)
    if message.kind is Kind.REQUEST and claimed_version(message) is None:
        return Refusal(400, "`_meta` lacks `io.modelcontextprotocol/protocolVersion`", INVALID_PARAMS, ident)
    requested = message.kind is Kind.REQUEST  # on notifications clients leave the headers out, and servers take that
    fault = disagreement(text(request.raw_headers), mirrored_part(message)) if requested else None
    if fault is not None:
        return Refusal(400, fault, HEADER_MISMATCH, ident)
    if not accepts(request, EVENTS):
        return Refusal(406, f"`Accept` must name {EVENTS}", ident=ident)
    return None


def principal(request: web.BaseRequest) -> bytes:
    """Who is asking, as a digest of the credentials: enough to tell two callers apart, and nothing more."""
    return hashlib.sha256("\0".join(request.headers.getall(hdrs.AUTHORIZATION, [])).encode("utf-8", "replace")).digest()


def cors(request: web.BaseRequest) -> dict[str, str]:
    """What lets a page of this machine read the answer; nothing for other pages and for programs."""
    origins = request.headers.getall(hdrs.ORIGIN, [])
    if len(origins) != 1 or foreign(["localhost"], origins) is not None:
        return {}
    return {
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origins[0],
        hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: SESSION_HEADER,
        hdrs.VARY: hdrs.ORIGIN,
    }


def preflight(request: web.BaseRequest, methods: str) -> web.Response:
    """The answer to OPTIONS. A page that is not of this machine is told nothing."""
    headers = cors(request)
    if headers:
        asked = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
        headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = methods
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = asked
        headers[hdrs.ACCESS_CONTROL_MAX_AGE] = "86400"
    return web.Response(status=204, headers={**headers, hdrs.ALLOW: methods})
