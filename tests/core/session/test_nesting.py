"""Inside which call a message happens, and how sure that is."""

import pytest
from tests.core.session.conversation import (
    SUBSCRIPTION,
    Talk,
    modern,
    notification,
    request,
    result,
    stateful,
    stateless,
)

from interpose.core.session.nesting import Nest
from interpose.core.session.sighting import Sighting

SAMPLING = request(1, "sampling/createMessage")


def where(seen: Sighting) -> Nest:
    return seen.parents, seen.confidence


def test_with_nothing_in_flight_there_is_no_parent() -> None:
    assert where(stateful().server(SAMPLING)) == ((), "none")


def test_the_only_call_in_flight_is_likely() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    assert where(talk.server(SAMPLING)) == ((4,), "likely")
    assert where(talk.client(result(1))) == ((4,), "likely")
    talk.server(result(1))
    assert where(talk.server(request(2, "roots/list"))) == ((), "none")


def test_of_several_calls_none_is_picked() -> None:
    talk = stateful()
    for ident in (1, 2):
        talk.client(request(ident, "tools/call", name="t"))
    assert where(talk.server(SAMPLING)) == ((4, 5), "candidates")
    assert where(talk.server(notification("notifications/message", data=1))) == ((4, 5), "candidates")


@pytest.mark.parametrize("method", ["ping", "subscriptions/listen"])
def test_some_requests_cause_nothing(method: str) -> None:
    talk = stateful()
    talk.client(request(1, method))
    assert where(talk.server(SAMPLING)) == ((), "none")


def test_what_a_client_starts_by_itself_has_no_parent() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    assert where(talk.client(request(2, "tools/call", name="u"))) == ((), "none")
    assert where(talk.client(notification("notifications/roots/list_changed"))) == ((), "none")


def test_the_stream_of_a_post_is_likely_in_the_stateful_era() -> None:
    talk = stateful(channel="x1")
    for n in (2, 3):
        talk.posts(f"x{n}", request(n, "tools/call", name="t"))
    assert where(talk.server(SAMPLING, "x2")) == ((5,), "likely")
    assert where(talk.server(notification("notifications/message"), "x3")) == ((7,), "likely")


def test_the_stream_of_a_post_is_certain_in_the_stateless_era() -> None:
    talk = Talk()
    for n in (1, 2):
        talk.posts(f"x{n}", modern(1, "tools/call", name="t"))
    assert where(talk.server(notification("notifications/message"), "x2")) == ((4,), "certain")


def test_a_batch_on_one_post_gives_candidates() -> None:
    talk = stateful("2025-03-26", channel="x1")
    talk.opens("x2")
    talk.batch("client", [request(1, "tools/list"), request(2, "tools/call", name="t")], "x2")
    assert where(talk.server(SAMPLING, "x2")) == ((5,), "candidates")


def test_a_get_stream_tells_no_more_than_stdio() -> None:
    talk = stateful(channel="x1")
    talk.posts("x2", request(1, "tools/call", name="t"))
    talk.opens("x3", "GET")
    assert where(talk.server(SAMPLING, "x3")) == ((5,), "likely")
    talk.posts("x4", request(2, "tools/call", name="u"))
    assert where(talk.server(request(2, "roots/list"), "x3")) == ((5, 9), "candidates")


def test_a_subscription_id_is_certain() -> None:
    talk = stateless()
    for ident in ("a", "b"):
        talk.client(modern(ident, "subscriptions/listen"))
    tag = {"_meta": {SUBSCRIPTION: "b"}}
    assert where(talk.server(notification("notifications/tools/list_changed", **tag))) == ((4,), "certain")


def test_an_exchange_that_was_not_seen_to_begin_is_one_all_the_same() -> None:
    talk = Talk()
    talk.client(modern(1, "tools/call", name="t"), "x1")
    talk.client(modern(1, "tools/call", name="t"), "x2")
    assert where(talk.server(notification("notifications/message"), "x1")) == ((1,), "certain")


def test_a_channel_that_is_no_exchange_keeps_few_candidates() -> None:
    talk = stateful(channel="socket")
    for ident in range(1, 600):
        talk.client(request(ident, "tools/call", name="t"), "socket")
    assert len(talk.server(SAMPLING, "socket").parents) == 257
