"""The heads of a relay's replies: the server's own for a client, and those whose bodies policy had a say in.

Values in, values out; nothing here sends.
"""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from interpose.core.bridge.stateless import http_status, is_stateless
from interpose.core.events import Frame
from interpose.core.protocol.http import VERSION_HEADER
from interpose.core.wire.message import Kind
from interpose.edge.front import Front
from interpose.edge.transports.http_client_request import EVENTS, JSON, accepts, cors, names_no_request
from interpose.edge.transports.mirroring import Lines, of_another_body
from interpose.edge.transports.raw_headers import HOP_BY_HOP, RawHeader, RawHeaders, end_to_end, looked_at

KEEP_ALIVE = Frame(b": keep-alive\n\n", wire="block")
_LENGTH, _TYPE = b"content-length", b"content-type"
_NOT_AS_IT_CAME = HOP_BY_HOP | {b"location"}
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found"}


class Head(msgspec.Struct, frozen=True):
    """A reply's status, its words, and its headers."""

    status: int
    reason: str | None
    headers: Lines


def for_client(front: Front, request: web.BaseRequest, headers: RawHeaders) -> list[RawHeader]:
    """The upstream's headers for a client, a `Location` that would lead it past us made ours."""
    if _NOT_AS_IT_CAME.isdisjoint([header.name for header in looked_at(headers)]):
        return list(headers)
    kept = end_to_end(headers)
    if not any(name.lower() == b"location" for name, _ in kept):
        return kept
    ours = f"{request.scheme}://{request.headers.get('Host', '')}"
    return [
        (name, raw(front.location(value.decode("utf-8", "surrogateescape"), ours)))
        if name.lower() == b"location"
        else (name, value)
        for name, value in kept
    ]


def uncoded(head: Head) -> Head:
    """The head of a body that is sent piece by piece and as plain text, however it came."""
    return msgspec.structs.replace(head, headers=_without(of_another_body(head.headers), _LENGTH))


def as_events(head: Head) -> Head:
    """The head of an event stream; for a reply that was to be none, a new one."""
    types = [value for name, value in head.headers if name.lower() == _TYPE]
    if types and types[0].lower().startswith(EVENTS.encode()):
        return head
    headers = [*_without(head.headers, _TYPE), (b"Content-Type", EVENTS.encode()), (b"X-Accel-Buffering", b"no")]
    return Head(200, "OK", headers)


def as_json(head: Head, size: int, said: Sequence[Frame]) -> Head:
    """The head of a body that was not the server's. A result where the server refused is no failure any more."""
    headers = [*_without(of_another_body(head.headers), _LENGTH, _TYPE), *_body(size)]
    answered = all(frame.message is not None and frame.message.kind is Kind.RESULT for frame in said)
    return Head(200, "OK", headers) if answered else msgspec.structs.replace(head, headers=headers)


def as_unread(head: Head) -> Head:
    """The head of a body that does not go on."""
    headers = _without(of_another_body(head.headers), _LENGTH, _TYPE)
    return msgspec.structs.replace(head, headers=[*headers, (b"Content-Length", b"0")])


def own_head(request: web.BaseRequest, said: Sequence[Frame]) -> Head:
    """The head of a reply that interpose gives in the server's place. Status: PROTOCOL 4.0."""
    allowed = [(name.encode(), value.encode()) for name, value in cors(request).items()]
    if not said:
        return Head(202, "Accepted", [*allowed, (b"Content-Length", b"0")])
    if not accepts(request, JSON):
        return Head(200, "OK", [*allowed, (b"Content-Type", EVENTS.encode()), (b"Cache-Control", b"no-cache")])
    message = said[0].message
    stateless = message is not None and is_stateless(request.headers.get(VERSION_HEADER), message)
    status = http_status(None, message) if message is not None and stateless else 200
    if message is not None and len(said) == 1 and names_no_request(message):
        status = 400
    return Head(status, _PHRASES.get(status), [*allowed, *_body(len(joined(said)))])


def joined(said: Sequence[Frame]) -> bytes:
    """The body that says some messages: one as it is, several as a batch (2025-03-26 §basic)."""
    texts = [frame.message.raw for frame in said if frame.message is not None]
    return texts[0] if len(texts) == 1 else b"[" + b",".join(texts) + b"]"


def _body(size: int) -> Lines:
    return [(b"Content-Type", JSON.encode()), (b"Content-Length", b"%d" % size)]


def _without(headers: Lines, *names: bytes) -> Lines:
    return [(name, value) for name, value in headers if name.lower() not in names]


def raw(value: str) -> bytes:
    """Text that came off the wire, as the bytes that it was."""
    return value.encode("utf-8", "surrogateescape")
