"""`strip`, row by row: what is declared, what leans on it, and what comes all the same."""

from typing import Any

import pytest
from tests.core.policy.actions.trying import BLOCKED, attempt, changed, rule
from tests.core.session.conversation import (
    CAPABILITIES,
    FORM,
    ROOTS,
    SAMPLE,
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

from interpose.core.policy.actions.capability import paths
from interpose.core.policy.actions.denial import Denial
from interpose.core.policy.actions.strip import concerns
from interpose.core.policy.actions.undeclared import asked_all_the_same, denial, is_swallowed
from interpose.core.session.sighting import Sighting

LOG_LEVEL = "io.modelcontextprotocol/logLevel"
EVERY: dict[str, Any] = {
    "sampling": {"tools": {}, "context": {}},
    "elicitation": {"form": {}, "url": {}},
    "roots": {"listChanged": True},
    "tasks": {
        "list": {},
        "requests": {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}},
    },
    "extensions": {TASKS: {}, "com.example/x": {}},
    "experimental": {"a.b": {}},
    "unknown": [1],
}
OFFERS: dict[str, Any] = {
    "tools": {"listChanged": True},
    "resources": {"subscribe": True, "listChanged": True},
    "logging": {},
    "tasks": {"requests": {"tools": {"call": {}}}},
    "extensions": {TASKS: {}},
}


def one(*names: str) -> Any:
    return rule("strip", capability=list(names))


def without(tree: Any, *gone: tuple[str, ...]) -> Any:
    """A tree without the members at these paths."""
    left = dict(tree)
    for path in gone:
        if len(path) == 1:
            left.pop(path[0])
        else:
            left[path[0]] = without(left[path[0]], path[1:])
    return left


def declared(names: tuple[str, ...], capabilities: Any) -> tuple[Any, Any]:
    """What is left of a client's capabilities, in `initialize` and in a request of 2026-07-28."""
    opening = Talk().client(request(0, "initialize", protocolVersion="2025-11-25", capabilities=capabilities))
    call = stateless().client(modern(1, "tools/call", capabilities, name="t"))
    assert concerns(one(*names), opening)
    assert concerns(one(*names), call)
    old, _ = attempt(one(*names), opening)
    new, _ = attempt(one(*names), call)
    if BLOCKED in (old, new):
        return (BLOCKED, BLOCKED) if old == new else (old, new)
    return old["params"]["capabilities"], new["params"]["_meta"][CAPABILITIES]


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        (("sampling",), [("sampling",), ("tasks", "requests", "sampling")]),
        (("sampling.tools",), [("sampling", "tools")]),
        (("sampling.context", "sampling.tools"), [("sampling", "tools"), ("sampling", "context")]),
        (("elicitation",), [("elicitation",), ("tasks", "requests", "elicitation")]),
        (("elicitation.form",), [("elicitation", "form")]),
        (("elicitation.url",), [("elicitation", "url")]),
        (("elicitation.url", "elicitation.form"), [("elicitation",), ("tasks", "requests", "elicitation")]),
        (("roots",), [("roots",)]),
        (("roots.listChanged",), [("roots", "listChanged")]),
        (("tasks",), [("tasks",), ("extensions", TASKS)]),
        (("tasks.requests.sampling",), [("tasks", "requests", "sampling")]),
        (("extensions.com.example/x",), [("extensions", "com.example/x")]),
        (("experimental.a.b",), [("experimental", "a.b")]),
        (("logging", "completions"), []),
    ],
)
def test_a_client_declares_it_no_more(names: tuple[str, ...], gone: list[tuple[str, ...]]) -> None:
    left = without(EVERY, *gone)
    assert declared(names, EVERY) == (left, left)
    assert declared(names, left) == (left, left)


@pytest.mark.parametrize(
    ("said", "mode", "left"),
    [
        ({}, "form", None),
        ({}, "url", {}),
        ({"form": {}}, "form", None),
        ({"form": {}}, "url", {"form": {}}),
        ({"url": {}}, "url", None),
        ({"url": {}}, "form", {"url": {}}),
        ({"url": {}, "x": 1}, "url", None),
        ({"form": {}, "url": None}, "form", None),
        ({"form": {}, "url": {}}, "form", {"url": {}}),
        ({"form": {}, "url": {}}, "url", {"form": {}}),
        (True, "form", None),
        (None, "form", ...),
        (False, "form", ...),
    ],
)
def test_an_empty_object_means_forms_and_is_never_left_behind(said: Any, mode: str, left: Any) -> None:
    before = {"elicitation": said, "tasks": {"requests": {"elicitation": {}}}}
    after: Any = before if left is ... else before | {"elicitation": left}
    if left is None:
        after = {"tasks": {"requests": {}}}
    assert declared((f"elicitation.{mode}",), before) == (after, after)


def test_no_mode_is_left_where_nothing_is_said_of_tasks() -> None:
    assert declared(("elicitation.form",), {"elicitation": {}, "roots": {}}) == ({"roots": {}}, {"roots": {}})


