"""What a request head says about who must answer it: its session, its place, or nothing. Bytes in, bytes out.

A key stands for what only one worker knows: a session, the target that a legacy SSE server named, the server process
that all stateless clients share.
"""

from urllib.parse import urljoin, urlsplit

import msgspec

from interpose.core.protocol.http import METHOD_HEADER, VERSION_HEADER
from interpose.edge.front import FRONT_PATHS
from interpose.edge.roster import SESSION_HEADER

HEAD_LIMIT = 1 << 16
_SESSION = SESSION_HEADER.lower().encode()
_VERSION = VERSION_HEADER.lower().encode()
_METHOD = METHOD_HEADER.lower().encode()
_OPENINGS = (b"initialize", b"server/discover")
_SHARED = b"the shared server"


def session_key(ident: bytes) -> bytes:
    return b"session " + ident


def place_key(target: bytes) -> bytes:
    return b"at " + target


def path_of(target: bytes) -> bytes:
    """Without query, and without a slash at its end."""
    return target.partition(b"?")[0].removesuffix(b"/")


class Whose(msgspec.Struct, frozen=True):
    """How the exchanges of a door are told apart.

    At `paths` sessions are, known by their header; every other target is a key. `shares` says that one server process
    answers all who have no session.
    """

    paths: frozenset[bytes]
    shares: bool = False

    def key(self, target: bytes, session: bytes | None, *, versioned: bool) -> bytes | None:
        """The key of an exchange; None where every worker is as good. `versioned`: it names a protocol version."""
        if session is not None:
            return session_key(session)
        if self.shares and versioned:
            return _SHARED
        return None if self.has(target) else place_key(target)

    def has(self, target: bytes) -> bool:
        """Whether sessions are there. A slash at the end of the path makes no difference."""
        return path_of(target) in self.paths

    def and_at(self, path: bytes) -> "Whose":
        """Where sessions are at this path too."""
        return msgspec.structs.replace(self, paths=self.paths | {path_of(path)})

    def key_of(self, head: bytes) -> bytes | None:
        """The key of a request with this head."""
        lowered = head.lower()
        versioned = self.shares and value_in(head, lowered, _VERSION) is not None
        return self.key(target_of(head), value_in(head, lowered, _SESSION), versioned=versioned)

    def key_of_parsed(self, target: str, session: str | None, versioned: bool) -> bytes | None:
        """The key of a request that was parsed; what is no ASCII in it is as `aiohttp` decodes it."""
        ident = None if session is None else session.encode("utf-8", "surrogateescape")
        return self.key(target.encode("utf-8", "surrogateescape"), ident, versioned=versioned)


def of_relay(upstream: str) -> Whose:
    """For exchanges that go on to an upstream URL."""
    path = (urlsplit(upstream).path or "/").removesuffix("/")
    return Whose(frozenset(each.encode() for each in (*FRONT_PATHS, path)))


def of_host() -> Whose:
    """For exchanges that commands answer."""
    return Whose(frozenset(path.encode() for path in FRONT_PATHS), shares=True)


def head_end(data: bytes) -> int:
    """Where the head ends that these bytes begin with, its blank line included; 0 where more must come.

    What cannot become a head, or is too long for one, counts as whole: whoever answers it says so.
    """
    end = data.find(b"\r\n\r\n")
    if end >= 0:
        return end + 4
    end = data.find(b"\n\n")
    if end >= 0:
        return end + 2
    hopeless = len(data) > HEAD_LIMIT or not (0x20 < data[0] < 0x7F or data[0] in b"\r\n")
    return len(data) if hopeless else 0


def target_of(head: bytes) -> bytes:
    """The target of a request line; nothing where there is none."""
    parts = head[: head.find(b"\n")].split(b" ", 2)
    return parts[1].strip() if len(parts) > 1 else b""


def value_of(head: bytes, name: bytes) -> bytes | None:
    """The first header of this name, which is in lower case."""
    return value_in(head, head.lower(), name)


def value_in(head: bytes, lowered: bytes, name: bytes) -> bytes | None:
    """The same, where the head in lower case is there already."""
    start = lowered.find(b"\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 2
    return head[start : head.find(b"\n", start)].strip()


def opens(head: bytes) -> bool:
    """Whether this may begin a session: it names no version that an opening settled, or it is an opening by name."""
    lowered = head.lower()
    return value_in(head, lowered, _VERSION) is None or value_in(head, lowered, _METHOD) in _OPENINGS


def host_of(reference: bytes) -> bytes:
    """Where a reference leads to another host, or names its own: the host and its port."""
    try:
        return urlsplit(reference.strip()).netloc
    except ValueError:
        return b""


def resolved(target: bytes, reference: bytes) -> bytes:
    """The target that a reference in the reply to a request for `target` leads to."""
    try:
        parts = urlsplit(urljoin("http://client" + target.decode("latin-1"), reference.decode("latin-1").strip()))
    except ValueError:
        return b""
    return (parts.path + (f"?{parts.query}" if parts.query else "")).encode("latin-1")
