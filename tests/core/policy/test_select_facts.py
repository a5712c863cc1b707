"""What rules count and remember: asks of a call and a session, what was declined, what was declared, tasks."""

from typing import Any

import pytest
from tests.core.policy.watched import (
    EVERY,
    URL_ASK,
    Watched,
    in_request,
    in_task,
    matches,
    selector,
)
from tests.core.session.conversation import (
    FORM,
    ROOTS,
    SAMPLE,
    Talk,
    asking,
    error,
    modern,
    request,
    result,
    stateful,
    stateless,
)

from interpose.core.policy.facts import Facts


def test_asks_are_counted_by_call_over_all_its_rounds() -> None:
    watched = Watched(stateless()).client(modern(1, "tools/call", EVERY, name="deploy"))
    third = {"ask": "sampling", "nth_of_call": 3}
    found = []
    for number in range(1, 5):
        found.append(watched.server(asking(number, f"s{number}", key=SAMPLE)).matches(**third))
        answer = {"key": {"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"}}
        state = f"s{number}"
        watched.client(
            modern(number + 1, "tools/call", EVERY, name="deploy", inputResponses=answer, requestState=state)
        )
    assert found == [False, False, True, True]
    watched.client(modern(20, "tools/call", EVERY, name="other")).server(asking(20, "z", key=SAMPLE))
    assert watched.matches(**third) is False
    assert watched.matches(ask="sampling", nth_of_session=5) is True
    assert watched.matches(ask="sampling", nth_of_session=6) is False


def test_asks_of_a_session_are_counted_by_call_and_kind() -> None:
    watched = Watched(stateful()).client(request(1, "tools/call", name="deploy"))
    for ident in (5, 6):
        watched.server(request(ident, "sampling/createMessage", maxTokens=1))
    assert watched.matches(ask="sampling", nth_of_call=2) is True
    watched.server(request(7, "roots/list"))
    assert watched.matches(ask="roots", nth_of_call=2) is False


def test_a_task_that_repeats_its_ask_asks_once() -> None:
    watched = in_task(SAMPLE)
    watched.client(modern(3, "tasks/get", EVERY, taskId="t-1"))
    watched.server(
        result(3, resultType="complete", taskId="t-1", status="input_required", inputRequests={"key": SAMPLE})
    )
    assert watched.matches(ask="sampling", nth_of_session=1) is True
    assert watched.matches(ask="sampling", nth_of_session=2) is False


def test_an_ask_during_no_call_is_counted_and_belongs_to_no_tool() -> None:
    watched = Watched(stateful()).server(request(5, "sampling/createMessage"))
    assert watched.matches(ask="sampling", nth_of_call=1) is True
    assert watched.matches(ask="sampling", tool="*") is False
    watched.server(request(6, "sampling/createMessage"))
    assert watched.matches(ask="sampling", nth_of_call=2) is True


def test_an_ask_of_several_possible_calls_is_of_each_where_that_denies() -> None:
    watched = Watched(stateful()).client(request(1, "tools/call", name="deploy"))
    watched.client(request(2, "tools/call", name="read")).server(request(5, "roots/list"))
    assert watched.matches(ask="roots", tool="deploy") is True
    assert watched.matches(ask="roots", tool="deploy", do="allow") is False
    assert watched.matches(ask="roots", tool=["deploy", "read"], do="allow") is True


def test_an_ask_of_a_forgotten_call_is_doubtful() -> None:
    sighting = in_request(SAMPLE).seen
    assert matches(selector(ask="sampling", tool="deploy"), Facts(), sighting) == "doubt"
    assert matches(selector(ask="sampling", server="*"), Facts(), sighting) is False


@pytest.mark.parametrize("answer", [result(9, action="decline"), result(9, action="cancel"), error(9, -1)])
def test_a_question_that_was_declined_is_asked_again_in_other_spacing_too(answer: Any) -> None:
    watched = in_request(FORM)
    assert watched.matches(ask="elicitation", asked_again=True) is False
    watched.client(answer)
    watched.server(request(10, "elicitation/create", message=" which? ", requestedSchema={}))
    assert watched.matches(ask="elicitation", asked_again=True) is True
    watched.server(request(11, "elicitation/create", message="Who?", requestedSchema={}))
    assert watched.matches(ask="elicitation", asked_again=True) is False


