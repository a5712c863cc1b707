"""Which worker an exchange is for, by its head."""

import pytest

from interpose.edge.workers.naming import Naming
from interpose.edge.workers.whose import head_end, of_host, of_relay, opens, resolved

RELAY, HOST = of_relay("http://127.0.0.1:3001/api/"), of_host()


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join((line, "Host: 127.0.0.1", *headers, "", "")).encode()


@pytest.mark.parametrize(
    ("line", "headers", "key"),
    [
        ("POST /mcp HTTP/1.1", ("Mcp-Session-Id: abc",), b"session abc"),
        ("POST /mcp HTTP/1.1", ("mcp-session-ID:\t abc  ", "Mcp-Session-Id: def"), b"session abc"),
        ("GET /api HTTP/1.1", ("X: y",), None),
        ("GET /sse/?x=1 HTTP/1.1", (), None),
        ("POST /messages?session_id=7 HTTP/1.1", (), b"at /messages?session_id=7"),
        ("GET /.well-known/oauth HTTP/1.1", (), b"at /.well-known/oauth"),
        ("POST /mcp HTTP/1.1", ("MCP-Protocol-Version: 2026-07-28",), None),
        ("nonsense", (), b"at "),
    ],
)
def test_a_relay_tells_sessions_apart(line: str, headers: tuple[str, ...], key: bytes | None) -> None:
    assert RELAY.key_of(head(line, *headers)) == key


def test_all_stateless_exchanges_of_a_command_have_one_key() -> None:
    versioned = head("POST /mcp HTTP/1.1", "MCP-Protocol-Version: 2026-07-28")
    other = head("POST /%6dcp HTTP/1.1", "mcp-protocol-version: 2026-07-28")
    assert HOST.key_of(versioned) == HOST.key_of(other) is not None
    assert HOST.key_of(head("POST /mcp HTTP/1.1")) is None
    assert HOST.key_of(head("POST /mcp HTTP/1.1", "MCP-Protocol-Version: x", "Mcp-Session-Id: a")) == b"session a"


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"POST /mcp HTTP/1.1\r\nA: b\r\n\r\nbody\r\n\r\n", 28),
        (b"GET / HTTP/1.1\n\nrest", 16),
        (b"POST /mcp HTTP/1.1\r\nA: b\r\n\r", 0),
        (b"G", 0),
        (b"\x16\x03\x01", 3),
        (b"a" * 70_000, 70_000),
    ],
)
def test_a_head_ends_with_its_blank_line_or_where_none_can_come(data: bytes, end: int) -> None:
    assert head_end(data) == end


def test_an_opening_names_no_version_or_is_one_by_name() -> None:
    assert opens(head("POST /mcp HTTP/1.1"))
    assert opens(head("POST /mcp HTTP/1.1", "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: server/discover"))
    assert not opens(head("POST /mcp HTTP/1.1", "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call"))


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        (b"/messages?session_id=1", b"/messages?session_id=1"),
        (b"messages?s=1", b"/a/messages?s=1"),
        (b" http://127.0.0.1:9/m?s=1 ", b"/m?s=1"),
        (b"?s=1", b"/a/sse?s=1"),
        (b"http://[", b""),
    ],
)
def test_a_reference_leads_to_a_target(reference: bytes, target: bytes) -> None:
    assert resolved(b"/a/sse", reference) == target


JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
ENDPOINT = b"event: endpoint\ndata: /messages?s=1\n\n"


ASKED = b"GET /sse HTTP/1.1\r\nHost: here:1\r\n\r\n"


class Heard:
    """What replies named."""

    def __init__(self) -> None:
        self.all: list[bytes] = []

    def named(self, key: bytes) -> None:
        self.all.append(key)

    def sent_on(self, target: bytes, onward: bytes) -> None:
        self.all.append(target + b" to " + onward)


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        (JSON + b"Mcp-Session-Id: abc\r\n\r\n{}", [b"session abc"]),
        (JSON + b"\r\nMcp-Session-Id: abc\r\n\r\n", []),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + JSON + b"mcp-session-id: abc\r\n\r\n{}", [b"session abc"]),
        (EVENTS + b"\r\n26\r\n" + ENDPOINT, [b"at /messages?s=1"]),
        (EVENTS + b"\r\ndata: /m\r\nevent: endpoint\r\n\r\n", [b"at /m"]),
        (EVENTS + b"\r\ndata: endpoint\n\n", []),
        (JSON + b"\r\n" + ENDPOINT, []),
        (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /other\r\n\r\n", [b"/sse to /other"]),
        (b"HTTP/1.1 308 Permanent Redirect\r\nLocation: http://here:1/other?x\r\n\r\n", [b"/sse to /other?x"]),
        (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://there:1/other\r\n\r\n", []),
        (b"HTTP/1.1 303 See Other\r\nLocation: /other\r\n\r\n", []),
    ],
)
def test_what_a_reply_names_is_heard_however_it_is_cut(reply: bytes, named: list[bytes]) -> None:
    for size in (1, 7, len(reply)):
        heard = Heard()
        naming = Naming(ASKED, heard)
        for start in range(0, len(reply), size):
            if not naming.hear(reply[start : start + size]):
                break
        assert heard.all == named, size


def test_a_long_reply_is_not_kept() -> None:
    naming = Naming(ASKED, Heard())
    pieces = sum(naming.hear(EVENTS + b"\r\n" + b"data: x\n\n" * 100) for _ in range(100))
    assert pieces < 20
