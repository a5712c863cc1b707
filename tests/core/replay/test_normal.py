"""What of a message counts, and what varies by itself."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.replay.changes import GOLDEN, changed, leaves, messages, shuffled, varies, written

from interpose.core.protocol import Era
from interpose.core.replay.normal import Normal
from interpose.core.replay.options import Options
from interpose.core.wire.message import read

META = "io.modelcontextprotocol/"
NORMAL = Normal()


def digest(body: Any, method: str | None = None, era: Era = "stateful", normal: Normal = NORMAL, **more: Any) -> bytes:
    return normal.digest(written({"jsonrpc": "2.0", **body}), method=method, era=era, **more)


def request(method: str, **params: Any) -> dict[str, Any]:
    return {"id": 1, "method": method, "params": params}


def answer(**result: Any) -> dict[str, Any]:
    return {"id": 1, "result": result}


def link(**params: Any) -> dict[str, Any]:
    return request("elicitation/create", mode="url", message="Sign in", **params)


def asked(**requests: Any) -> dict[str, Any]:
    return answer(resultType="input_required", inputRequests=requests)


FORM = {"method": "elicitation/create", "params": {"message": "who?", "requestedSchema": {}}}
ROOTS = {"method": "roots/list", "params": {}}
SAID = {"role": "assistant", "content": {"type": "text", "text": "because"}, "model": "m1", "stopReason": "endTurn"}
TASK = {"taskId": "t1", "status": "working", "createdAt": "1", "lastUpdatedAt": "1", "ttl": 1, "pollInterval": 5}

SAME: dict[str, tuple[str | None, Era, dict[str, Any], dict[str, Any]]] = {
    "1 ids": (None, "stateful", {"id": 1, "method": "tools/list"}, {"id": "a", "method": "tools/list"}),
    "2 progress tokens": (
        *(None, "stateful"),
        request("tools/call", name="t", _meta={"progressToken": 1}),
        request("tools/call", name="t", _meta={"progressToken": "x"}),
    ),
    "2 progress tokens wanted or not": (
        *(None, "stateful"),
        request("tools/call", name="t", _meta={"progressToken": 1}),
        request("tools/call", name="t"),
    ),
    "2 progress": (
        *(None, "stateful"),
        {"method": "notifications/progress", "params": {"progressToken": 1, "progress": 1, "total": 3}},
        {"method": "notifications/progress", "params": {"progressToken": 9, "progress": 2, "message": "half"}},
    ),
    "3 cancellations": (
        *(None, "stateful"),
        {"method": "notifications/cancelled", "params": {"requestId": 3, "reason": "timed out after 5 s"}},
        {"method": "notifications/cancelled", "params": {"requestId": "4"}},
    ),
    "4 subscription ids": (
        *(None, "stateless"),
        {"method": "notifications/tools/list_changed", "params": {"_meta": {f"{META}subscriptionId": 1}}},
        {"method": "notifications/tools/list_changed", "params": {"_meta": {f"{META}subscriptionId": "listen-1"}}},
    ),
    "5 tasks of 2025-11-25": (
        *("tools/call", "stateful"),
        answer(task=TASK),
        answer(task={"taskId": "t2", "status": "working", "ttl": None, "statusMessage": "begun"}),
    ),
    "5 tasks of the extension": (
        *("tasks/get", "stateless"),
        answer(resultType="complete", taskId="t1", status="working", ttlMs=3, pollIntervalMs=9, lastUpdatedAt="1"),
        answer(resultType="complete", taskId="t2", status="working"),
    ),
    "5 whose task it is": (
        *("tasks/result", "stateful"),
        answer(content=[], _meta={f"{META}related-task": {"taskId": "t1"}}),
        answer(content=[], _meta={f"{META}related-task": {"taskId": "t2"}}),
    ),
    "5 tasks listened to": (
        *(None, "stateless"),
        request("subscriptions/listen", notifications={"taskIds": ["a"]}),
        request("subscriptions/listen", notifications={"taskIds": ["b"]}),
    ),
    "6 elicitation ids, also in the URL": (
        *(None, "stateful"),
        link(elicitationId="e-1", url="https://x.test/e-1/go?state=e-1&lang=en"),
        link(elicitationId="e-2", url="https://x.test/e-2/go?state=e-2&lang=de"),
    ),
    "6 elicitation ids in errors": (
        *("tools/call", "stateful"),
        {"id": 1, "error": {"code": -32042, "data": {"elicitations": [{"elicitationId": "e-1", "url": "u?a=e-1"}]}}},
        {"id": 1, "error": {"code": -32042, "data": {"elicitations": [{"elicitationId": "e-2", "url": "u?a=e-2"}]}}},
    ),
    "7 cursors": (None, "stateful", request("tools/list", cursor="a"), request("tools/list", cursor="")),
    "7 next cursors": ("tools/list", "stateless", answer(tools=[], nextCursor="a"), answer(tools=[], nextCursor="b")),
    "8 states": (
        *(None, "stateless"),
        request("tools/call", name="t", requestState="v1.abc"),
        request("tools/call", name="t", requestState="v1.def"),
    ),
    "9 keys of questions": ("tools/call", "stateless", asked(a=FORM, b=ROOTS), asked(y=ROOTS, x=FORM)),
    "9 keys of answers": (
        *(None, "stateless"),
        request("tools/call", name="t", inputResponses={"k1": {"action": "decline"}}),
        request("tools/call", name="t", inputResponses={"k2": {"action": "decline"}}),
    ),
    "11 traces": (
        *(None, "stateful"),
        request("tools/call", name="t", _meta={"traceparent": "00-a", "tracestate": "s", "baggage": "b"}),
        request("tools/call", name="t", _meta={}),
    ),
    "11 versions of the peers": (
        *(None, "stateful"),
        request("initialize", clientInfo={"name": "c", "version": "1"}),
        request("initialize", clientInfo={"name": "c", "version": "2"}),
    ),
    "11 versions of the peers in every message": (
        *("tools/list", "stateless"),
        answer(tools=[], ttlMs=5, _meta={f"{META}serverInfo": {"name": "s", "version": "1"}}),
        answer(tools=[], ttlMs=7, _meta={f"{META}serverInfo": {"name": "s", "version": "2"}}),
    ),
    "12 what a model says": (
        *("sampling/createMessage", "stateful"),
        answer(**SAID),
        answer(role="assistant", content={"type": "text", "text": "since"}, model="m2"),
    ),
    "12 what a model says in a round": (
        *(None, "stateless"),
        request("tools/call", name="t", inputResponses={"k": SAID}),
        request("tools/call", name="t", inputResponses={"k": {**SAID, "model": "m2"}}),
    ),
    "12 ids of tool uses": (
        *(None, "stateful"),
        request(
            "sampling/createMessage", messages=[{"role": "assistant", "content": [{"type": "tool_use", "id": "1"}]}]
        ),
        request(
            "sampling/createMessage", messages=[{"role": "assistant", "content": [{"type": "tool_use", "id": "2"}]}]
        ),
    ),
    "12 where the directories are": (
        *("roots/list", "stateful"),
        answer(roots=[{"uri": "file:///a/x", "name": "x"}]),
        answer(roots=[{"uri": "file:///b/x", "name": "x"}]),
    ),
    "12 what is logged": (
        *(None, "stateful"),
        {"method": "notifications/message", "params": {"level": "info", "data": "at 12:00"}},
        {"method": "notifications/message", "params": {"level": "info", "data": {"at": 13}}},
    ),
    "13 pings": (None, "stateful", {"id": 1, "method": "ping"}, request("ping", _meta={"x": 1})),
    "no parameters": (None, "stateful", {"id": 1, "method": "tools/list"}, request("tools/list")),
    "numbers as they are written": (None, "stateful", request("x", n=1), request("x", n=1.0)),
}

OTHER: dict[str, tuple[str | None, Era, dict[str, Any], dict[str, Any]]] = {
    "methods": (None, "stateful", request("tools/list"), request("prompts/list")),
    "a request and a notification": (None, "stateful", {"id": 1, "method": "x"}, {"method": "x"}),
    "arguments": (
        *(None, "stateful"),
        request("tools/call", name="t", arguments={"taskId": 1}),
        request("tools/call", name="t", arguments={"taskId": 2}),
    ),
    "texts of tools": ("tools/call", "stateful", answer(content=[{"text": "a"}]), answer(content=[{"text": "b"}])),
    "whether there is another page": ("tools/list", "stateful", answer(tools=[]), answer(tools=[], nextCursor="")),
    "states of tasks": ("tasks/get", "stateful", answer(**TASK), answer(**{**TASK, "status": "failed"})),
    "what a user filled in": (
        *("elicitation/create", "stateful"),
        answer(action="accept", content={"text": "a", "model": "a"}),
        answer(action="accept", content={"text": "b", "model": "a"}),
    ),
    "where a link leads": (None, "stateful", link(url="https://a.test/?x=1"), link(url="https://b.test/?x=1")),
    "what a link asks for": (None, "stateful", link(url="https://a.test/?x=1"), link(url="https://a.test/?y=1")),
    "questions": ("tools/call", "stateless", asked(a=FORM), asked(a=ROOTS)),
    "how many roots": ("roots/list", "stateful", answer(roots=[{"uri": "a"}]), answer(roots=[])),
    "levels": (
        *(None, "stateful"),
        {"method": "notifications/message", "params": {"level": "info", "data": 1}},
        {"method": "notifications/message", "params": {"level": "error", "data": 1}},
    ),
    "true and one": (None, "stateful", request("x", n=1), request("x", n=True)),
    "nothing and none": (None, "stateful", request("x", n=None), request("x", m=None)),
    "states of rounds in the stateful era": (
        *(None, "stateful"),
        request("tools/call", requestState="a"),
        request("tools/call", requestState="b"),
    ),
}


@pytest.mark.parametrize(("method", "era", "one", "other"), SAME.values(), ids=SAME)
def test_these_vary_by_themselves(method: str | None, era: Era, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert digest(one, method, era) == digest(other, method, era)


@pytest.mark.parametrize(("method", "era", "one", "other"), OTHER.values(), ids=OTHER)
def test_these_are_other_messages(method: str | None, era: Era, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert digest(one, method, era) != digest(other, method, era)


FIELDS = ("taskId", "createdAt", "lastUpdatedAt", "ttl", "ttlMs", "pollInterval", "pollIntervalMs", "statusMessage")
TASKS: list[tuple[str, Era, tuple[str, ...]]] = [
    ("tools/call", "stateful", ("result", "task")),
    ("sampling/createMessage", "stateful", ("result", "task")),
    ("elicitation/create", "stateful", ("result", "task")),
    ("tasks/get", "stateful", ("result",)),
    ("tasks/cancel", "stateful", ("result",)),
    ("notifications/tasks/status", "stateful", ("params",)),
    ("tools/call", "stateless", ("result",)),
    ("tasks/get", "stateless", ("result",)),
    ("tasks/cancel", "stateless", ("result",)),
    ("notifications/tasks", "stateless", ("params",)),
]
KEYS = ("progressToken", "traceparent", "tracestate", "baggage", f"{META}subscriptionId")
INFOS = ("clientInfo", "serverInfo")
ROUNDS: list[tuple[str, str]] = [
    *((method, "result") for method in ("tools/call", "prompts/get", "resources/read", "tasks/get")),
    ("notifications/tasks", "params"),
]


def below(names: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A message in which a value stands inside others."""
    for name in reversed(names):
        value = {name: value}
    return {"id": 1, **value}


