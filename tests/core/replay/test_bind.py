"""Which live value stands for which recorded one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.replay.bind import Binding, Bindings
from interpose.core.replay.options import Options

META = "io.modelcontextprotocol/"


def learnt(recorded: Any, live: Any, method: str | None = "tools/call", options: Options | None = None) -> Bindings:
    bindings = Bindings(options or Options())
    bindings.learn(recorded, live, method=method, where="#4")
    return bindings


def result(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": members}


def params(method: str = "x", **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": members}


SHORT: dict[str, tuple[Any, Any, Any, Any]] = {
    "tasks of 2025-11-25": (
        *(result(task={"taskId": "t1"}), result(task={"taskId": "k9"})),
        *(params("tasks/get", taskId="t1"), params("tasks/get", taskId="k9")),
    ),
    "tasks of the extension": (
        *(result(taskId="t1"), result(taskId="k9")),
        *(params(notifications={"taskIds": ["t1"]}), params(notifications={"taskIds": ["k9"]})),
    ),
    "cursors": (result(nextCursor="2"), result(nextCursor="b"), params(cursor="2"), params(cursor="b")),
    "states": (result(requestState="s"), result(requestState="z"), params(requestState="s"), params(requestState="z")),
    "elicitations": (
        *(params(elicitationId="e"), params(elicitationId="f")),
        *(params("notifications/elicitation/complete", elicitationId="e"), params(elicitationId="f")),
    ),
    "subscriptions": (
        {"id": 3, "method": "subscriptions/listen", "params": {}},
        {"id": "listen-1", "method": "subscriptions/listen", "params": {}},
        params(_meta={f"{META}subscriptionId": 3}),
        params(_meta={f"{META}subscriptionId": "listen-1"}),
    ),
    "progress tokens": (
        *(params(_meta={"progressToken": 3}), params(_meta={"progressToken": "p"})),
        *(params("notifications/progress", progressToken=3, progress=3), params(progressToken="p", progress=3)),
    ),
    "keys of questions": (
        result(inputRequests={"a": {"method": "roots/list"}, "b": {"method": "elicitation/create"}}),
        result(inputRequests={"y": {"method": "elicitation/create"}, "z": {"method": "roots/list"}}),
        params(inputResponses={"a": {"roots": []}, "b": {"action": "decline"}}),
        params(inputResponses={"z": {"roots": []}, "y": {"action": "decline"}}),
    ),
}


@pytest.mark.parametrize(("recorded", "live", "said", "expected"), SHORT.values(), ids=SHORT)
def test_what_the_protocol_mints_is_bound_however_short(recorded: Any, live: Any, said: Any, expected: Any) -> None:
    bindings = learnt(recorded, live, None)
    before = json.dumps(said)
    assert bindings.to_live(said)["params"] == expected["params"]
    assert json.dumps(said) == before
    assert bindings.to_recorded(bindings.to_live(said)) == said
    elsewhere = params(n=3, text="t1 2 s e a", taskIds=["t1"])
    assert bindings.to_live(elsewhere) == elsewhere


def test_a_long_value_is_replaced_wherever_it_recurs() -> None:
    bindings = learnt(
        result(structuredContent={"id": "order-4711", "number": 12345678}),
        result(structuredContent={"id": "order-0815", "number": 87654321}),
    )
    said = params(arguments={"id": "order-4711", "all": [12345678, 1], "text": "cancel order-4711, not order-47110"})
    assert bindings.to_live(said) == params(
        arguments={"id": "order-0815", "all": [87654321, 1], "text": "cancel order-0815, not order-47110"}
    )
    assert bindings.told() == [
        Binding("value", "order-4711", "order-0815", "#4 $.result.structuredContent.id", 2),
        Binding("value", 12345678, 87654321, "#4 $.result.structuredContent.number", 1),
    ]


def test_a_word_in_a_text_is_bound_where_the_texts_are_built_alike() -> None:
    one, other = '{"ticket": "abc-12345", "n": 1}', '{"ticket": "xyz-98765", "n": 2}'
    bindings = learnt(result(content=[{"text": one}]), result(content=[{"text": other}]))
    assert bindings.to_live(params(arguments={"t": "abc-12345"})) == params(arguments={"t": "xyz-98765"})
    assert bindings.to_live(params(arguments={"t": one})) == params(arguments={"t": other})
    other_build = learnt(result(content=[{"text": "no abc-12345"}]), result(content=[{"text": "xyz-98765"}]))
    assert other_build.to_live(params(t="abc-12345")) == params(t="abc-12345")


def test_a_whole_text_is_found_in_a_longer_one() -> None:
    bindings = learnt(result(content={"text": "because it is"}), result(content={"text": "it just is so."}))
    assert bindings.to_live(result(t="said: because it is!")) == result(t="said: it just is so.!")


def test_words_of_the_protocol_are_nobodys_ids() -> None:
    bindings = learnt(result(status="completed", text="x"), result(status="cancelled", text="y"))
    assert bindings.to_live(result(status="completed", say="completed")) == result(status="completed", say="completed")
    assert bindings.told() == []


def test_ids_of_messages_are_left_alone() -> None:
    bindings = learnt(
        {"id": "request-1", "result": {"a": "value-01"}}, {"id": "request-2", "result": {"a": "value-02"}}
    )
    assert bindings.to_live({"id": "request-1", "result": {}}) == {"id": "request-1", "result": {}}
    assert bindings.to_live({"id": "value-01", "result": "value-01"}) == {"id": "value-01", "result": "value-02"}


def test_values_that_change_places_are_replaced_at_once() -> None:
    bindings = learnt(result(a="first-01", b="second-2"), result(a="second-2", b="first-01"))
    assert bindings.to_live(result(t="first-01 second-2")) == result(t="second-2 first-01")


def test_the_latest_value_counts() -> None:
    bindings = learnt(result(nextCursor="a"), result(nextCursor="b"))
    bindings.learn(result(nextCursor="a"), result(nextCursor="c"), method="tools/list", where="#9")
    assert bindings.to_live(params(cursor="a")) == params(cursor="c")
    assert bindings.to_recorded(params(cursor="b")) == bindings.to_recorded(params(cursor="c")) == params(cursor="a")
    assert bindings.told() == [Binding("cursor", "a", "c", "#4 $.result.nextCursor", 1)]


def test_what_is_to_be_bound_may_be_short() -> None:
    options = Options(bind=("tools/call $.result.n", "prompts/get $.result.m"))
    bindings = learnt(result(n="a", m="b"), result(n="x", m="y"), options=options)
    assert bindings.to_live(params(n="a", m="b", text="a b")) == params(n="x", m="b", text="a b")


def test_what_is_not_to_be_bound_stays() -> None:
    options = Options(no_bind=("$.result.stamp", "$.params.arguments.keep"))
    bindings = learnt(
        result(stamp="12:00:00.000", id="order-4711"), result(stamp="13:00:00.000", id="order-0815"), options=options
    )
    assert bindings.to_live(params(s="12:00:00.000")) == params(s="12:00:00.000")
    said = params(arguments={"keep": "order-4711", "use": "order-4711"})
    assert bindings.to_live(said) == params(arguments={"keep": "order-4711", "use": "order-0815"})


def test_odd_bodies_are_no_counterparts() -> None:
    bindings = learnt([1], result(a="value-01"))
    bindings.learn(
        result(taskId="t1", a=True, b=None, c=[]),
        result(taskId=["t1"], a=False, b="x" * 9, c={}),
        method=None,
        where="",
    )
    assert bindings.told() == []
    assert bindings.to_live([1]) == [1]
    assert bindings.to_live(None) is None


def test_paths_may_be_for_one_method_and_name() -> None:
    options = Options(bind=("tools/call make $.result.n", "$.result.all[*]"))
    for name, expected in (("make", "x"), ("drop", "a"), (None, "a")):
        bindings = Bindings(options)
        bindings.learn(result(n="a"), result(n="x"), method="tools/call", where="", name=name)
        assert bindings.to_live(params(n="a")) == params(n=expected)
    many = Bindings(options)
    many.learn(result(all=["a"] * 20_000), result(all=["b"] * 20_000), method=None, where="")
    assert many.told() == []


def test_what_stands_below_keys_that_differ_is_bound_too() -> None:
    def asks(key: str, link: str) -> dict[str, Any]:
        return result(inputRequests={key: {"method": "elicitation/create", "params": {"url": link}}, "same": {}})

    bindings = learnt(asks("k1", "https://x.test/?s=abc-12345"), asks("k2", "https://x.test/?s=xyz-98765"))
    assert bindings.to_live(params(t="abc-12345")) == params(t="xyz-98765")
    more = learnt(result(inputRequests={"a": 1, "b": 2}), result(inputRequests={"c": 1}))
    assert more.to_live(result(inputRequests={"a": 1, "b": 2})) == result(inputRequests={"c": 1, "b": 2})


def test_floats_and_long_texts() -> None:
    bindings = learnt(result(n=1763829390.25, t="a " * 9000), result(n=1763829399.75, t="b " * 9000))
    assert bindings.to_live(result(n=1763829390.25)) == result(n=1763829399.75)
    assert bindings.to_live(result(t="a " * 9000)) == result(t="b " * 9000)
    assert bindings.to_live(result(t="so " + "a " * 9000)) == result(t="so " + "a " * 9000)


MINTED = st.from_regex(r"[a-z]{3}-[0-9a-f]{6,20}|[0-9a-f]{32}", fullmatch=True) | st.integers(10**7, 10**15)


@st.composite
def renamings(draw: st.DrawFn) -> dict[Any, Any]:
    """Minted values and what they are live: fresh ones, or each other's."""
    values = draw(st.lists(MINTED, min_size=2, max_size=10, unique_by=str))
    found: dict[Any, Any] = {}
    for kind in (str, int):
        same = [value for value in values if isinstance(value, kind)]
        half = len(same) // 2
        swapped = draw(st.booleans())
        pairs = zip(same, same[1:] + same[:1], strict=True) if swapped else zip(same[:half], same[half:], strict=False)
        found |= dict(pairs)
    return found


