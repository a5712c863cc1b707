"""Which exchanges are MCP, and whose."""

from typing import Any

from tests.core.importing.captured import EVENTS, URL, entry, events, har, request, result

from interpose.core.importing.reading import read_capture
from interpose.core.importing.sorting import ImportedSession, sort

ID = "Mcp-Session-Id"


def sorted_out(*kept: dict[str, Any]) -> tuple[list[ImportedSession], int]:
    return sort(read_capture(har(*kept)))


def stateful(at: float, ident: str) -> list[dict[str, Any]]:
    own = [(ID, ident)]
    return [
        entry(at, request(1, "initialize"), result(1, protocolVersion="2025-11-25"), answer_headers=own),
        entry(at + 1, '{"jsonrpc":"2.0","method":"notifications/initialized"}', status=202, headers=own),
        entry(at + 2, request(2, "tools/list"), result(2, tools=[]), headers=own),
    ]


def sizes(sessions: list[ImportedSession]) -> list[int]:
    return [len(session.talks) for session in sessions]


def test_a_session_is_known_by_its_id_from_its_opening_on() -> None:
    sessions, skipped = sorted_out(*stateful(0, "a"), *stateful(0.5, "b"))
    assert (sizes(sessions), skipped) == ([3, 3], 0)
    assert [session.began for session in sessions] == sorted(session.began for session in sessions)


def test_pages_discovery_sign_in_and_preflights_are_no_mcp() -> None:
    version = [("MCP-Protocol-Version", "2025-11-25")]
    well_known = URL.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    others = [
        entry(0, None, "<html>", media_type="text/html", url="https://mcp.example/"),
        entry(0, None, '{"resource":"x"}', url=well_known, headers=version),
        entry(0, "grant_type=authorization_code&code=x", '{"access_token":"x"}', url="https://mcp.example/token"),
        entry(0, request(1, "eth_blockNumber"), result(1), url="https://chain.example/rpc"),
        entry(0, '{"method":"ping"}', "{}", url="https://mcp.example/other"),
        entry(0, None, method="OPTIONS", status=204),
    ]
    sessions, skipped = sorted_out(*others, *stateful(1, "a"))
    assert (sizes(sessions), skipped) == ([3], len(others))


def test_what_failed_at_an_address_of_mcp_is_mcp_too() -> None:
    gone = entry(4, None, "no such method", status=405, headers=[(ID, "a")], media_type="text/plain")
    sessions, skipped = sorted_out(*stateful(0, "a"), gone)
    assert (sizes(sessions), skipped) == ([4], 0)


def test_where_nothing_was_said_is_no_session() -> None:
    sessions, skipped = sorted_out(entry(0, None, status=405), *stateful(1, "a"))
    assert (sizes(sessions), skipped) == ([3], 1)


def test_a_method_unknown_to_the_protocol_is_mcp_where_a_header_says_so() -> None:
    own = entry(0, request(1, "acme/thing"), result(1), headers=[("mcp-protocol-version", "2025-11-25")])
    assert sizes(sorted_out(own)[0]) == [1]
    assert sizes(sorted_out(entry(0, request(1, "acme/thing"), result(1)))[0]) == []


def test_a_legacy_session_is_its_stream_and_the_posts_to_its_endpoint() -> None:
    sse = "https://mcp.example/sse"
    posted = "https://mcp.example/messages?session_id=k1"
    stream = "event: endpoint\ndata: /messages?session_id=k1\n\n" + events(result(1, protocolVersion="2024-11-05"))
    sessions, skipped = sorted_out(
        entry(0, None, stream, media_type=EVENTS, took=5, url=sse),
        entry(0.5, request(1, "initialize"), "Accepted", media_type="text/plain", status=202, url=posted),
        entry(0.7, request(1, "initialize"), "", status=202, url=posted.replace("k1", "k2")),
    )
    assert [(session.transport, len(session.talks)) for session in sessions] == [("sse", 2), ("http", 1)]
    assert (sessions[0].over, skipped) == ("the stream ended", 0)


def test_an_endpoint_in_another_origin_is_not_followed() -> None:
    stream = "event: endpoint\ndata: https://elsewhere.example/messages\n\n"
    sessions, skipped = sorted_out(
        entry(0, None, stream, media_type=EVENTS, url="https://mcp.example/sse"),
        entry(1, request(1, "initialize"), status=202, url="https://elsewhere.example/messages"),
    )
    assert (sizes(sessions), skipped) == ([1], 1)


def test_stateless_exchanges_are_kept_together_by_connection_then_by_client() -> None:
    version = ("MCP-Protocol-Version", "2026-07-28")

    def asks(at: float, client: str, connection: str | None, method: str = "tools/list") -> dict[str, Any]:
        more = {} if connection is None else {"connection": connection}
        return entry(at, request(1, method), result(1), headers=[version, ("User-Agent", client)], **more)

    sessions, _ = sorted_out(
        asks(0, "one", "c1", "server/discover"),
        asks(1, "two", "c2", "server/discover"),
        asks(2, "one", "c1"),
        asks(3, "two", "c3"),
        asks(4, "two", None),
    )
    assert sizes(sessions) == [2, 3]


def test_clients_with_different_credentials_are_different() -> None:
    def asks(at: float, token: str) -> dict[str, Any]:
        return entry(at, request(1, "tools/list"), result(1), headers=[("Authorization", f"Bearer {token}")])

    assert sizes(sorted_out(asks(0, "a"), asks(1, "b"), asks(2, "a"))[0]) == [2, 1]


def test_how_a_session_ended_is_known() -> None:
    ended, _ = sorted_out(*stateful(0, "a"), entry(5, None, method="DELETE", headers=[(ID, "a")]))
    lost, _ = sorted_out(*stateful(0, "a"), entry(5, request(3, "ping"), status=404, headers=[(ID, "a")]))
    assert ended[0].over == "client ended the session"
    assert lost[0].over == "the server no longer knows the session"


def test_an_opening_after_silence_belongs_to_what_was_silent() -> None:
    """A client that tried, was refused and then opens its session has one."""
    refused, opened = entry(0, "", status=400), entry(1, request(1, "initialize"), result(1))
    again = entry(2, request(1, "initialize"), result(1))
    assert sizes(sorted_out(refused, opened)[0]) == [2]
    assert sizes(sorted_out(refused, opened, again)[0]) == [2, 1]
