"""Which messages and asks a rule matches, the same in every era and carrier, and what it cannot tell."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.core.policy.watched import (
    EVERY,
    URL,
    URL_ASK,
    Watched,
    in_error,
    in_request,
    in_result,
    in_task,
    in_task_notification,
    selector,
)
from tests.core.session.conversation import (
    FORM,
    ROOTS,
    SAMPLE,
    error,
    modern,
    notification,
    request,
    result,
    stateful,
)

CARRIERS = [in_request, in_result, in_task, in_task_notification]
OF_SAMPLING: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"ask": "roots"}, False),
    ({"method": "sampling/*"}, True),
    ({"method": "tools/call"}, False),
    ({"from": "server"}, True),
    ({"from": "client"}, False),
    ({"kind": "request"}, True),
    ({"kind": ["result", "error"]}, False),
    ({"tool": "deploy"}, True),
    ({"tool": "dep*"}, True),
    ({"tool": "Deploy"}, False),
    ({"prompt": "deploy"}, False),
    ({"server": "fi*"}, True),
    ({"server": "bench"}, False),
    ({"given": {"path": "$.maxTokens", "equals": 9}}, True),
    ({"given": {"path": "$.maxTokens", "in": [1, 2]}}, False),
    ({"given": {"path": "$.messages", "longer_than": 0}}, False),
    ({"unless": {"path": "$.maxTokens", "equals": 9}}, False),
    ({"unless": {"path": "$.tools", "exists": True}}, True),
    ({"nth_of_call": 1}, True),
    ({"nth_of_call": 2}, False),
    ({"nth_of_session": 1}, True),
    ({"declared": True}, True),
    ({"declared": False}, False),
]


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(("fields", "expected"), OF_SAMPLING)
def test_a_rule_about_an_ask_is_the_same_in_every_carrier(
    carrier: Callable[[dict[str, Any]], Watched], fields: dict[str, Any], expected: bool
) -> None:
    assert carrier(SAMPLE).matches(**{"ask": "sampling"} | fields) is expected


@pytest.mark.parametrize("carrier", [*CARRIERS, in_error])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"mode_is": "url"}, True),
        ({"mode_is": "form"}, False),
        ({"host": "accounts.example.com"}, True),
        ({"host": "*.example.com"}, True),
        ({"host": "example.com"}, False),
        ({"unless_host": ["accounts.example.com"]}, False),
        ({"unless_host": ["other.example.com"]}, True),
        ({"given": {"path": "$.url", "host": "accounts.example.com"}}, True),
        ({"asked_again": False}, True),
        ({"declared": True}, True),
        ({"tool": "deploy"}, True),
    ],
)
def test_an_url_is_the_same_in_every_carrier(
    carrier: Callable[[dict[str, Any]], Watched], fields: dict[str, Any], expected: bool
) -> None:
    assert carrier(URL_ASK).matches(**{"ask": "elicitation"} | fields) is expected


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_doubtful_url_is_no_known_host_and_no_other(carrier: Callable[[dict[str, Any]], Watched]) -> None:
    watched = carrier({"method": "elicitation/create", "params": URL | {"url": "https://a@accounts.example.com"}})
    assert watched.matches(ask="elicitation", host="accounts.example.com") == "doubt"
    assert watched.matches(ask="elicitation", unless_host="accounts.example.com") == "doubt"


@pytest.mark.parametrize("carrier", CARRIERS)
def test_forms_have_no_host(carrier: Callable[[dict[str, Any]], Watched]) -> None:
    assert carrier(FORM).matches(ask="elicitation", host="a.b") is False
    assert carrier(FORM).matches(ask="elicitation", unless_host="a.b") is False
    assert carrier(FORM).matches(ask="elicitation", mode_is="form") is True


@pytest.mark.parametrize("carrier", CARRIERS)
def test_an_ask_without_parameters_is_an_empty_table(carrier: Callable[[dict[str, Any]], Watched]) -> None:
    assert carrier(ROOTS).matches(ask="roots", given={"path": "$", "equals": {}}) is True


def test_the_answer_to_an_ask_is_the_same_in_every_era() -> None:
    said = {"role": "assistant", "content": {"type": "text", "text": "token"}, "model": "m"}
    stated = in_request(SAMPLE).client(result(9, **said))
    rounds = in_result(SAMPLE).client(
        modern(2, "tools/call", EVERY, name="deploy", inputResponses={"key": said}, requestState="state")
    )
    task = in_task(SAMPLE).client(modern(3, "tasks/update", EVERY, taskId="t-1", inputResponses={"key": said}))
    for watched in (stated, rounds, task):
        assert (
            watched.matches(ask="sampling", kind="result", given={"path": "$.content.text", "equals": "token"}) is True
        )
        assert watched.matches(ask="sampling", kind="error") is False
        assert watched.matches(ask="sampling") is False
    assert in_request(SAMPLE).client(error(9, -1)).matches(ask="sampling", kind="error") is True


CALL = request(1, "tools/call", name="read", arguments={"path": "/etc/passwd", "all": ["/w/a", "/etc/x"], "n": 5})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"all": True}, True),
        ({"method": "tools/call"}, True),
        ({"method": ["tools/list", "tools/*"]}, True),
        ({"method": "*/call"}, True),
        ({"method": "tool?/call"}, True),
        ({"method": "tools.call"}, False),
        ({"method": "TOOLS/call"}, False),
        ({"tool": "read"}, True),
        ({"tool": ["write", "re*"]}, True),
        ({"tool": "Read"}, False),
        ({"prompt": "read"}, False),
        ({"resource": "*"}, False),
        ({"kind": "request"}, True),
        ({"kind": "result"}, False),
        ({"from": "client"}, True),
        ({"from": "server"}, False),
        ({"era": "stateful"}, True),
        ({"era": "stateless"}, False),
        ({"server": ["files", "other"]}, True),
        ({"ask": "sampling"}, False),
        ({"given": {"path": "$.arguments.path", "inside": "/etc"}}, True),
        ({"given": {"path": "$.arguments.all[*]", "inside": "/etc"}}, True),
        ({"unless": {"path": "$.arguments.all[*]", "inside": "/w"}}, True),
        ({"do": "allow", "given": {"path": "$.arguments.all[*]", "inside": "/w"}}, False),
        ({"do": "allow", "unless": {"path": "$.arguments.all[*]", "inside": "/etc"}}, False),
        ({"given": [{"path": "$.arguments.n", "equals": 5}, {"path": "$.name", "equals": "write"}]}, False),
        ({"given": {"path": "$.arguments.n", "matches": "5"}}, "doubt"),
        ({"unless": {"path": "$.arguments.n", "matches": "5"}}, "doubt"),
        ({"unless": {"path": "$.arguments.n", "matches": "5"}, "tool": "write"}, False),
        ({"given": [{"path": "$.arguments.n", "matches": "5"}, {"path": "$.name", "equals": "write"}]}, False),
        ({"given": {"path": "$.missing", "matches": "5"}}, False),
        ({"task_status": "working"}, False),
    ],
)
def test_a_rule_about_a_message(fields: dict[str, Any], expected: bool | str) -> None:
    assert Watched(stateful()).client(CALL).matches(**fields) == expected


def test_a_response_belongs_to_its_request() -> None:
    watched = Watched(stateful()).client(CALL).server(result(1, content=[{"type": "text", "text": "root"}]))
    assert watched.matches(tool="read", kind="result") is True
    assert watched.matches(method="tools/call", given={"path": "$.content[*].text", "matches": "root"}) is True
    assert watched.matches(tool="write") is False
    failed = Watched(stateful()).client(CALL).server(error(1, -32603))
    assert failed.matches(kind="error", given={"path": "$.code", "equals": -32603}) is True
    assert Watched(stateful()).server(result(77)).matches(method="*") is False


def test_resources_are_named_in_requests_and_updates() -> None:
    watched = Watched(stateful()).client(request(1, "resources/read", uri="file:///srv/a"))
    assert watched.matches(resource="file:///srv/*") is True
    watched.server(notification("notifications/resources/updated", uri="file:///srv/b"))
    assert watched.matches(resource="file:///srv/*", kind="notification") is True
    assert watched.matches(tool="*") is False


@pytest.mark.parametrize("name", [["read"], None, 5, {"x": 1}])
def test_a_name_that_is_no_text_is_neither_this_nor_that(name: Any) -> None:
    watched = Watched(stateful()).client(request(1, "tools/call", name=name))
    assert watched.matches(tool="read") == "doubt"
    assert watched.matches(do="allow", tool="read") == "doubt"


def test_what_cannot_be_read_is_doubtful() -> None:
    watched = Watched(stateful())
    watched.client(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":nonsense}')
    assert watched.matches(given={"path": "$.a", "exists": True}) == "doubt"
    assert watched.matches(kind="request") is False
    assert watched.matches(all=True) is True
    watched.client(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n":' + b"9" * 5000 + b"}}")
    assert watched.matches(given={"path": "$.a", "exists": True}) == "doubt"
    assert watched.matches(given=[{"path": "$.a", "exists": True}] * 2) == "doubt"
    watched.client(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud800*"}}')
    assert watched.matches(tool="x*y") == "doubt"


def test_the_index_leaves_out_what_cannot_match() -> None:
    rule = selector(method="tools/*", kind="request", **{"from": "client"})
    assert rule.applies_to("tools/call", "request", "client", False)
    assert not rule.applies_to("tools/call", "request", "server", False)
    assert not rule.applies_to("tools/call", "result", "client", False)
    assert not rule.applies_to("prompts/get", "request", "client", False)
    assert not rule.applies_to(None, "request", "client", False)
    assert selector(tool="x").applies_to("tools/call", "result", "server", True)
    assert not selector(tool="x").applies_to("prompts/get", "result", "server", True)
    assert selector(method="a*b").applies_to("\ud800", "request", "client", False)
    assert selector(ask="roots").applies_to("tools/call", "result", "server", True)
    assert not selector(ask="roots").applies_to("roots/list", "request", "server", False)
