"""Which requests a relay turns away where a policy is in force: those that a server may read in another way.

What is in a body that was read is the gate's business, in the core; here it is what HTTP says about the body.
"""

from aiohttp import hdrs, web

from interpose.core.bridge.stateless import mirrored_part
from interpose.core.protocol.http import disagreement
from interpose.core.wire.message import Kind, Message
from interpose.edge.transports.http_client_request import HEADER_MISMATCH, Refusal
from interpose.edge.transports.plain import is_plain_json
from interpose.edge.transports.raw_headers import section

_VERSION = b"io.modelcontextprotocol/protocolVersion"  # or with escapes, after each of which is a backslash


def unfit(request: web.BaseRequest, message: Message | None) -> Refusal | None:
    """Why a request with a body does not go on, None when it may. `message` is what was read in the body."""
    headers, said = request.headers, section(request.raw_headers)
    codings = headers.getall(hdrs.CONTENT_ENCODING) if b"content-encoding" in said.names else ()
    if message is None or len(codings) > 1 or not is_plain_json(headers.getall(hdrs.CONTENT_TYPE, [])):
        return Refusal(415, "policy cannot read this body: send JSON in UTF-8, plain or as gzip")
    if message.kind is not Kind.REQUEST:
        return None
    if _VERSION not in message.raw and b"\\" not in message.raw:
        return None  # a message of the era in which headers mirror nothing
    fault = disagreement(said.text, mirrored_part(message))
    return None if fault is None else Refusal(400, fault, HEADER_MISMATCH, message.id)
