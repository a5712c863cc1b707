"""Calls answered by questions come back with the answers, under a new id (2026-07-28)."""

import pytest
from tests.core.session.conversation import FORM, SAMPLE, Talk, asking, modern, result, stateless

from interpose.core.session.call import Call
from interpose.core.session.reading import Params, Result, read
from interpose.core.session.rounds import Round, Rounds
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, Message


def link(seen: Sighting) -> tuple[int | None, int]:
    assert seen.call is not None
    return seen.call.previous, seen.call.round


def test_rounds_are_linked_by_the_request_state() -> None:
    talk = stateless()
    talk.client(modern(1, "tools/call", name="t"))
    talk.server(asking(1, "s1", a=FORM))
    second = talk.client(modern(2, "tools/call", name="t", requestState="s1", inputResponses={"a": {}}))
    assert link(second) == (3, 1)
    talk.server(asking(2, "s2", b=SAMPLE))
    third = talk.client(modern(3, "tools/call", name="t", requestState="s2", inputResponses={"b": {}}))
    assert link(third) == (5, 2)
    talk.server(result(3, resultType="complete"))
    assert talk.waits() == ()


def test_the_same_state_may_be_used_twice_from_any_exchange() -> None:
    talk = Talk()
    talk.posts("x1", modern(1, "tools/call", name="t"))
    talk.server(asking(1, "s", a=FORM), "x1")
    for channel in ("x2", "x3"):
        seen = talk.posts(channel, modern(1, "tools/call", name="t", requestState="s"))
        assert link(seen) == (2, 1)


def test_without_a_state_rounds_are_linked_by_method_and_parameters() -> None:
    talk = stateless()
    talk.client(modern(1, "tools/call", name="t", arguments={"x": 1, "y": 2}, _meta={"progressToken": 1}))
    talk.server(asking(1, None, a=FORM))
    other = talk.client(modern(2, "tools/call", name="t", arguments={"x": 9}, inputResponses={"a": {}}))
    assert (link(other), other.notes) == ((None, 0), ("unknown-state",))
    same = talk.client(modern(3, "tools/call", arguments={"y": 2, "x": 1}, name="t", inputResponses={"a": {}}))
    assert link(same) == (3, 1)


def test_of_two_equal_calls_the_one_whose_questions_are_answered_goes_on() -> None:
    talk = Talk()
    for n, key in ((1, "a"), (2, "b")):
        talk.posts(f"x{n}", modern(1, "tools/call", name="t"))
        talk.server(asking(1, None, **{key: FORM}), f"x{n}")
    assert len([wait for wait in talk.waits() if wait.via]) == 2
    assert link(talk.posts("x3", modern(1, "tools/call", name="t", inputResponses={"b": {}}))) == (5, 1)
    assert link(talk.posts("x4", modern(1, "tools/call", name="t", inputResponses={"z": {}}))) == (2, 1)


def test_a_retry_without_questions_is_a_round_too() -> None:
    talk = stateless()
    talk.client(modern(1, "prompts/get", name="p"))
    talk.server(asking(1, "busy"))
    assert talk.who() == [("CLIENT", "prompts/get p")]
    assert link(talk.client(modern(2, "prompts/get", name="p", requestState="busy"))) == (3, 1)


@pytest.mark.parametrize("more", [{"requestState": "x"}, {"inputResponses": {"a": {}}}])
def test_answers_to_no_known_round_are_noted(more: dict[str, object]) -> None:
    assert stateless().client(modern(1, "tools/call", name="t", **more)).notes == ("unknown-state",)


def test_only_methods_with_rounds_have_them() -> None:
    seen = stateless().client(modern(1, "tools/list", requestState="x"))
    assert (link(seen), seen.notes) == ((None, 0), ())


def test_params_of_any_depth_do_no_harm() -> None:
    for depth in range(700, 1000):
        nested = b"[" * depth + b"]" * depth
        round_ = Rounds()
        deep = Message(b"", Kind.REQUEST, "1", "tools/call", b'{"arguments":' + nested + b"}")
        parked = Round(Call(1, 0.0, "client", "x1", "1", "tools/call", "stateless"), 2, 1.0)
        round_.park(parked, deep, Result())
        assert round_.resume(deep, Params(answers={})) is parked
        assert read(b'{"taskId":7,"n":' + nested + b',"name":"t"}', Params).name in ("t", None)