def same(method: str, era: Era, one: Any, other: Any) -> bool:
    return digest(one, method, era) == digest(other, method, era)


@pytest.mark.parametrize(("method", "era", "where"), TASKS)
@pytest.mark.parametrize("field", FIELDS)
def test_fields_of_tasks_vary(method: str, era: Era, where: tuple[str, ...], field: str) -> None:
    one, other = ({"status": "working", "taskId": "t", field: value} for value in ("a", "b"))
    assert same(method, era, below(where, one), below(where, other))
    assert not same(method, era, below(where, one), below(where, {**one, "status": "failed"}))
    listed = [below(("result",), {"tasks": [each]}) for each in (one, other)]
    assert same("tasks/list", "stateful", *listed)


@pytest.mark.parametrize("era", ["stateful", "stateless"])
@pytest.mark.parametrize("name", ["tools", "prompts", "resources", "resources/templates"])
def test_pages_vary(name: str, era: Era) -> None:
    for section, member in (("params", "cursor"), ("result", "nextCursor"), ("result", "ttlMs")):
        assert same(f"{name}/list", era, below((section, member), "a"), below((section, member), "b"))


def test_pages_of_tasks_and_what_files_weigh_vary() -> None:
    for section, member in (("params", "cursor"), ("result", "nextCursor"), ("result", "ttlMs")):
        assert same("tasks/list", "stateful", below((section, member), "a"), below((section, member), "b"))
    one, other = (
        answer(resources=[{"uri": "x:1", "size": size, "annotations": {"lastModified": str(size)}}]) for size in (1, 2)
    )
    assert same("resources/list", "stateful", one, other)


