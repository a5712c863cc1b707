"""`limit`: what is counted, for what, and from when on it is too much."""

import json
from typing import Any

import msgspec
import pytest
from tests.core.policy.actions.trying import rule
from tests.core.session.conversation import (
    TASKS,
    Talk,
    asking,
    modern,
    request,
    result,
    stateful,
    stateless,
)

from interpose.core.policy.actions.limit import exceeded, follow, passed
from interpose.core.session.sighting import Sighting


def limit(**keys: Any) -> Any:
    return rule("limit", **{"ask": "sampling", "per": "session"} | keys)


def fresh() -> dict[str, Any]:
    """The state of a new session."""
    return {}


def sample(tokens: Any = 10) -> dict[str, Any]:
    return {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": tokens}}


def sampled(talk: Talk, ident: int, tokens: Any = 10) -> Sighting:
    return talk.server(request(ident, "sampling/createMessage", messages=[], maxTokens=tokens))


def at(seen: Sighting, time: float) -> Sighting:
    return msgspec.structs.replace(seen, at=time)


def test_so_many_per_session() -> None:
    talk, state = stateful(), fresh()
    one = limit(count=2)
    found = []
    for n in range(4):
        seen = sampled(talk, n)
        found.append(exceeded(one, seen, seen.asks[0], state))
    assert found == [None, None, "more than 2 per session", "more than 2 per session"]


def test_none_at_all() -> None:
    seen = sampled(stateful(), 1)
    assert exceeded(limit(count=0), seen, seen.asks[0], {}) == "more than 0 per session"


def test_what_is_refused_is_not_counted() -> None:
    talk, state = stateful(), fresh()
    found = []
    for n, tokens in enumerate((60, 60, 40, 1)):
        seen = sampled(talk, n, tokens)
        found.append(exceeded(limit(tokens=100), seen, seen.asks[0], state))
    assert found == [None, "more than 100 tokens per session", None, "more than 100 tokens per session"]


@pytest.mark.parametrize("tokens", ["60", None, True, -1, float("nan"), float("inf"), [1]])
def test_who_does_not_say_how_many_tokens_gets_none(tokens: Any) -> None:
    seen = sampled(stateful(), 1, tokens)
    assert exceeded(limit(tokens=100), seen, seen.asks[0], {}) == "it does not say how many tokens it wants"


def test_a_part_of_a_token_counts_whole() -> None:
    seen = sampled(stateful(), 1, 100.5)
    assert exceeded(limit(tokens=100), seen, seen.asks[0], {}) == "more than 100 tokens per session"


def test_so_many_in_any_minute() -> None:
    talk, state = stateful(), fresh()
    one = rule("limit", method="tools/call", count=2, per="minute")
    times = [0.0, 0.5, 59.0, 60.2, 61.0, 61.5, 62.0, 500.0]
    found = [
        exceeded(one, at(talk.client(request(n, "tools/call")), time), None, state) for n, time in enumerate(times)
    ]
    assert [each is None for each in found] == [True, True, False, False, True, True, False, True]


def test_tokens_in_any_minute() -> None:
    talk, state = stateful(), fresh()
    found = []
    for n, time in enumerate((0.0, 30.0, 70.0)):
        seen = at(sampled(talk, n, 60), time)
        found.append(exceeded(limit(tokens=100, per="minute"), seen, seen.asks[0], state))
    assert [each is None for each in found] == [True, False, True]


def test_so_many_per_call_of_several_rounds() -> None:
    talk, state = stateless(), fresh()
    one = limit(count=2, per="call")
    found = []
    for n in range(1, 5):
        more: Any = {"inputResponses": {"a": {}}, "requestState": f"s{n - 1}"} if n > 1 else {}
        follow(talk.client(modern(n, "tools/call", name="t", **more)), state)
        # The second round asks something else, which no rule matches.
        inputs = {"a": sample()} if n != 2 else {"a": {"method": "roots/list"}}
        seen = talk.server(asking(n, f"s{n}", **inputs))
        if n != 2:
            found.append(exceeded(one, seen, seen.asks[0], state))
    assert found == [None, None, "more than 2 per call"]
    talk.client(modern(9, "tools/call", name="other"))
    seen = talk.server(asking(9, "z", a=sample()))
    assert exceeded(one, seen, seen.asks[0], state) is None


def test_an_ask_of_one_of_several_calls_must_fit_into_each() -> None:
    talk, state = stateful(), fresh()
    one = limit(count=1, per="call")
    talk.client(request(1, "tools/call", name="a"))
    first = sampled(talk, 1)
    assert exceeded(one, first, first.asks[0], state) is None
    talk.client(request(2, "tools/call", name="b"))
    second = sampled(talk, 2)
    assert len(second.asks[0].parents) == 2
    assert exceeded(one, second, second.asks[0], state) == "more than 1 per call"


def test_asks_outside_of_calls_are_counted_together() -> None:
    talk, state = stateful(), fresh()
    one = limit(count=1, per="call")
    found = []
    for n in (1, 2):
        seen = sampled(talk, n)
        found.append(exceeded(one, seen, seen.asks[0], state))
    assert found == [None, "more than 1 per call"]


def test_an_ask_that_a_task_repeats_is_one_ask() -> None:
    talk, state = stateless(), fresh()
    one = limit(count=1)
    extension: Any = {"extensions": {TASKS: {}}}
    talk.client(modern(1, "tools/call", extension, name="t"))
    talk.server(result(1, resultType="task", taskId="x", status="working", ttlMs=None))
    found = []
    for n in range(2, 5):
        talk.client(modern(n, "tasks/get", extension, taskId="x"))
        inputs = {"a": sample()} | ({"b": sample()} if n > 2 else {})
        task = {"resultType": "complete", "taskId": "x", "ttlMs": None, "status": "input_required"}
        seen = talk.server(result(n, **task, inputRequests=inputs))
        found.append([exceeded(one, seen, ask, state) is None for ask in seen.asks])
    assert found == [[True], [True, False], [True, False]]


def test_rules_count_for_themselves() -> None:
    talk, state = stateful(), fresh()
    other = limit(count=1).model_copy(update={"name": "two"})
    seen = sampled(talk, 1)
    assert exceeded(limit(count=1), seen, seen.asks[0], state) is None
    assert exceeded(other, seen, seen.asks[0], state) is None


def test_rules_of_one_name_in_two_policies_count_for_themselves() -> None:
    state, seen = fresh(), sampled(stateful(), 1)
    for one in (limit(count=1), limit(count=1).within("a.toml"), limit(count=1).within("b.toml")):
        assert exceeded(one, seen, seen.asks[0], state) is None


def test_memory_is_bounded() -> None:
    talk, state = stateful(), fresh()
    one = rule("limit", ask="sampling", count=1, per="call")
    for n in range(5000):
        seen = sampled(talk, n)
        ask = msgspec.structs.replace(seen.asks[0], parents=(n,))
        exceeded(one, seen, ask, state)
        passed(seen, seen.message.raw, frozenset(), state)
    [tally] = [kept for name, kept in state.items() if name.startswith("limit (")]
    assert len(tally.sums) == len(tally.ruled) == 4096


def test_an_ask_that_another_rule_refused_does_not_count() -> None:
    talk, state = stateful(), fresh()
    one = limit(count=1)
    for n, refused in enumerate([True, True, False, False]):
        seen = sampled(talk, n)
        over = exceeded(one, seen, seen.asks[0], state)
        assert (over is not None) is (n == 3)
        passed(seen, None if refused or over else seen.message.raw, frozenset({str(n)} if refused else ()), state)


def test_of_several_asks_only_those_that_go_on_count() -> None:
    talk, state = stateless(), fresh()
    one = limit(count=2)
    talk.client(modern(1, "tools/call", name="t"))
    seen = talk.server(asking(1, "s", a=sample(), b=sample(), c=sample()))
    assert [exceeded(one, seen, ask, state) is None for ask in seen.asks] == [True, True, False]
    left = asking(1, "s", b=sample())
    passed(seen, json.dumps(left).encode(), frozenset({"a", "c"}), state)
    talk.client(modern(2, "tools/call", name="t"))
    seen = talk.server(asking(2, "s2", a=sample(), b=sample()))
    assert [exceeded(one, seen, ask, state) is None for ask in seen.asks] == [True, False]


def test_nothing_counts_of_a_call_that_was_ended_for_one_of_its_asks() -> None:
    talk, state = stateless(), fresh()
    talk.client(modern(1, "tools/call", name="t"))
    seen = talk.server(asking(1, "s", a=sample(), b=sample()))
    assert [exceeded(limit(count=2), seen, ask, state) for ask in seen.asks] == [None, None]
    passed(seen, json.dumps(result(1, isError=True, content=[])).encode(), frozenset({"a"}), state)
    talk.client(modern(2, "tools/call", name="t"))
    seen = talk.server(asking(2, "s2", a=sample(), b=sample()))
    assert [exceeded(limit(count=2), seen, ask, state) for ask in seen.asks] == [None, None]


def test_tokens_count_as_they_go_on() -> None:
    talk, state = stateful(), fresh()
    one = limit(tokens=100)
    for n, (wanted, capped) in enumerate([(4000, 50), (4000, 50), (4000, 1)]):
        seen = sampled(talk, n, wanted)
        lowered = json.dumps(request(n, "sampling/createMessage", messages=[], maxTokens=capped)).encode()
        over = exceeded(one, seen, seen.asks[0], state, lowered)
        assert (over is None) is (n < 2)
        passed(seen, None if over else lowered, frozenset(), state)
    assert exceeded(one, sampled(talk, 9, 1), seen.asks[0], state) is not None


def test_what_is_said_to_have_been_edited_away_wants_nobody_knows_how_much() -> None:
    seen = sampled(stateful(), 1)
    assert exceeded(limit(tokens=9), seen, seen.asks[0], {}, b"{}") == "it does not say how many tokens it wants"


def test_calls_count_when_they_go_on() -> None:
    talk, state = stateful(), fresh()
    one = rule("limit", method="tools/call", count=1, per="session")
    for n, delivered in enumerate([None, None, b"{}", b"{}"]):
        seen = talk.client(request(n, "tools/call", name="t"))
        over = exceeded(one, seen, None, state)
        assert (over is not None) is (n == 3)
        passed(seen, delivered, frozenset(), state)


def test_what_nobody_tells_the_end_of_counts() -> None:
    talk, state = stateful(), fresh()
    first, second = sampled(talk, 1), sampled(talk, 2)
    assert exceeded(limit(count=1), first, first.asks[0], state) is None
    assert exceeded(limit(count=1), second, second.asks[0], state) is not None


def test_a_task_that_repeats_an_ask_which_was_refused_and_then_passes_is_counted_once() -> None:
    talk, state = stateful(), fresh()
    one = limit(count=1)
    seen = sampled(talk, 1)
    for delivered in (None, seen.message.raw, seen.message.raw):
        assert exceeded(one, seen, seen.asks[0], state) is None
        passed(seen, delivered, frozenset(), state)
    other = sampled(talk, 2)
    assert exceeded(one, other, other.asks[0], state) is not None
