"""Requests and their answers: ids, races, cancellation, progress, and what is forgotten."""

import pytest
from tests.core.session.conversation import Talk, error, modern, notification, request, result, stateful, stateless

from interpose.core.session.ring import Ring
from interpose.core.session.session import Session


@pytest.mark.parametrize("ident", [0, 1, "", "1", -7, 12345678901234567890123, None, 1.5, True])
def test_every_id_meets_its_answer(ident: object) -> None:
    talk = stateful()
    talk.client(request(ident, "tools/call", name="t"))
    seen = talk.server(result(ident, content=[]))
    assert (seen.method, seen.name, seen.elapsed) == ("tools/call", "t", 1.0)
    assert (seen.notes, talk.waits()) == ((), ())


def test_the_answer_brings_the_request_it_answers() -> None:
    talk = stateful()
    asked = talk.client(request(4, "tools/call", name="t"))
    seen = talk.server(result(4))
    assert (seen.call, seen.request) == (asked.call, asked.message)


def test_one_and_quoted_one_are_two_ids() -> None:
    talk = stateful()
    talk.client(request(1, "tools/list"))
    talk.client(request("1", "prompts/list"))
    assert talk.server(result("1")).method == "prompts/list"
    assert talk.server(result(1)).method == "tools/list"


def test_both_ends_may_use_one_id_at_once() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(request(1, "roots/list"))
    assert talk.client(result(1, roots=[])).method == "roots/list"
    assert talk.server(result(1)).method == "tools/call"


def test_two_modern_clients_may_use_one_id_at_once() -> None:
    talk = Talk()
    talk.posts("x1", modern(1, "tools/call", name="a"))
    talk.posts("x2", modern(1, "tools/call", name="b"))
    assert talk.server(result(1), "x2").name == "b"
    assert talk.server(result(1), "x1").name == "a"


def test_a_stateful_answer_may_come_on_another_channel() -> None:
    talk = stateful(channel="x1")
    talk.posts("x2", request(1, "tools/call", name="t"))
    talk.opens("x3", "GET")
    assert talk.server(result(1), "x3").name == "t"


def test_a_clients_answers_travel_in_posts_of_their_own() -> None:
    talk = stateful(channel="x1")
    talk.posts("x2", request(1, "tools/call", name="t"))
    asked = talk.server(request(1, "roots/list"), "x2")
    seen = talk.posts("x3", result(1, roots=[]))
    assert (seen.call, seen.parents) == (asked.call, (5,))


def test_an_answer_to_nothing_is_an_orphan() -> None:
    seen = stateful().server(result(99))
    assert (seen.call, seen.method, seen.elapsed, seen.notes) == (None, None, None, ("orphan",))


def test_a_second_answer_is_a_duplicate() -> None:
    talk = stateful()
    talk.client(request(1, "tools/list"))
    talk.server(result(1))
    seen = talk.server(result(1))
    assert (seen.method, seen.notes) == ("tools/list", ("duplicate-answer",))


def test_an_id_still_waiting_is_a_duplicate_and_the_newer_request_waits() -> None:
    talk = stateful()
    talk.client(request(1, "tools/list"))
    assert talk.client(request(1, "prompts/list")).notes == ("duplicate-id",)
    assert talk.server(result(1)).method == "prompts/list"
    assert talk.waits() == ()


def test_an_id_is_not_to_be_used_again_in_a_session_but_may_be_in_the_stateless_era() -> None:
    for talk, line, notes in ((stateful(), request, ("reused-id",)), (stateless(), modern, ())):
        for expected in ((), notes):
            assert talk.client(line(5, "tools/list")).notes == expected
            assert talk.server(result(5)).notes == ()


def test_an_error_without_id_answers_the_only_request_of_its_exchange() -> None:
    talk = Talk()
    talk.posts("x1", modern(1, "tools/list"))
    talk.answers("x1", 400)
    seen = talk.server(error(None, -32700), "x1")
    assert (seen.method, seen.notes, talk.waits()) == ("tools/list", ("null-id",), ())


