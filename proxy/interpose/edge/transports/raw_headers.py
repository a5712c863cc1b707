"""Headers as they go over the wire: in their order, spelling and bytes.

Clients and servers say the same headers again and again. What was made of one, and of all that came together, is kept
for as many as are usual; some are credentials, so it is kept in memory alone, like the requests themselves.
"""

from collections.abc import Iterable

import msgspec

from interpose.core.wire.kept import Kept, Remembered

RawHeader = tuple[bytes, bytes]
RawHeaders = Iterable[RawHeader]

MANY = 1 << 11
LONG = 1 << 9  # bytes: what is longer is hardly said twice
_ALL = 1 << 12  # the same of all headers of a message
HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)


class Header(msgspec.Struct, frozen=True, gc=False):
    """One header: its name in lower case, what it says as text, and its line."""

    name: bytes
    text: tuple[str, str]
    line: bytes


class Section(msgspec.Struct, frozen=True, gc=False):
    """The headers of one message: as text in their order and spelling; their names in lower case, MCP's own as well."""

    text: tuple[tuple[str, str], ...]
    names: frozenset[bytes]
    mcp: tuple[bytes, ...]


def _header(raw: RawHeader) -> Header:
    name, value = raw
    return Header(name.lower(), (_text(name), _text(value)), b"%b: %b\r\n" % raw)


_header_of = Kept(_header, most=MANY, longest=LONG).__getitem__


def looked_at(headers: RawHeaders) -> list[Header]:
    """Each header with what was made of it."""
    return list(map(_header_of, headers))


_sections: Remembered[tuple[RawHeader, ...], Section] = Remembered(MANY)


def section(headers: RawHeaders) -> Section:
    """All of them with what was made of them. What is no UTF-8 is read as Latin-1."""
    headers = tuple(headers)
    found = _sections.get(headers)
    if found is None:
        looked = looked_at(headers)
        names = frozenset([header.name for header in looked])
        mcp = tuple([name for name in names if name.startswith(b"mcp-")])
        found = Section(tuple([header.text for header in looked]), names, mcp)
        if sum([len(name) + len(value) for name, value in headers]) <= _ALL:
            _sections.remember(headers, found)
    return found


def text(headers: RawHeaders) -> tuple[tuple[str, str], ...]:
    """Raw headers as text."""
    return section(headers).text


def end_to_end(headers: RawHeaders) -> list[RawHeader]:
    """The headers that a proxy hands on: without those of the connection (RFC 9110 §7.6.1)."""
    headers = list(headers)
    names = [header.name for header in map(_header_of, headers)]
    if HOP_BY_HOP.isdisjoint(names):
        return headers
    named = {
        token.strip().lower()
        for (_, value), name in zip(headers, names, strict=True)
        if name == b"connection"
        for token in value.split(b",")
    }
    dropped = HOP_BY_HOP | (named - {b"close", b"keep-alive"})
    return [header for header, name in zip(headers, names, strict=True) if name not in dropped]


def head_of(start_line: bytes, headers: RawHeaders) -> bytes:
    """A message's head as it goes over the wire."""
    return b"".join([start_line, b"\r\n", *[header.line for header in map(_header_of, headers)], b"\r\n"])


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
