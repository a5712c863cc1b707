"""One question is one value in every era, and so is how it was answered."""

from typing import Any

import pytest
from tests.core.session.conversation import (
    FORM,
    ROOTS,
    SAMPLE,
    Talk,
    asking,
    error,
    modern,
    notification,
    request,
    result,
    stateful,
    stateless,
)

from interpose.core.session.asks import Ask

URL = {"mode": "url", "message": "Sign in", "url": "https://login.example.net/?e=9", "elicitationId": "e-9"}
EVERY: dict[str, Any] = {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {}}


def legacy(method: str, params: dict[str, object]) -> Ask:
    talk = stateful()
    talk.client(request(7, "tools/call", name="t"))
    (ask,) = talk.server(request(1, method, **params)).asks
    return ask


def embedded(method: str, params: dict[str, object]) -> Ask:
    talk = stateless()
    talk.client(modern(7, "tools/call", EVERY, name="t"))
    (ask,) = talk.server(asking(7, "s", k={"method": method, "params": params})).asks
    return ask


@pytest.mark.parametrize("lift", [legacy, embedded])
@pytest.mark.parametrize(
    ("method", "params", "kind", "mode"),
    [
        ("sampling/createMessage", {"maxTokens": 9, "mode": "url"}, "sampling", None),
        ("elicitation/create", {"message": "Which?"}, "elicitation", "form"),
        ("elicitation/create", {"message": "Which?", "mode": "form"}, "elicitation", "form"),
        ("elicitation/create", URL, "elicitation", "url"),
        ("roots/list", {}, "roots", None),
    ],
)
def test_an_ask_says_the_same_in_both_eras(lift, method, params, kind, mode) -> None:  # type: ignore[no-untyped-def]
    ask = lift(method, params)
    assert (ask.method, ask.kind, ask.mode, ask.state) == (method, kind, mode, "open")
    if kind == "elicitation":
        assert (ask.message, ask.url) == (params["message"], params.get("url"))
    assert len(ask.parents) == 1
    assert ask.params != b""


def test_an_ask_in_a_request_is_known_by_the_requests_id() -> None:
    ask = legacy("roots/list", {})
    assert (ask.key, ask.carrier, ask.seq, ask.parents) == ("1", "request", 5, (4,))


def test_an_ask_in_a_result_is_known_by_its_key() -> None:
    ask = embedded("roots/list", {})
    assert (ask.key, ask.carrier, ask.seq, ask.parents) == ("k", "input_request", 4, (3,))


@pytest.mark.parametrize(
    ("method", "answer", "state"),
    [
        ("elicitation/create", {"action": "accept", "content": {}}, "accepted"),
        ("elicitation/create", {"action": "decline"}, "declined"),
        ("elicitation/create", {"action": "cancel"}, "dismissed"),
        ("elicitation/create", {"action": 7}, "answered"),
        ("sampling/createMessage", {"role": "assistant", "action": "decline"}, "answered"),
        ("roots/list", {"roots": []}, "answered"),
    ],
)
def test_an_answer_settles_the_ask_in_both_eras(method: str, answer: dict[str, object], state: str) -> None:
    talk = stateful()
    talk.client(request(7, "tools/call", name="t"))
    talk.server(request(1, method))
    assert [ask.state for ask in talk.client(result(1, **answer)).asks] == [state]
    talk = stateless()
    talk.client(modern(7, "tools/call", EVERY, name="t"))
    talk.server(asking(7, "s", k={"method": method, "params": {}}))
    seen = talk.client(modern(8, "tools/call", EVERY, name="t", requestState="s", inputResponses={"k": answer}))
    assert [(ask.key, ask.state) for ask in seen.asks] == [("k", state)]


def test_an_error_refuses_an_ask() -> None:
    talk = stateful()
    talk.server(request(1, "sampling/createMessage"))
    assert [ask.state for ask in talk.client(error(1, -1)).asks] == ["refused"]