@pytest.mark.parametrize("capabilities", [[], "sampling", 1, True])
def test_capabilities_of_another_type_are_blocked(capabilities: Any) -> None:
    assert declared(("sampling",), capabilities) == (BLOCKED, BLOCKED)


@pytest.mark.parametrize("method", ["server/discover", "subscriptions/listen", "tools/list", "custom/thing"])
def test_every_request_of_the_stateless_era_is_stripped(method: str) -> None:
    seen = Talk().client(modern(1, method, {"sampling": {}, "roots": {}}))
    assert changed(one("sampling"), seen)["_meta"][CAPABILITIES] == {"roots": {}}
    assert attempt(one("sampling"), seen)[1] == "stripped sampling"


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        (("tasks",), [("tasks",), ("extensions", TASKS)]),
        (("resources.subscribe",), [("resources", "subscribe")]),
        (("tools.listChanged", "resources.listChanged"), [("tools", "listChanged"), ("resources", "listChanged")]),
        (("logging",), [("logging",)]),
        (("tools",), [("tools",)]),
        (("sampling", "roots", "elicitation"), []),
    ],
)
def test_a_server_offers_it_no_more(names: tuple[str, ...], gone: list[tuple[str, ...]]) -> None:
    left = without(OFFERS, *gone)
    for asked in (request(0, "initialize"), modern(0, "server/discover")):
        talk = Talk()
        talk.client(asked)
        seen = talk.server(result(0, capabilities=OFFERS, instructions="x"))
        assert concerns(one(*names), seen)
        assert changed(one(*names), seen) == ({"capabilities": left, "instructions": "x"} if gone else None)


def test_no_tasks_means_no_wish_for_one() -> None:
    call = stateful().client(request(1, "tools/call", name="t", task={"ttl": 1}))
    assert changed(one("tasks"), call) == {"name": "t"}
    assert changed(one("tasks.requests.tools"), call) == {"name": "t"}
    assert changed(one("tasks.list", "sampling"), call) is None
    ask = stateful().server(request(1, "sampling/createMessage", maxTokens=1, task={}))
    assert changed(one("tasks"), ask) == {"maxTokens": 1}
    assert changed(one("tasks.requests.sampling"), ask) == {"maxTokens": 1}
    assert changed(one("tasks.requests.tools"), ask) is None


def test_no_tasks_means_that_tools_do_not_speak_of_them() -> None:
    tools = [
        {"name": "a", "execution": {"taskSupport": "required"}},
        {"name": "b", "execution": {"taskSupport": "optional", "x": 1}},
        {"name": "c"},
        {"name": "d", "execution": None},
        7,
    ]
    talk = stateful()
    talk.client(request(1, "tools/list"))
    seen = talk.server(result(1, tools=tools, nextCursor="2"))
    left = [{"name": "b", "execution": {"x": 1}}, *tools[2:]]
    assert changed(one("tasks"), seen) == {"tools": left, "nextCursor": "2"}
    assert changed(one("logging"), seen) is None
    nothing = stateful()
    nothing.client(request(1, "tools/list"))
    assert changed(one("tasks"), nothing.server(result(1))) is None
    assert "1 tools that need tasks" in str(attempt(one("tasks"), seen)[1])


def test_no_logs_means_no_log_level() -> None:
    seen = stateless().client(modern(1, "tools/call", name="t", _meta={LOG_LEVEL: "debug"}))
    assert LOG_LEVEL not in changed(one("logging"), seen)["_meta"]
    assert changed(one("tools"), seen) is None


def test_what_is_stripped_is_not_listened_for() -> None:
    wanted = {"toolsListChanged": True, "resourceSubscriptions": ["x"], "taskIds": ["t"], "promptsListChanged": True}
    seen = stateless().client(modern(1, "subscriptions/listen", notifications=wanted))
    left = changed(one("tools.listChanged", "resources", "tasks"), seen)["notifications"]
    assert left == {"promptsListChanged": True}
    odd = stateless().client(modern(1, "subscriptions/listen", notifications=3))
    assert changed(one("tools"), odd) is None


@pytest.mark.parametrize(
    ("names", "needed", "is_explained"),
    [
        (("sampling",), {"sampling": {}}, True),
        (("sampling",), {"roots": {}}, False),
        (("elicitation.url",), {"elicitation": {"url": {}}}, True),
        (("elicitation.form",), {"elicitation": {}}, True),
        (("elicitation.url",), {"elicitation": {}}, False),
        (("tasks",), {"extensions": {TASKS: {}}}, True),
        (("sampling",), None, False),
    ],
)
def test_a_server_that_needs_it_is_explained(names: tuple[str, ...], needed: Any, is_explained: bool) -> None:
    talk = stateless()
    talk.client(modern(1, "tools/call", EVERY, name="t"))
    seen = talk.server(error(1, -32021, {"requiredCapabilities": needed}))
    body, words = attempt(one(*names), seen)
    assert (body["error"]["code"], words is not None) == ((-31001, True) if is_explained else (-32021, False))