@pytest.mark.parametrize("section", ["params", "result"])
@pytest.mark.parametrize("key", KEYS)
def test_what_is_meta_varies(section: str, key: str) -> None:
    assert same("x", "stateful", below((section, "_meta", key), "a"), below((section, "_meta", key), "b"))
    for info in INFOS:
        one, other = (below((section, "_meta", f"{META}{info}", "version"), version) for version in "12")
        assert same("x", "stateless", one, other)
    one, other = (below((section, "_meta", f"{META}related-task", "taskId"), ident) for ident in "12")
    assert same("x", "stateful", one, other)


@pytest.mark.parametrize(("method", "section"), ROUNDS)
def test_questions_in_rounds_vary_as_questions_do(method: str, section: str) -> None:
    def asks(key: str, value: str) -> dict[str, Any]:
        meta: dict[str, Any] = dict.fromkeys(KEYS[:4], value) | {f"{META}related-task": {"taskId": value}}
        meta |= {f"{META}{info}": {"name": "x", "version": value} for info in INFOS} | {KEYS[4]: value}
        params = {"mode": "url", "url": f"https://x.test/?s={value}", "_meta": meta}
        return below((section, "inputRequests"), {key: {"method": "elicitation/create", "params": params}, "z": ROOTS})

    assert same(method, "stateless", asks("a", "1"), asks("b", "2"))