def test_an_answer_left_out_of_a_retry_leaves_the_ask_unanswered() -> None:
    talk = stateless()
    talk.client(modern(1, "tools/call", EVERY, name="t"))
    talk.server(asking(1, "s", a=FORM, b=SAMPLE))
    seen = talk.client(modern(2, "tools/call", name="t", requestState="s", inputResponses={"b": {}}))
    assert {ask.key: ask.state for ask in seen.asks} == {"a": "unanswered", "b": "answered"}


def test_unknown_or_broken_input_requests_are_no_asks() -> None:
    talk = stateless()
    talk.client(modern(1, "tools/call", EVERY, name="t"))
    odd = {"a": {"method": "x/y"}, "b": 7, "c": {"method": 7}, "d": ROOTS}
    seen = talk.server(asking(1, None, **odd))
    assert [ask.key for ask in seen.asks] == ["d"]


def test_other_server_requests_ask_the_user_nothing() -> None:
    talk = stateful()
    assert talk.server(request(1, "ping")).asks == ()
    assert talk.client(request(1, "roots/list")).asks == ()


def test_a_sign_in_goes_on_after_its_acceptance_until_it_is_told_complete() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(request(1, "elicitation/create", **URL))
    assert talk.who() == [("USER", "tools/call t"), ("USER", "elicitation/create url")]
    talk.client(result(1, action="accept"))
    assert talk.who() == [("USER", "tools/call t"), ("USER", "elicitation/create url")]
    seen = talk.server(notification("notifications/elicitation/complete", elicitationId="e-9"))
    assert [(ask.state, ask.url) for ask in seen.asks] == [("done", URL["url"])]
    assert (seen.name, seen.parents) == ("e-9", (4,))
    assert talk.who() == [("SERVER", "tools/call t")]
    again = talk.server(notification("notifications/elicitation/complete", elicitationId="e-9"))
    assert again.notes == ("unknown-ask",)


def test_a_declined_sign_in_is_over() -> None:
    talk = stateful()
    talk.server(request(1, "elicitation/create", **URL))
    talk.client(result(1, action="decline"))
    assert talk.waits() == ()


def test_a_sign_in_nothing_waits_for_is_not_shown() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(request(1, "elicitation/create", **URL))
    talk.client(result(1, action="accept"))
    talk.server(result(1))
    assert talk.waits() == ()


def test_an_error_may_demand_sign_ins_before_a_retry() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    seen = talk.server(error(1, -32042, {"elicitations": [URL, {"mode": "url", "url": "https://b"}, 7]}))
    assert [(ask.key, ask.carrier, ask.mode, ask.parents) for ask in seen.asks] == [
        ("e-9", "error", "url", (4,)),
        ("1", "error", "url", (4,)),
        ("2", "error", "form", (4,)),
    ]
    assert talk.who() == [("USER", "elicitation/create url")]
    talk.server(notification("notifications/elicitation/complete", elicitationId="e-9"))
    assert talk.waits() == ()


@pytest.mark.parametrize("data", [None, 7, {}, {"elicitations": 7}])
def test_a_demand_of_another_shape_asks_nothing(data: object) -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    assert talk.server(error(1, -32042, data)).asks == ()


def test_a_method_in_escapes_is_the_same_ask() -> None:
    talk = stateless()
    talk.client(modern(1, "tools/call", EVERY, name="t"))
    raw = (
        rb'{"jsonrpc":"2.0","id":1,"result":{"result\u0054ype":"\u0069nput_required","requestState":"s",'
        rb'"\u0069nputRequests":{"k":{"method":"sampl\u0069ng/createMessage","params":{}}}}}'
    )
    assert [ask.kind for ask in talk.say("server", raw).asks] == ["sampling"]


def test_an_ask_is_counted_once() -> None:
    talk = Talk()
    talk.client(modern(1, "tools/call", EVERY, name="t"))
    talk.server(asking(1, "s", a=FORM, b=SAMPLE))
    talk.client(modern(2, "tools/call", name="t", requestState="s", inputResponses={"a": {}, "b": {}}))
    assert talk.session.counts.asks == 2