def test_a_question_that_was_answered_may_come_again() -> None:
    watched = in_request(FORM).client(result(9, action="accept", content={}))
    watched.server(request(10, "elicitation/create", message="Which?", requestedSchema={}))
    assert watched.matches(ask="elicitation", asked_again=True) is False
    watched.facts.declined(watched.seen.asks[0])
    watched.server(request(11, "elicitation/create", message="Which?", requestedSchema={}))
    assert watched.matches(ask="elicitation", asked_again=True) is True


@pytest.mark.parametrize(
    ("declared", "ask", "expected"),
    [
        ({}, SAMPLE, False),
        ({"sampling": {}}, SAMPLE, True),
        ({"elicitation": {}}, FORM, True),
        ({"elicitation": {}}, URL_ASK, False),
        ({"elicitation": {"url": {}}}, FORM, False),
        ({"elicitation": {"url": {}}}, URL_ASK, True),
        ({"roots": {}}, ROOTS, True),
    ],
)
def test_a_capability_is_declared_or_not(declared: Any, ask: dict[str, Any], expected: bool) -> None:
    kind = {"sampling/createMessage": "sampling", "roots/list": "roots"}.get(ask["method"], "elicitation")
    stated = Watched(stateful(client=declared)).server(request(9, ask["method"], **ask.get("params", {})))
    assert stated.matches(ask=kind, declared=True) is expected
    each = Watched(stateless()).client(modern(1, "tools/call", declared, name="t")).server(asking(1, "s", key=ask))
    assert each.matches(ask=kind, declared=True) is expected
    assert each.matches(ask=kind, declared=False) is not expected


def test_nothing_is_declared_before_the_opening() -> None:
    assert Watched(Talk()).server(request(1, "roots/list")).matches(ask="roots", declared=False) is True


@pytest.mark.parametrize(
    ("ttl", "expected"),
    [
        ({"ttl": 60_000}, False),
        ({"ttl": 60_001}, True),
        ({"ttl": None}, True),
        ({}, False),
        ({"ttl": "60000"}, "doubt"),
        ({"ttl": -1}, "doubt"),
        ({"ttl": True}, "doubt"),
        ({"ttl": 1e400}, True),
    ],
)
def test_the_time_a_task_is_kept_for(ttl: dict[str, Any], expected: bool | str) -> None:
    asked = Watched(stateful()).client(request(1, "tools/call", name="t", task=ttl))
    assert asked.matches(ttl_over=60) == expected
    task = {"taskId": "t-1", "status": "working"} | ttl
    assert asked.server(result(1, task=task)).matches(ttl_over=60) == expected
    spelt = {"ttlMs": ttl["ttl"]} if ttl else {}
    shown = Watched(stateless()).client(modern(1, "tools/call", EVERY, name="t"))
    shown.server(result(1, resultType="task", taskId="t-1", status="working", **spelt))
    assert shown.matches(ttl_over=60) == expected


def test_the_state_of_a_task() -> None:
    watched = in_task(SAMPLE)
    assert watched.matches(task_status="input_required") is True
    assert watched.matches(task_status=["failed", "completed"]) is False
    listed = Watched(stateful()).client(request(1, "tasks/list"))
    listed.server(result(1, tasks=[{"taskId": "a", "status": "working"}, {"taskId": "b", "status": "failed"}]))
    assert listed.matches(task_status="failed") is True
    assert listed.matches(task_status="failed", do="allow") is False
    assert (
        Watched(stateful()).client(request(1, "tools/call", name="t", task=5)).matches(task_status="failed") == "doubt"
    )
    odd = Watched(stateful()).client(request(1, "tasks/get", taskId="a")).server(result(1, taskId="a", status=5))
    assert odd.matches(task_status="failed") == "doubt"
    none = Watched(stateful()).client(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}')
    assert none.matches(task_status="failed") is False