def bodies(values: list[Any]) -> st.SearchStrategy[Any]:
    value = st.sampled_from(values)
    plain = st.sampled_from(["a", "plain text", 1, None, True])
    text = st.lists(value.map(str) | st.sampled_from(["see", "(", ")", "https://x.test/?id="]), max_size=4).map(
        " ".join
    )
    inner = st.recursive(
        value | plain | text,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below, max_size=3),
        max_leaves=8,
    )
    return st.fixed_dictionaries({"params": inner})


def renamed(value: Any, names: dict[Any, Any]) -> Any:
    """The value as a live peer would have said it, done the simple way: word by word."""
    if isinstance(value, dict):
        return {key: renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, names) for each in value]
    if isinstance(value, str):
        texts = {str(one): str(other) for one, other in names.items()}
        words = value.replace("=", " = ").split(" ")
        return " ".join(texts.get(word, word) for word in words).replace(" = ", "=")
    return value if isinstance(value, bool) else names.get(value, value)


@given(data=st.data(), names=renamings())
def test_renamed_values_are_found_everywhere_and_back_again(data: st.DataObject, names: dict[Any, Any]) -> None:
    if not names:
        return
    recorded = result(minted=list(names), inside=[f"made {name} now" for name in names])
    live = renamed(recorded, names)
    bindings = learnt(recorded, live)
    body = data.draw(bodies(list(names)))
    assert bindings.to_live(recorded) == live
    assert bindings.to_recorded(live) == recorded
    assert bindings.to_live(body) == renamed(body, names)
    assert bindings.to_recorded(bindings.to_live(body)) == body
