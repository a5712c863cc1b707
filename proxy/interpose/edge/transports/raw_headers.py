"""Headers as they go over the wire: in their order, spelling and bytes."""

from collections.abc import Iterable

RawHeaders = Iterable[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)


def end_to_end(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """The headers that a proxy hands on: without those of the connection (RFC 9110 §7.6.1)."""
    headers = list(headers)
    if _HOP_BY_HOP.isdisjoint([name.lower() for name, _ in headers]):
        return headers
    named = {
        token.strip().lower() for name, value in headers if name.lower() == b"connection" for token in value.split(b",")
    }
    dropped = _HOP_BY_HOP | (named - {b"close", b"keep-alive"})
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def head_of(start_line: bytes, headers: RawHeaders) -> bytes:
    """A message's head as it goes over the wire."""
    return b"\r\n".join([start_line, *[name + b": " + value for name, value in headers], b"", b""])
