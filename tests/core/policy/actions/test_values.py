"""`set`, `remove` and `cap`, over both eras and every carrier of asks."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.core.policy.actions.trying import BLOCKED, attempt, changed, rule
from tests.core.session.conversation import (
    TASKS,
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
from interpose.core.session.sighting import Sighting

WISH = {"messages": [], "maxTokens": 4000, "tools": [{"name": "t"}]}


def called(**params: Any) -> Sighting:
    return stateful().client(request(1, "tools/call", **params))


def answered(**members: Any) -> Sighting:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    return talk.server(result(1, **members))


def sampled() -> list[tuple[Sighting, Ask]]:
    """The same ask as a request, as an input request, and in a task."""
    inside = {"method": "sampling/createMessage", "params": WISH}
    old = stateful().server(request(9, "sampling/createMessage", **WISH))
    rounds = stateless()
    rounds.client(modern(1, "tools/call", name="t"))
    again = rounds.server(asking(1, "s", ask=inside))
    return [(seen, seen.asks[0]) for seen in (old, again, in_task(inside))]


def in_task(inside: Any) -> Sighting:
    talk = stateless()
    talk.client(modern(1, "tools/call", {"extensions": {TASKS: {}}}, name="t"))
    talk.server(result(1, resultType="task", taskId="x", status="working", ttlMs=None))
    talk.client(modern(2, "tasks/get", {"extensions": {TASKS: {}}}, taskId="x"))
    more = {"resultType": "complete", "taskId": "x", "ttlMs": None, "status": "input_required"}
    return talk.server(result(2, **more, inputRequests={"ask": inside}))


@pytest.mark.parametrize("carrier", [0, 1, 2], ids=["request", "input request", "task"])
@pytest.mark.parametrize(
    ("one", "after"),
    [
        (rule("cap", ask="sampling", path="$.maxTokens", at_most=300), WISH | {"maxTokens": 300}),
        (rule("set", ask="sampling", path="$.includeContext", value="none"), WISH | {"includeContext": "none"}),
        (rule("remove", ask="sampling", path="$.tools"), {"messages": [], "maxTokens": 4000}),
        (rule("cap", ask="sampling", path="$.maxTokens", at_most=4000), None),
    ],
    ids=["cap", "set", "remove", "enough"],
)
def test_an_ask_is_edited_alike_in_every_carrier(carrier: int, one: Any, after: Any) -> None:
    seen, ask = sampled()[carrier]
    assert changed(one, seen, ask) == after


def test_only_the_ask_is_edited() -> None:
    for seen, ask in sampled():
        body, _ = attempt(rule("cap", ask="sampling", path="$.maxTokens", at_most=3), seen, ask)
        before = seen.message.body()
        assert body != before
        assert str(body).replace("'maxTokens': 3,", "'maxTokens': 4000,") == str(before)


def test_a_sign_in_of_an_error_is_edited() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    entries = [{"mode": "url", "elicitationId": f"e{n}", "url": "https://a.example", "message": "hi"} for n in (1, 2)]
    seen = talk.server(error(1, -32042, {"elicitations": entries}))
    after = changed(rule("remove", ask="elicitation", path="$.message"), seen, seen.asks[1])
    assert after == {key: entries[1][key] for key in ("mode", "elicitationId", "url")}


@pytest.mark.parametrize(
    ("path", "value", "params", "after"),
    [
        ("$.name", "b", {"name": "a"}, {"name": "b"}),
        ("$.name", "a", {"name": "a"}, None),
        ("$['x']", {"y": [1]}, {"name": "a"}, {"name": "a", "x": {"y": [1]}}),
        ("$.n", True, {"n": 1}, {"n": True}),
        ("$.n", 1, {"n": 1.0}, {"n": 1}),
        ("$.l[1]", 5, {"l": [1, 2]}, {"l": [1, 5]}),
        ("$.l[-1]", 5, {"l": [1, 2]}, {"l": [1, 5]}),
        ("$.l[0].k", 5, {"l": [{}]}, {"l": [{"k": 5}]}),
        ("$.l[1]", 2, {"l": [1, 2]}, None),
        ("$.l[2]", 5, {"l": [1, 2]}, BLOCKED),
        ("$.l[2].k", 5, {"l": [1, 2]}, BLOCKED),
        ("$.l.k", 5, {"l": [1, 2]}, BLOCKED),
        ("$.l.k.m", 5, {"l": "text"}, BLOCKED),
        ("$.l.k", 5, {"l": None}, BLOCKED),
        ("$.arguments.dry_run", True, {"name": "a"}, {"name": "a", "arguments": {"dry_run": True}}),
    ],
)
def test_set(path: str, value: Any, params: Any, after: Any) -> None:
    assert changed(rule("set", path=path, value=value), called(**params)) == after


def test_set_makes_params_where_there_are_none() -> None:
    seen = stateful().client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert changed(rule("set", path="$.cursor", value="x"), seen) == {"cursor": "x"}


@pytest.mark.parametrize("members", [{}, {"arguments": 3}, {"arguments": [1]}])
def test_set_makes_no_way_in_an_answer(members: Any) -> None:
    assert changed(rule("set", path="$.arguments.a.b", value=1), answered(**members)) is None


def test_set_gives_each_message_a_value_of_its_own() -> None:
    one = rule("set", path="$.x", value={"y": []})
    body, _ = attempt(one, called())
    body["params"]["x"]["y"].append(1)
    assert one.value == {"y": []}


def test_set_never_says_the_value() -> None:
    assert attempt(rule("set", path="$.x", value="hush"), called())[1] == "set $.x"


@pytest.mark.parametrize(
    ("path", "params", "after"),
    [
        ("$.a", {"a": 1, "b": 2}, {"b": 2}),
        ("$.c", {"a": 1}, None),
        ("$.l[0,2]", {"l": [0, 1, 2, 3]}, {"l": [1, 3]}),
        ("$.l[*]", {"l": [0, 1]}, {"l": []}),
        ("$.l[-1,1]", {"l": [0, 1]}, {"l": [0]}),
        ("$..k", {"k": {"k": 1}, "l": [{"k": 2, "m": 3}]}, {"l": [{"m": 3}]}),
        ("$.l[*].k", {"l": [{"k": 2}, 7, {"m": 3}]}, {"l": [{}, 7, {"m": 3}]}),
        ("$.l[*]['k','k']", {"l": [{"k": 2}]}, {"l": [{}]}),
        ("$", {"a": 1}, BLOCKED),
    ],
)
def test_remove(path: str, params: Any, after: Any) -> None:
    assert changed(rule("remove", path=path), called(**params)) == after


@pytest.mark.parametrize(
    ("path", "params", "after"),
    [
        ("$.n", {"n": 301}, {"n": 300}),
        ("$.n", {"n": 300}, None),
        ("$.n", {"n": -5}, None),
        ("$.n", {"n": 300.5}, {"n": 300}),
        ("$.n", {"n": 10**40}, {"n": 300}),
        ("$.n", {"n": float("inf")}, {"n": 300}),
        ("$.n", {"n": float("nan")}, BLOCKED),
        ("$.n", {"n": "4000"}, BLOCKED),
        ("$.n", {"n": True}, BLOCKED),
        ("$.n", {"n": None}, BLOCKED),
        ("$.n", {"n": [4000]}, BLOCKED),
        ("$.n", {}, None),
        ("$.l[*]", {"l": [1, 999, 7, 888]}, {"l": [1, 300, 7, 300]}),
        ("$..n", {"n": 999, "o": {"n": 1000}}, {"n": 300, "o": {"n": 300}}),
        ("$", {}, BLOCKED),
    ],
)
def test_cap(path: str, params: Any, after: Any) -> None:
    assert changed(rule("cap", path=path, at_most=300), called(**params)) == after


def test_cap_says_what_was_and_what_is() -> None:
    assert attempt(rule("cap", path="$.n", at_most=300), called(n=4000))[1] == "capped $.n from 4000 to 300"
    many = attempt(rule("cap", path="$.l[*]", at_most=3), called(l=[4, 5]))[1]
    assert many == "capped $.l[*] in 2 places to 3"


TTL = [rule("cap", path=path, at_most=60_000) for path in ("$.task.ttl", "$.ttlMs", "$['task']['ttl']")]


@pytest.mark.parametrize("one", TTL, ids=lambda one: one.path)
@pytest.mark.parametrize(
    ("ttl", "after"), [(90_000, 60_000), (60_000, 60_000), (5, 5), (None, 60_000), (-1, BLOCKED), ("1", BLOCKED)]
)
def test_every_task_that_is_shown_lives_no_longer_than_the_cap(one: Any, ttl: Any, after: Any) -> None:
    def held(seen: Sighting) -> Any:
        body, _ = attempt(one, seen)
        return BLOCKED if body == BLOCKED else body

    core = {"taskId": "x", "status": "working", "ttl": ttl}
    flat = {"taskId": "x", "status": "working", "ttlMs": ttl}
    bad = after == BLOCKED
    created = held(answered(task=core))
    assert created == (BLOCKED if bad else result(1, task=core | {"ttl": after}))
    talk = stateful()
    talk.client(request(1, "tasks/list"))
    assert held(talk.server(result(1, tasks=[core, core]))) == (
        BLOCKED if bad else result(1, tasks=[core | {"ttl": after}] * 2)
    )
    told = notification("notifications/tasks/status", **core)
    assert held(talk.server(told)) == (BLOCKED if bad else notification(told["method"], **core | {"ttl": after}))
    later = stateless()
    later.client(modern(1, "tools/call", {"extensions": {TASKS: {}}}, name="t"))
    assert held(later.server(result(1, resultType="task", **flat))) == (
        BLOCKED if bad else result(1, resultType="task", **flat | {"ttlMs": after})
    )


@pytest.mark.parametrize(
    ("talk", "wish", "after"),
    [
        (stateful, {"ttl": 90_000}, {"ttl": 60_000}),
        (stateful, {"ttl": 5}, {"ttl": 5}),
        (stateful, {}, {"ttl": 60_000}),
        (stateful, {"ttl": None}, {"ttl": 60_000}),
        (stateful, {"ttl": "90000"}, BLOCKED),
        (stateless, {}, {}),
    ],
)
def test_the_wish_for_a_task_is_capped(talk: Any, wish: Any, after: Any) -> None:
    ask: Any = request if talk is stateful else modern
    line: Talk = talk()
    body, _ = attempt(TTL[0], line.client(ask(1, "tools/call", name="t", task=wish)))
    assert (body if body == BLOCKED else body["params"]["task"]) == after


def test_a_call_that_wishes_for_no_task_gets_none() -> None:
    assert changed(TTL[0], called(name="t")) is None


def test_other_names_that_end_alike_are_no_lives() -> None:
    assert changed(rule("cap", path="$.subttl", at_most=1), answered(task={"taskId": "x", "ttl": 5})) is None


@pytest.mark.parametrize("path", ["$", "$..text", "$.tools[*].name", "$['a', 'b']", "$.a[0:2]"])
def test_set_needs_a_path_to_one_place(path: str) -> None:
    with pytest.raises(ValidationError, match="can name several places, or all there is; `set` needs one member"):
        rule("set", path=path, value=1)