def asks() -> list[Sighting]:
    """Sampling, a form, a URL and roots: as requests, and as input requests of one result."""
    talk = stateful()
    url: dict[str, Any] = {"mode": "url", "elicitationId": "e", "url": "https://a.example", "message": "?"}
    found = [
        talk.server(request(1, "sampling/createMessage", messages=[], maxTokens=9)),
        talk.server(request(2, "elicitation/create", mode="form", message="?")),
        talk.server(request(3, "elicitation/create", **url)),
        talk.server(request(4, "roots/list")),
    ]
    later = stateless()
    later.client(modern(1, "tools/call", name="t"))
    inputs = {"a": SAMPLE, "b": FORM, "c": {"method": "elicitation/create", "params": url}, "d": ROOTS}
    return [*found, later.server(asking(1, "s", **inputs))]


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("sampling", [-32601, None, None, None]),
        ("elicitation", [None, -32601, -32601, None]),
        ("elicitation.form", [None, -32602, None, None]),
        ("elicitation.url", [None, None, -32602, None]),
        ("roots", [None, None, None, -32601]),
        ("roots.listChanged", [None, None, None, None]),
        ("sampling.tools", [None, None, None, None]),
        ("tasks", [None, None, None, None]),
    ],
)
def test_what_is_asked_all_the_same_is_refused(name: str, codes: list[int | None]) -> None:
    *requests, inputs = asks()
    for found in ([seen.asks[0] for seen in requests], inputs.asks):
        refusals = [asked_all_the_same(one(name), ask) for ask in found]
        assert [refusal and refusal.code for refusal in refusals] == codes


@pytest.mark.parametrize(
    ("name", "params", "refused"),
    [
        ("sampling.tools", {"tools": []}, True),
        ("sampling.tools", {"toolChoice": {}}, True),
        ("sampling.tools", {"tools": None}, False),
        ("sampling.context", {"includeContext": "thisServer"}, True),
        ("sampling.context", {"includeContext": "none"}, False),
        ("sampling.context", {"includeContext": ["none"]}, True),
        ("sampling.context", {"tools": []}, False),
        ("sampling.tools", [1], True),
    ],
)
def test_parts_of_sampling_that_are_used_all_the_same(name: str, params: Any, refused: bool) -> None:
    said = {"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": params}
    refusal = asked_all_the_same(one(name), stateful().server(said).asks[0])
    assert refusal is None if not refused else (refusal is not None and refusal.code == -32602)


@pytest.mark.parametrize(
    ("name", "method", "stateful_refused", "stateless_refused"),
    [
        ("logging", "logging/setLevel", True, False),
        ("resources.subscribe", "resources/subscribe", True, False),
        ("resources.subscribe", "resources/read", False, False),
        ("resources", "resources/read", True, True),
        ("tasks", "tasks/get", True, True),
        ("tasks.cancel", "tasks/cancel", True, False),
        ("tasks.list", "tasks/get", False, False),
        ("tools", "tools/call", True, True),
        ("tools.listChanged", "tools/call", False, False),
        ("tools", "custom/thing", False, False),
    ],
)
def test_calls_of_what_is_stripped_are_refused(
    name: str, method: str, stateful_refused: bool, stateless_refused: bool
) -> None:
    refusal = Denial(-32601, "Method not found")
    old = stateful().client(request(1, method))
    assert denial(one(name), old) == (refusal if stateful_refused else None)
    new = stateless().client(modern(1, method))
    assert denial(one(name), new) == (refusal if stateless_refused else None)


def test_asks_are_refused_as_asks_only() -> None:
    assert denial(one("sampling"), asks()[0]) is None


@pytest.mark.parametrize(
    ("name", "end", "method", "swallowed"),
    [
        ("roots", "client", "notifications/roots/list_changed", True),
        ("roots.listChanged", "client", "notifications/roots/list_changed", True),
        ("logging", "server", "notifications/message", True),
        ("tools.listChanged", "server", "notifications/tools/list_changed", True),
        ("resources", "server", "notifications/resources/updated", True),
        ("tasks", "server", "notifications/tasks/status", True),
        ("elicitation.url", "server", "notifications/elicitation/complete", True),
        ("elicitation.form", "server", "notifications/elicitation/complete", False),
        ("tools.listChanged", "server", "notifications/prompts/list_changed", False),
        ("tasks", "server", "notifications/progress", False),
        ("tasks", "server", "notifications/unknown", False),
    ],
)
def test_news_of_what_is_stripped_go_nowhere(name: str, end: Any, method: str, swallowed: bool) -> None:
    assert is_swallowed(one(name), stateful().say(end, notification(method))) is swallowed


def test_requests_are_never_swallowed() -> None:
    assert not is_swallowed(one("tools"), stateful().client(request(1, "tools/list")))


def test_names_become_paths() -> None:
    assert paths(("tasks.requests",)) == {("tasks", "requests")}
    assert ("extensions", "a.b/c") in paths(("extensions.a.b/c",))


def test_messages_without_capabilities_are_no_concern() -> None:
    assert not concerns(one("sampling"), stateful().client(request(1, "tools/list")))
    assert not concerns(one("sampling"), stateful().client(error(1, -1)))
    assert changed(one("sampling"), stateful().client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})) is None
