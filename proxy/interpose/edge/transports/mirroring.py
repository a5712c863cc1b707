"""The headers of a request whose body was edited, or that interpose makes itself: what they say is what the body says.

2026-07-28 §basic/transports: a header that mirrors the body and differs from it is refused by the server.
"""

from collections.abc import Iterator
from typing import Any

from interpose.core.events import Headers
from interpose.core.protocol.http import (
    METHOD_HEADER,
    NAME_HEADER,
    PARAM_PREFIX,
    VERSION_HEADER,
    ParamHeaders,
    Path,
    decode,
    mirrored_headers,
)
from interpose.core.wire.message import Message
from interpose.edge.transports.raw_headers import RawHeader, RawHeaders, end_to_end, section

Lines = list[RawHeader]

_MIRRORS = frozenset(name.lower().encode() for name in (VERSION_HEADER, METHOD_HEADER, NAME_HEADER))
_PARAM = PARAM_PREFIX.lower().encode()
_OF_BODY = frozenset((b"content-encoding", b"content-digest", b"repr-digest", b"digest", b"content-md5", b"etag"))
_OF_REQUEST = frozenset(
    (b"host", b"expect", b"accept", b"accept-encoding", b"content-type", b"content-length", b"last-event-id", b"range")
)


def of_another_body(headers: RawHeaders) -> Lines:
    """Headers without those that speak of the bytes of a body that is sent no more."""
    return [(name, value) for name, value in headers if name.lower() not in _OF_BODY]


def plainly(headers: RawHeaders) -> RawHeaders:
    """A request's headers that ask for an answer which can be read: one that is not coded."""
    if b"accept-encoding" not in section(headers).names:
        return headers
    return [(name, b"identity") if name.lower() == b"accept-encoding" else (name, value) for name, value in headers]


def remirrored(headers: RawHeaders, params: ParamHeaders, edited: Message) -> Lines:
    """The headers of a request that was edited. Only those that were there say anew what it says now.

    An argument whose header cannot be told for certain (`mirrored_params`) is mirrored no more: its old value could be
    what was taken out.
    """
    now = {name.lower().encode(): value for name, value in mirrored_headers(edited, params)}
    if not now:
        return of_another_body(headers)
    return [
        (name, now[name.lower()].encode() if _is_mirror(name) else value)
        for name, value in of_another_body(headers)
        if not _is_mirror(name) or name.lower() in now
    ]


def mirrored_params(headers: RawHeaders, message: Message) -> dict[str, Path]:
    """Which arguments of a call its headers mirror, found by their values: header suffix to property path."""
    found: dict[str, Path] = {}
    mirrors = [name for name in section(headers).mcp if name.startswith(_PARAM)]
    if not mirrors:
        return found
    params = message.section("params")
    leaves = list(_leaves(params.get("arguments") if isinstance(params, dict) else None))
    for name, value in headers:
        if name.lower() not in mirrors:
            continue
        said = decode(value.decode("utf-8", "replace"))
        paths = [path for path, leaf in leaves if leaf == said]
        if len(paths) == 1:
            found[name[len(_PARAM) :].decode("latin-1")] = paths[0]
    return found


def own_headers(headers: RawHeaders, mirrors: Headers = ()) -> Lines:
    """The headers of a POST of interpose's own: a client's credentials and session, and what this message needs."""
    dropped = _OF_REQUEST | _OF_BODY
    kept = [
        (name, value)
        for name, value in end_to_end(headers)
        if name.lower() not in dropped and not (_is_mirror(name) and (mirrors or name.lower() != _VERSION))
    ]
    fresh = (("Accept", "application/json, text/event-stream"), ("Content-Type", "application/json"), *mirrors)
    return kept + [(name.encode(), value.encode()) for name, value in fresh]


_VERSION = VERSION_HEADER.lower().encode()


def _is_mirror(name: bytes) -> bool:
    return name.lower() in _MIRRORS or name.lower().startswith(_PARAM)


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The scalars in an argument, as a header says them."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, (*path, name))
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        yield path, str(int(value))
    elif isinstance(value, str):
        yield path, value