@pytest.mark.parametrize("method", ["tools/call", "prompts/get", "resources/read", "tasks/update"])
def test_answers_in_rounds_vary_as_answers_do(method: str) -> None:
    one, other = (
        below(("params",), {"inputResponses": {key: {**SAID, "model": key}}, "taskId": "t"}) for key in ("k1", "k2")
    )
    assert same(method, "stateless", one, other)
    if method != "tasks/update":
        for section in ("params", "result"):
            assert same(
                method, "stateless", below((section, "requestState"), "a"), below((section, "requestState"), "b")
            )


def test_what_is_left_of_the_table() -> None:
    assert same("ping", "stateful", answer(a=1), answer())
    assert same("tools/call", "stateless", below(("params", "task", "ttl"), 1), below(("params",), {}))
    assert same("server/discover", "stateless", *(answer(serverInfo={"version": v}, ttlMs=v) for v in (1, 2)))
    for method in ("prompts/get", "resources/read"):
        assert same(method, "stateless", answer(ttlMs=1), answer(ttlMs=2))
        errors = [{"id": 1, "error": {"data": {"elicitations": [{"elicitationId": ident}]}}} for ident in "ab"]
        assert same(method, "stateful", *errors)
    for method in ("tools/call", "sampling/createMessage", "elicitation/create"):
        assert same(method, "stateful", *(below(("params", "task", "ttl"), ttl) for ttl in (1, 2)))
    acknowledged = [below(("params", "notifications", "taskIds"), [ident]) for ident in "ab"]
    assert same("notifications/subscriptions/acknowledged", "stateless", *acknowledged)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_any_change_of_a_recorded_message_counts_or_varies_by_itself(path: Path) -> None:
    known: set[tuple[str | None, bytes]] = set()
    for seen in messages(path):
        before = NORMAL.digest(seen.message, method=seen.method, era=seen.era)
        if (seen.method, before) in known:
            continue
        known.add((seen.method, before))
        body = seen.message.body()
        for at in leaves(body):
            again = written(changed(body, at))
            after = NORMAL.digest(again, method=again.method or seen.method, era=seen.era)
            expected = again.method == seen.message.method and varies(seen.message, seen.method, seen.era, at)
            assert (after == before) == expected, (seen.seq, seen.method, at)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
