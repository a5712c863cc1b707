"""Exchanges, streams and ends that close; sessions that are lost."""

import pytest
from tests.core.session.conversation import JSON, SSE, Talk, modern, notification, request, result, stateful

SESSION = ("Mcp-Session-Id", "abc")


def calling(*headers: tuple[str, str]) -> Talk:
    """A stateful session over HTTP with a call open on x2; the call is message 5."""
    talk = stateful(channel="x1")
    talk.posts("x2", request(1, "tools/call", name="t"), *headers)
    return talk


def test_a_broken_stream_is_waited_for_until_it_is_resumed() -> None:
    talk = calling()
    talk.answers("x2")
    talk.streams("x2", b"id: 7\nretry: 1500\ndata:\n\n")
    talk.closes("server", "x2")
    (wait,) = talk.waits()
    assert (wait.who, wait.deadline, wait.then) == ("STREAM", talk.now + 1.5, "the client reconnects")
    talk.opens("x3", "GET", ("Last-Event-ID", "7"))
    assert talk.who() == [("SERVER", "tools/call t")]
    seen = talk.server(request(1, "roots/list"), "x3")
    assert (seen.parents, seen.confidence) == ((5,), "likely")
    assert talk.server(result(1), "x3").notes == ()
    talk.opens("x4", "GET", ("Last-Event-ID", "7"))
    talk.opens("x5", "GET", ("Last-Event-ID", "8"))


def test_a_resumed_stream_whose_call_was_answered_elsewhere_waits_for_nothing() -> None:
    talk = calling()
    talk.answers("x2")
    talk.streams("x2", b"id: 7\ndata:\n\n")
    talk.closes("server", "x2")
    talk.server(result(1), "x9")
    talk.opens("x3", "GET", ("last-event-id", "7"))
    assert talk.waits() == ()


def test_what_a_resumed_stream_brings_again_is_replayed() -> None:
    talk = calling()
    talk.server(request(1, "roots/list"), "x2")
    talk.opens("x3", "GET", ("Last-Event-ID", "7"))
    assert talk.server(request(1, "roots/list"), "x3").notes == ("replayed",)
    talk.posts("x4", result(1, roots=[]))
    assert talk.server(request(1, "roots/list"), "x3").notes == ("replayed",)
    assert talk.server(result(1), "x3").notes == ()
    assert talk.server(result(1), "x3").notes == ("replayed",)
    assert talk.server(result(99), "x3").notes == ("orphan",)


def test_without_a_retry_time_a_broken_stream_has_no_deadline() -> None:
    talk = calling()
    talk.answers("x2")
    talk.closes("server", "x2")
    assert [(wait.who, wait.deadline) for wait in talk.waits()] == [("STREAM", None)]


def test_a_json_answer_that_never_came_is_lost() -> None:
    talk = calling()
    talk.answers("x2", 200, JSON)
    talk.closes("server", "x2")
    assert talk.waits() == ()
    assert talk.server(result(1), "x2").notes == ("late",)


def test_a_request_repeated_with_new_credentials_was_sent_again() -> None:
    talk = calling()
    talk.answers("x2", 401, JSON)
    talk.closes("server", "x2")
    assert talk.posts("x3", request(1, "tools/call", name="t")).notes == ("resent",)


def test_a_request_repeated_while_its_stream_is_lost_was_sent_again() -> None:
    talk = calling()
    talk.closes("client", "x2", "disconnect")
    assert talk.posts("x3", request(1, "tools/call", name="t")).notes == ("resent",)


def test_an_accepted_request_is_answered_on_the_sessions_own_stream() -> None:
    talk = stateful("2024-11-05", channel="sse")
    talk.posts("x2", request(1, "tools/call", name="t"))
    talk.answers("x2", 202, ())
    talk.closes("server", "x2")
    assert talk.server(result(1), "sse").name == "t"


@pytest.mark.parametrize(("verb", "status"), [("POST", 404), ("DELETE", 200), ("DELETE", 204)])
def test_a_session_is_over_when_it_is_lost_or_deleted(verb: str, status: int) -> None:
    talk = calling()
    talk.opens("x3", verb, SESSION)
    talk.answers("x3", status)
    assert (talk.waits(), talk.session.opening.state) == ((), "none")
    assert talk.server(result(1), "x2").notes == ("late",)


@pytest.mark.parametrize(("verb", "status"), [("POST", 200), ("DELETE", 405), ("GET", 405)])
def test_other_statuses_end_no_session(verb: str, status: int) -> None:
    talk = calling()
    talk.opens("x3", verb, SESSION)
    talk.answers("x3", status)
    assert len(talk.waits()) == 1


def test_a_404_without_a_session_or_in_the_stateless_era_loses_none() -> None:
    talk = calling()
    talk.opens("x3", "POST")
    talk.answers("x3", 404)
    talk.posts("x4", modern(1, "x/unknown"), SESSION)
    talk.answers("x4", 404)
    talk.answers("x99", 404)
    assert [wait.what for wait in talk.waits()] == ["tools/call t", "x/unknown"]


def test_a_request_in_a_session_is_stateful_whatever_others_do() -> None:
    talk = Talk()
    talk.posts("x1", modern(1, "tools/list"))
    assert talk.posts("x2", request(1, "tools/list"), SESSION).era == "stateful"
    assert talk.posts("x3", request(1, "tools/list")).era == "stateless"


@pytest.mark.parametrize("end", ["client", "server"])
def test_when_an_end_leaves_everything_waits_for_nobody(end: str) -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(request(1, "elicitation/create", message="?"))
    assert end in ("client", "server")
    talk.closes("client" if end == "client" else "server")
    assert {(wait.who, wait.then) for wait in talk.waits()} == {("NOBODY", "abandoned")}
    assert len(talk.waits()) == 2
    assert talk.server(result(1)).notes == ()


def test_an_exit_leaves_nobody_and_other_facts_do_not() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.exits()
    talk.exits()
    assert talk.who() == [("NOBODY", "tools/call t")]


def test_a_new_initialize_begins_anew() -> None:
    talk = stateful()
    talk.closes("server")
    talk.client(request(9, "initialize", protocolVersion="2025-11-25"))
    assert talk.who() == [("SERVER", "initialize")]


def test_the_end_of_a_legacy_sse_stream_is_the_end_of_its_session() -> None:
    talk = Talk()
    talk.opens("x1", "GET")
    talk.answers("x1", 200, SSE)
    talk.streams("x1", b"event: endpoint\ndata: /messages?session_id=1\n\n")
    talk.posts("x2", request(1, "tools/call", name="t"))
    talk.answers("x2", 202, ())
    talk.closes("server", "x2")
    talk.closes("server", "x1")
    assert talk.who() == [("NOBODY", "tools/call t")]


def test_blocks_of_an_unknown_stream_are_nobodys() -> None:
    talk = Talk()
    talk.streams("x1", b"id: 1\ndata:\n\n")
    talk.streams("stdio", b": ping\n\n")
    assert talk.waits() == ()


def test_a_notification_over_http_carries_no_request() -> None:
    talk = calling()
    talk.posts("x3", notification("notifications/roots/list_changed"))
    talk.answers("x3", 202, ())
    talk.closes("server", "x3")
    assert talk.who() == [("SERVER", "tools/call t")]
