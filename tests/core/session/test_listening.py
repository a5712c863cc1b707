"""Subscriptions of a session, and listen streams of the stateless era."""

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

TAG = {"_meta": {SUBSCRIPTION: "l"}}
ACK = notification("notifications/subscriptions/acknowledged", notifications={"toolsListChanged": True}, **TAG)


def test_a_session_subscribes_to_resources_and_unsubscribes() -> None:
    talk = stateful()
    talk.client(request(1, "resources/subscribe", uri="file:///a"))
    assert not talk.session.subscribed
    talk.server(result(1))
    assert list(talk.session.subscribed) == ["file:///a"]
    assert talk.server(notification("notifications/resources/updated", uri="file:///a")).name == "file:///a"
    for ident in (2, 3):
        talk.client(request(ident, "resources/unsubscribe", uri="file:///a"))
        talk.server(result(ident))
    assert talk.session.subscribed == ()
    talk.client(request(4, "resources/subscribe"))
    talk.server(result(4))
    assert talk.session.subscribed == ()


def test_an_acknowledged_stream_waits_for_nothing() -> None:
    talk = stateless()
    listen = talk.client(modern("l", "subscriptions/listen"))
    assert talk.who() == [("SERVER", "subscriptions/listen")]
    seen = talk.server(ACK)
    assert (seen.call, seen.notes, talk.waits()) == (listen.call, (), ())
    assert talk.server(notification("notifications/tools/list_changed", **TAG)).call == listen.call


def test_a_stream_ends_by_its_result() -> None:
    talk = stateless(server={"tools": {"listChanged": True}})
    talk.client(modern("l", "subscriptions/listen"))
    talk.server(ACK)
    assert talk.server(result("l", resultType="complete", **TAG)).method == "subscriptions/listen"
    assert talk.server(notification("notifications/tools/list_changed", **TAG)).notes == ("unknown-subscription",)
    assert talk.waits() == ()


def test_a_server_on_stdio_may_end_a_stream_by_cancelling_it() -> None:
    talk = stateless()
    listen = talk.client(modern("l", "subscriptions/listen"))
    seen = talk.server(notification("notifications/cancelled", requestId="l"))
    assert (seen.call and seen.call.seq, seen.notes) == (listen.seq, ())
    assert talk.waits() == ()
    assert talk.server(notification("notifications/cancelled", requestId="l")).notes == ("unknown-request",)


def test_a_stream_that_breaks_is_waited_for_until_the_client_listens_again() -> None:
    talk = Talk()
    talk.posts("x1", modern("l", "subscriptions/listen"))
    talk.answers("x1")
    talk.server(ACK, "x1")
    talk.closes("server", "x1")
    assert [(wait.who, wait.what, wait.then) for wait in talk.waits()] == [
        ("STREAM", "subscriptions/listen", "the client reconnects")
    ]
    talk.posts("x2", modern("l", "subscriptions/listen"))
    talk.server(ACK, "x2")
    assert talk.waits() == ()


def test_a_client_that_leaves_a_stream_wants_no_more_of_it() -> None:
    talk = Talk()
    talk.posts("x1", modern("l", "subscriptions/listen"))
    talk.server(ACK, "x1")
    talk.closes("client", "x1")
    assert talk.waits() == ()


def test_an_acknowledgement_of_no_stream_is_noted() -> None:
    talk = stateless()
    assert talk.server(ACK).notes == ("unknown-subscription",)
    bare = notification("notifications/subscriptions/acknowledged")
    assert talk.server(bare).notes == ("unknown-subscription",)


def test_the_same_subscription_id_lives_on_every_exchange() -> None:
    talk = Talk()
    for n in (1, 2):
        talk.posts(f"x{n}", modern(1, "subscriptions/listen"))
    tag = {"_meta": {SUBSCRIPTION: 1}}
    seen = talk.server(notification("notifications/tools/list_changed", **tag), "x2")
    assert seen.call is not None
    assert seen.call.channel == "x2"