IDS = st.integers() | st.text(max_size=8)


@given(
    arguments=JSON,
    ids=st.lists(IDS, min_size=6, max_size=6),
    seed=st.integers(0, 99),
    indent=st.sampled_from([None, 1]),
)
def test_volatile_values_key_order_and_spacing_do_not_count(
    arguments: Any, ids: list[Any], seed: int, indent: int | None
) -> None:
    def call(one: Any, two: Any, three: Any) -> dict[str, Any]:
        meta = {"progressToken": two, "traceparent": three, "kept": 1}
        return {"id": one, "method": "tools/call", "params": {"name": "t", "arguments": arguments, "_meta": meta}}

    again = shuffled({"jsonrpc": "2.0", **call(*ids[3:])}, random.Random(seed))
    spaced = written(again, indent=indent)
    assert digest(call(*ids[:3])) == NORMAL.digest(spaced, method=None, era="stateful")


@given(arguments=JSON, seed=st.integers(0, 999))
def test_a_change_of_anything_else_counts(arguments: Any, seed: int) -> None:
    body = {"jsonrpc": "2.0", **request("tools/call", name="t", arguments={"all": arguments, "last": 0})}
    places = [at for at in leaves(body) if at != ("id",)]
    at = random.Random(seed).choice(places)
    other = changed(body, at)
    if json.dumps(other) != json.dumps(body):  # a float may be too large to become another by one
        assert digest(body) != digest(other)


def test_what_is_ignored_does_not_count() -> None:
    normal = Normal(Options(ignore=("$.params.arguments.when", "$..stamp", "$.params.list[0]")))
    one = request("tools/call", name="t", arguments={"when": 1, "what": {"stamp": 2}}, list=[1, 2])
    other = request("tools/call", name="t", arguments={"what": {}}, list=[9, 2])
    third = request("tools/call", name="t", arguments={"what": {}}, list=[9, 3])
    assert digest(one, normal=normal) == digest(other, normal=normal) != digest(third, normal=normal)


def test_what_is_ignored_for_a_method_or_a_name_counts_elsewhere() -> None:
    normal = Normal(Options(ignore=("tools/* get_* $.result.content",)))
    one, other = answer(content=[1]), answer(content=[2])
    assert digest(one, "tools/call", normal=normal, name="get_time") == digest(
        other, "tools/call", normal=normal, name="get_time"
    )
    for method, name in (("tools/call", "set_time"), ("prompts/get", "get_time"), ("tools/call", None)):
        assert digest(one, method, normal=normal, name=name) != digest(other, method, normal=normal, name=name)


def test_the_name_of_a_request_is_its_own() -> None:
    normal = Normal(Options(ignore=("tools/call get_time $.params.arguments",)))
    one, other = (
        request("tools/call", name="get_time", arguments=1),
        request("tools/call", name="get_time", arguments=2),
    )
    assert digest(one, normal=normal) == digest(other, normal=normal)