def test_an_error_with_the_id_null_may_answer_a_request_with_the_id_null() -> None:
    talk = Talk()
    talk.posts("x1", modern(None, "tools/list"))
    assert talk.server(error(None, -32600), "x1").notes == ()


def test_an_error_without_id_on_stdio_answers_nothing() -> None:
    talk = stateful()
    talk.client(request(1, "tools/list"))
    assert talk.server(error(None, -32700)).notes == ("orphan",)
    assert talk.client(error(None, -32700)).notes == ("orphan",)


def test_the_answer_to_a_cancelled_request_is_late_and_no_orphan() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    cancel = talk.client(notification("notifications/cancelled", requestId=1, reason="timed out"))
    assert cancel.call is not None
    assert (cancel.call.name, cancel.call.cancelled_at, cancel.notes) == ("t", 5.0, ())
    assert talk.waits() == ()
    seen = talk.server(result(1))
    assert (seen.name, seen.notes) == ("t", ("late", "after-cancel"))
    assert talk.server(result(1)).notes == ("duplicate-answer",)


def test_a_cancellation_may_cross_the_answer() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(result(1))
    seen = talk.client(notification("notifications/cancelled", requestId=1))
    assert seen.call is not None
    assert (seen.call.name, seen.notes) == ("t", ("late",))


@pytest.mark.parametrize("params", [{"requestId": 9}, {}, {"requestId": "1"}])
def test_a_cancellation_of_nothing_is_noted(params: dict[str, object]) -> None:
    talk = stateful()
    talk.client(request(1, "tools/list"))
    assert talk.client(notification("notifications/cancelled", **params)).notes == ("unknown-request",)


def test_an_end_cancels_its_own_requests_only() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(request(1, "elicitation/create", message="?"))
    seen = talk.server(notification("notifications/cancelled", requestId=1))
    assert seen.call is not None
    assert seen.call.method == "elicitation/create"
    assert [ask.state for ask in seen.asks] == ["withdrawn"]
    assert (seen.parents, talk.who()) == ((4,), [("SERVER", "tools/call t")])


def test_initialize_and_task_requests_are_not_cancelled_this_way() -> None:
    talk = Talk()
    talk.client(request(1, "initialize", protocolVersion="2025-11-25"))
    assert talk.client(notification("notifications/cancelled", requestId=1)).notes == ("cancel-of-initialize",)
    talk = stateful()
    talk.client(request(1, "tools/call", name="t", task={"ttl": 5}))
    assert talk.client(notification("notifications/cancelled", requestId=1)).notes == ("cancel-of-task",)


def test_a_stateless_client_cancels_over_http_by_leaving() -> None:
    talk = Talk()
    talk.posts("x1", modern(1, "tools/call", name="t"))
    talk.answers("x1")
    talk.closes("client", "x1", "disconnect")
    assert talk.waits() == ()
    seen = talk.server(result(1), "x1")
    assert seen.notes == ("late", "after-cancel")
    assert seen.call is not None
    assert seen.call.cancelled_at == 4.0


def test_a_stateful_client_that_leaves_cancels_nothing() -> None:
    talk = stateful(channel="x1")
    talk.posts("x2", request(1, "tools/call", name="t"))
    talk.closes("client", "x2", "disconnect")
    assert talk.who() == [("STREAM", "tools/call t")]
    assert talk.server(result(1), "x2").notes == ()


def test_a_stateless_request_ends_with_its_exchange() -> None:
    talk = Talk()
    talk.posts("x1", modern(1, "tools/call", name="t"))
    talk.closes("server", "x1", "error")
    assert talk.waits() == ()
    assert talk.server(result(1), "x1").notes == ("late",)


