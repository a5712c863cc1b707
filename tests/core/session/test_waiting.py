"""Who is waited for, since when, what that holds up, and what then."""

import pytest
from tests.core.session.conversation import (
    FORM,
    ROOTS,
    SAMPLE,
    Talk,
    asking,
    modern,
    request,
    result,
    stateful,
    stateless,
)

from interpose.core.session.waiting import PARKED, Wait


@pytest.mark.parametrize(
    ("method", "who", "what"),
    [
        ("elicitation/create", "USER", "elicitation/create form"),
        ("sampling/createMessage", "MODEL", "sampling/createMessage"),
        ("roots/list", "CLIENT", "roots/list"),
    ],
)
def test_a_call_and_the_question_it_waits_for_are_one_tree(method: str, who: str, what: str) -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(request(1, method))
    call, ask = talk.waits()
    assert (call.who, call.what, call.seq, call.since, call.via) == (who, "tools/call t", 4, 4.0, (5,))
    assert (ask.who, ask.what, ask.seq, ask.since, ask.blocks) == (who, what, 5, 5.0, (4,))


def test_a_ping_waits_for_the_end_that_is_asked() -> None:
    talk = stateful()
    talk.client(request(1, "ping"))
    talk.server(request(1, "ping"))
    assert talk.who() == [("SERVER", "ping"), ("CLIENT", "ping")]


def test_with_several_candidates_no_call_is_said_to_wait_for_the_user() -> None:
    talk = stateful()
    for ident in (1, 2):
        talk.client(request(ident, "tools/call", name="t"))
    talk.server(request(1, "elicitation/create"))
    assert [(wait.who, wait.blocks) for wait in talk.waits()] == [("SERVER", ()), ("SERVER", ()), ("USER", (4, 5))]


@pytest.mark.parametrize(
    ("inputs", "who"),
    [
        ({"a": FORM, "b": SAMPLE}, ["USER", "USER", "MODEL"]),
        ({"a": ROOTS}, ["CLIENT", "CLIENT"]),
        ({}, ["CLIENT"]),
    ],
)
def test_a_parked_call_shows_whom_it_waits_for_and_promises_nothing(inputs: dict[str, object], who: list[str]) -> None:
    talk = stateless()
    talk.client(modern(1, "tools/call", name="t"))
    talk.server(asking(1, "s", **inputs))
    call, *asks = talk.waits()
    assert call == Wait(call.who, 4.0, "tools/call t", 3, (), (4,), None, PARKED)
    assert [call.who, *(ask.who for ask in asks)] == who
    assert all(ask.blocks == (3,) and ask.then == PARKED for ask in asks)
    talk.client(modern(2, "tools/call", name="t", requestState="s"))
    assert talk.who() == [("SERVER", "tools/call t")]


def test_waits_come_in_the_order_they_began() -> None:
    talk = Talk()
    talk.client(modern(1, "tools/call", name="a"))
    talk.client(modern(2, "tools/call", name="b"))
    talk.server(asking(1, "s", a=FORM))
    assert [wait.since for wait in talk.waits()] == [2.0, 3.0, 3.0]


def test_an_answered_call_waits_no_more() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(result(1))
    assert talk.waits() == ()