def test_deep_messages_are_compared_by_what_counts_too() -> None:
    for depth in (200, 400, 700):
        nested = "[" * depth + "1" + "]" * depth
        one, other = (f'{{"id":{n},"method":"x","params":{{"a":{nested}}}}}'.encode() for n in (1, 2))
        assert NORMAL.digest(read(one), method=None, era="stateful") == NORMAL.digest(
            read(other), method=None, era="stateful"
        )


def test_no_depth_is_too_much() -> None:
    for depth in range(880, 1000):
        for opened, closed in (("[", "]"), ('{"a":', "}")):
            raw = f'{{"id":1,"result":{{"inputRequests":{{"b":{opened * depth}1{closed * depth},"a":1}}}}}}'.encode()
            assert NORMAL.digest(read(raw), method="tools/call", era="stateless")


def test_a_whole_message_may_be_ignored() -> None:
    normal = Normal(Options(ignore=("$", "$.params.x")))
    assert digest(request("a", x=1), normal=normal) == digest(request("b", y=2), normal=normal)
    within = Normal(Options(ignore=("$..x",)))
    assert digest(request("a", x={"x": {"x": 1}}), normal=within) == digest(request("a"), normal=within)


def test_what_leads_to_too_many_values_is_not_ignored() -> None:
    normal = Normal(Options(ignore=("$.params.all[*]",)))
    one, other = request("x", all=[0] * 20_000), request("x", all=[1] * 20_000)
    assert digest(one, normal=normal) != digest(other, normal=normal)


def _nested(key: str, depth: int, leaf: int) -> bytes:
    """A round whose question is nested so deep that it can be read, and hardly be written."""
    asks = f'{{"{key}":{{"params":{"[" * depth}{leaf}{"]" * depth}}}}}'
    return f'{{"id":1,"result":{{"resultType":"input_required","inputRequests":{asks}}}}}'.encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"no json", b"no jsom"),
        (b"[1]", b"[2]"),
        (b'{"a":"\\ud800"}', b'{"a":"\\ud801"}'),
        (b'{"a":' + b"[" * 2000 + b"1" + b"]" * 2000 + b"}", b'{"a":' + b"[" * 2000 + b"2" + b"]" * 2000 + b"}"),
        (b'{"a":' + b"[" * 400 + b"1" + b"]" * 400 + b"}", b'{"a":' + b"[" * 400 + b"2" + b"]" * 400 + b"}"),
        (_nested("x", 460, 1), _nested("x", 460, 2)),
        (b'{"a":18446744073709551617}', b'{"a":18446744073709551618}'),
    ],
    ids=["no JSON", "no object", "lone surrogates", "too deep", "deep", "deep in a round", "large numbers"],
)
def test_odd_frames_have_digests_of_their_own(one: bytes, other: bytes) -> None:
    first, second = (NORMAL.digest(read(raw), method=None, era="stateful") for raw in (one, other))
    assert first != second
    assert first == NORMAL.digest(read(one), method=None, era="stateful")


@pytest.mark.parametrize("era", ["stateful", "stateless"])
def test_a_table_does_not_stumble_over_what_is_shaped_as_no_version_says(era: Era) -> None:
    inputs = {"inputRequests": [1], "inputResponses": {"a": 1}, "roots": 1, "role": 1, "model": 1, "_meta": 1}
    odds: tuple[Any, ...] = (
        None,
        1,
        "x",
        [],
        [1],
        [[]],
        inputs,
        {"tasks": [1, {"taskId": []}], "messages": [1]},
        {"roots": [{}]},
    )
    for method in (
        "tools/call",
        "tasks/get",
        "sampling/createMessage",
        "elicitation/create",
        "tasks/list",
        "roots/list",
    ):
        for odd in odds:
            for section in ("params", "result", "error"):
                assert digest({"id": 1, section: odd}, method, era)