def test_closing_an_answered_or_unknown_exchange_means_nothing() -> None:
    talk = Talk()
    talk.posts("x1", modern(1, "tools/list"))
    talk.server(result(1), "x1")
    for end in ("server", "client"):
        talk.closes(end, "x1")
    assert talk.server(result(1), "x1").notes == ("duplicate-answer",)


def test_progress_belongs_to_the_request_that_gave_the_token() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="a", _meta={"progressToken": "p"}))
    talk.client(request(2, "tools/call", name="b", _meta={"progressToken": 2}))
    seen = talk.server(notification("notifications/progress", progressToken="p", progress=3, total=10))
    assert (seen.call and seen.call.name, seen.parents, seen.confidence) == ("a", (4,), "certain")
    talk.server(notification("notifications/progress", progressToken=2, progress=0.5))
    talk.server(notification("notifications/progress", progressToken=2))
    assert [what for _, what in talk.who()] == ["tools/call a 3/10", "tools/call b"]


def test_progress_of_a_servers_request_is_told_by_the_client() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t", _meta={"progressToken": 1}))
    talk.server(request(1, "sampling/createMessage", _meta={"progressToken": 1}))
    seen = talk.client(notification("notifications/progress", progressToken=1, progress=1))
    assert (seen.call and seen.call.method, seen.parents) == ("sampling/createMessage", (4,))


def test_progress_of_a_modern_call_stays_on_its_exchange() -> None:
    talk = Talk()
    for channel in ("x1", "x2"):
        talk.posts(channel, modern(1, "tools/call", name=channel, _meta={"progressToken": 1}))
    seen = talk.server(notification("notifications/progress", progressToken=1, progress=1), "x2")
    assert (seen.name, seen.call and seen.call.name, seen.era) == (None, "x2", "stateless")


@pytest.mark.parametrize(
    ("token", "notes"),
    [(1, ("late",)), ("1", ("unknown-token",)), (None, ("unknown-token",)), ([], ("unknown-token",))],
)
def test_progress_for_an_ended_or_unknown_token_is_noted(token: object, notes: tuple[str, ...]) -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t", _meta={"progressToken": 1}))
    talk.server(result(1))
    assert talk.server(notification("notifications/progress", progressToken=token)).notes == notes


def test_progress_without_a_token_is_noted() -> None:
    assert stateful().server(notification("notifications/progress", progress=1)).notes == ("unknown-token",)


def test_a_token_given_twice_belongs_to_the_later_request() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="a", _meta={"progressToken": 1}))
    talk.client(request(2, "tools/call", name="b", _meta={"progressToken": 1}))
    talk.server(result(1))
    seen = talk.server(notification("notifications/progress", progressToken=1))
    assert seen.call is not None
    assert seen.call.name == "b"


def test_a_peer_that_never_answers_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interpose.core.session.state._MOST_PENDING", 10)
    talk = Talk()
    for ident in range(25):
        talk.client(request(ident, "ping"))
    assert len(talk.waits()) == 10
    assert talk.server(result(0)).notes == ("late",)


def test_a_session_lost_forgets_what_it_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interpose.core.session.state._MOST_PENDING", 0)
    talk = Talk()
    assert talk.client(request(1, "ping")).notes == ()
    assert talk.waits() == ()


def test_a_ring_forgets_its_oldest_entry() -> None:
    ring: Ring[int, str] = Ring(2)
    assert [ring.put(n, str(n)) for n in (1, 2, 1, 3)] == [None, None, None, (2, "2")]
    assert list(ring) == [1, 3]


def test_counts_are_kept_for_the_trailer() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(request(1, "roots/list"))
    talk.client(error(1, -32601))
    talk.server(result(1))
    talk.server(b"oops")
    counts = talk.session.counts
    assert (counts.messages, counts.requests, counts.notifications) == (8, 3, 1)
    assert (counts.results, counts.errors, counts.opaque, counts.asks) == (2, 1, 1, 1)


def test_a_fresh_session_waits_for_nothing() -> None:
    assert (Session().waits(0.0), Session().tasks, Session().opening.state) == ((), (), "none")
