"""What the addon takes for MCP, by the head of a request, by its body, by the start of a reply."""

import json
import sys
from pathlib import Path

import pytest

from interpose.edge.intercepting import addon

BOTH = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
STREAM = {"accept": "text/event-stream"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "known", "expected"),
    [
        ("POST", "/x", BOTH | {"mcp-method": "tools/list"}, False, True),
        ("POST", "/x", BOTH | {"mcp-session-id": "s"}, False, True),
        ("POST", "/x", BOTH | {"mcp-protocol-version": "2025-11-25"}, False, True),
        ("POST", "/x", BOTH, False, None),
        ("POST", "/x", {}, True, True),
        ("POST", "/x", {"content-type": "application/json", "content-length": "20"}, False, None),
        ("POST", "/x", {"content-type": "Application/JSON; charset=utf-8", "content-length": "20"}, False, None),
        ("POST", "/x", {"content-type": "application/json", "content-length": str(1 << 30)}, False, False),
        ("POST", "/x", {"content-type": "application/json"}, False, False),
        ("POST", "/x", {"accept": "text/event-stream", "content-type": "text/plain"}, False, False),
        ("POST", "/token", {"content-type": "application/x-www-form-urlencoded"}, False, False),
        ("GET", "/x", STREAM | {"mcp-session-id": "s"}, False, True),
        ("GET", "/x", STREAM | {"mcp-protocol-version": "2025-11-25"}, False, True),
        ("GET", "/x", STREAM, True, True),
        ("GET", "/x", STREAM, False, False),
        ("GET", "/a/sse?x=1", STREAM, False, True),
        ("GET", "/a/sse/", STREAM, False, True),
        ("GET", "/x", {"accept": "text/html"}, True, False),
        ("GET", "/.well-known/oauth-authorization-server/mcp", {"mcp-protocol-version": "2025-11-25"}, True, False),
        ("GET", "/mcp/.well-known/openid-configuration", STREAM | {"mcp-session-id": "s"}, True, False),
        ("DELETE", "/x", {"mcp-session-id": "s"}, False, True),
        ("DELETE", "/x", {}, False, False),
        ("OPTIONS", "/x", BOTH, True, False),
        ("PUT", "/x", BOTH, True, False),
    ],
)
def test_a_head_is_mcp_is_not_or_leaves_it_open(
    method: str, path: str, headers: dict[str, str], known: bool, expected: bool | None
) -> None:
    assert addon.by_head(method, path, lambda name: headers.get(name, ""), known) is expected


@pytest.mark.parametrize(
    ("body", "promised", "expected"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"initialize"}', False, True),
        (b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]', False, True),
        (b'{"json\\u0072pc":"2.0","id":1,"method":"initiali\\u007ae"}', False, True),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_call"}', False, False),
        (b'{"jsonrpc":"2.0","id":1,"method":"tasks/get"}', False, False),
        (b'{"jsonrpc":"2.0","id":1,"method":"custom"}', True, True),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', True, True),
        (b'{"jsonrpc":"2.0","id":1,"method":"message/send"}', True, False),
        (b'{"model":"x"}', True, False),
        (b"7", True, False),
        (b"", True, True),
        (b"\x1f\x8b\x08 what cannot be read", True, True),
        (b"\x1f\x8b\x08 what cannot be read", False, False),
        (b"[" * 100_000, True, True),
    ],
)
def test_a_body_is_mcp_or_not(body: bytes, promised: bool, expected: bool) -> None:
    assert addon.by_body(body, promised) is expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"event: endpoint\ndata: /m?s=1\n\n", "/m?s=1"),
        (b"event: endpoint\r\ndata: /m\r\n\r\nevent: x", "/m"),
        (b": hello\n\nid: 1\ndata:/m\nevent:endpoint\n\n", "/m"),
        (b"event: endpoint\ndata: /m\n", None),
        (b": only a comment\n\n", None),
        (b"data: {}\n\nevent: endpoint\ndata: /m\n\n", ""),
        (b"x" * addon.MOST_OF_A_START, ""),
    ],
)
def test_the_first_event_names_the_endpoint(start: bytes, expected: str | None) -> None:
    assert addon.endpoint(start) == expected


def test_a_stream_that_may_not_pass_is_swallowed_from_the_event_on() -> None:
    watch = addon.Watch(None, False, lambda start: False if b"secret" in start else None)
    assert [watch(piece) for piece in (b"a", b"sec", b"ret", b"more", b"")] == [b"a", b"sec", [], [], []]


def test_the_addon_needs_nothing_but_python() -> None:
    """It runs in mitmproxy's environment, which has neither interpose nor its libraries."""
    imported = {line.split()[1].partition(".")[0] for line in _imports(Path(addon.__file__).read_text())}
    assert imported <= sys.stdlib_module_names


def _imports(source: str) -> list[str]:
    return [line for line in source.splitlines() if line.lstrip().startswith(("import ", "from "))]


def test_a_setting_that_is_heard_is_json() -> None:
    from interpose.edge.intercepting.mitmdump import Plan

    plan = Plan("m", "127.0.0.1", 0, "regular", "/c", "s3cret", 5, ("a.*",), "/b", None, True)
    assert json.loads(plan.settings()) == {
        "secret": "s3cret",
        "port": 5,
        "hosts": ["a.*"],
        "saves": False,
        "strict": True,
    }
    assert not any("s3cret" in word for word in plan.command())
