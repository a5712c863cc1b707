"""`hide`: lists without the hidden, and the refusal of their use, in both eras."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.core.policy.actions.trying import BLOCKED, changed, rule
from tests.core.session.conversation import Talk, modern, notification, request, result, stateful, stateless

from interpose.core.policy.actions.denial import Denial
from interpose.core.policy.actions.hide import concerns, denial, is_hidden_call, is_swallowed
from interpose.core.policy.address import spellings
from interpose.core.session.sighting import Sighting

ONE = rule("hide", tool=["delete_*", "admin"], prompt="secret", resource=["file:///etc/*", "note://?"])
ERAS = [(stateful, request), (stateless, modern)]
LISTS = [
    ("tools/list", "tools", "name", ["delete_all", "add", "admin", "Admin"], ["add", "Admin"]),
    ("prompts/list", "prompts", "name", ["secret", "secret2"], ["secret2"]),
    ("resources/list", "resources", "uri", ["file:///etc/passwd", "file:///srv/x", "note://1"], ["file:///srv/x"]),
    ("resources/templates/list", "resourceTemplates", "uriTemplate", ["file:///etc/{x}", "db://{x}"], ["db://{x}"]),
]


def listed(era: Any, method: str, **members: Any) -> Sighting:
    talk: Talk = era[0]()
    talk.client(era[1](1, method))
    return talk.server(result(1, **members))


def used(era: Any, method: str, **params: Any) -> Sighting:
    talk: Talk = era[0]()
    return talk.client(era[1](1, method, **params))


@pytest.mark.parametrize("era", ERAS, ids=["stateful", "stateless"])
@pytest.mark.parametrize(("method", "name", "key", "there", "left"), LISTS, ids=[each[0] for each in LISTS])
def test_lists_lack_the_hidden_on_every_page(
    era: Any, method: str, name: str, key: str, there: list[str], left: list[str]
) -> None:
    more = {"nextCursor": "", "ttlMs": 5, "_meta": {"x": [1]}}
    seen = listed(era, method, **{name: [{key: each, "title": each} for each in there]}, **more)
    assert concerns(ONE, seen)
    assert changed(ONE, seen) == {name: [{key: each, "title": each} for each in left], **more}
    only_hidden = listed(era, method, **{name: [{key: there[0]}]}, nextCursor="2")
    assert changed(ONE, only_hidden) == {name: [], "nextCursor": "2"}
    assert changed(ONE, listed(era, method, **{name: [{key: left[0]}]})) is None


def test_a_rule_hides_only_what_it_names() -> None:
    one = rule("hide", prompt="*")
    assert changed(one, listed(ERAS[0], "tools/list", tools=[{"name": "x"}, {}])) is None
    assert not is_hidden_call(one, used(ERAS[0], "tools/call", name="x"))


@pytest.mark.parametrize(
    ("tools", "after"),
    [([{"name": ["add"]}, "add", {}, {"name": "add"}], [{"name": "add"}]), ({"name": "add"}, BLOCKED), (None, BLOCKED)],
)
def test_what_cannot_be_told_by_name_is_hidden(tools: Any, after: Any) -> None:
    found = changed(ONE, listed(ERAS[0], "tools/list", tools=tools))
    assert found == (BLOCKED if after == BLOCKED else {"tools": after})


def test_answers_to_requests_never_seen_may_be_lists() -> None:
    seen = stateful().server(result(7, tools=[{"name": "admin"}], prompts=[{"name": "secret"}, {"name": "x"}]))
    assert changed(ONE, seen) == {"tools": [], "prompts": [{"name": "x"}]}


@pytest.mark.parametrize("era", ERAS, ids=["stateful", "stateless"])
@pytest.mark.parametrize(
    ("method", "params", "refusal"),
    [
        ("tools/call", {"name": "delete_all"}, Denial(-32602, "Unknown tool: delete_all")),
        ("tools/call", {"name": "add"}, None),
        ("tools/call", {"name": ["admin"]}, Denial(-32602, "Unknown tool: ['admin']")),
        ("tools/call", {}, Denial(-32602, "Unknown tool: None")),
        ("prompts/get", {"name": "secret"}, Denial(-32602, "Unknown prompt: secret")),
        ("resources/read", {"uri": "file:///etc/passwd"}, Denial(-32002, "Resource not found: file:///etc/passwd")),
        ("resources/read", {"uri": "FILE://localhost/srv/../%65tc//passwd"}, ...),
        ("resources/read", {"uri": "file:///srv/etc/passwd"}, None),
        ("resources/subscribe", {"uri": "note://1"}, Denial(-32002, "Resource not found: note://1")),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "secret"}}, ...),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": "file:///etc/{x}"}}, ...),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "other"}}, None),
        ("tools/list", {"name": "admin"}, None),
    ],
)
def test_the_use_of_the_hidden_is_refused(era: Any, method: str, params: Any, refusal: Any) -> None:
    seen = used(era, method, **params)
    found = denial(ONE, seen)
    assert is_hidden_call(ONE, seen) is (refusal is not None) is (found is not None)
    if isinstance(refusal, Denial):
        code = -32602 if seen.era == "stateless" else refusal.code
        assert found == Denial(code, refusal.text)


def test_a_call_without_an_id_is_a_call_too() -> None:
    assert is_hidden_call(ONE, stateful().client(notification("tools/call", name="admin")))


def test_a_server_uses_nothing() -> None:
    assert not is_hidden_call(ONE, stateful().server(request(1, "tools/call", name="admin")))


def test_a_name_that_is_no_unicode_is_hidden() -> None:
    wild = rule("hide", tool="d*l")
    assert is_hidden_call(wild, used(ERAS[0], "tools/call", name="x\ud800"))


def test_news_of_hidden_resources_go_nowhere() -> None:
    talk = stateful()
    assert is_swallowed(ONE, talk.server(notification("notifications/resources/updated", uri="note://1")))
    assert not is_swallowed(ONE, talk.server(notification("notifications/resources/updated", uri="file:///srv/x")))
    assert not is_swallowed(ONE, talk.server(notification("notifications/message", uri="note://1")))


def test_hidden_resources_are_not_listened_for() -> None:
    wanted = {"toolsListChanged": True, "resourceSubscriptions": ["note://1", "file:///srv/x"]}
    seen = used(ERAS[1], "subscriptions/listen", notifications=wanted)
    assert concerns(ONE, seen)
    left = changed(ONE, seen)["notifications"]
    assert left == {"toolsListChanged": True, "resourceSubscriptions": ["file:///srv/x"]}
    assert changed(ONE, used(ERAS[1], "subscriptions/listen", notifications={})) is None


def test_other_messages_are_no_concern() -> None:
    assert not concerns(ONE, used(ERAS[0], "tools/call", name="admin"))
    assert not concerns(ONE, listed(ERAS[0], "tools/call", tools=[{"name": "admin"}]))
    assert changed(ONE, listed(ERAS[0], "tools/call", tools=[{"name": "admin"}])) is None
    assert changed(ONE, used(ERAS[0], "tools/call", name="admin")) is None


@pytest.mark.parametrize(
    ("uri", "tidied"),
    [
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("file:///a/./b//c/../d", "file:///a/b/d"),
        ("file:///../../etc", "file:///etc"),
        ("FILE://LocalHost/etc", "file:///etc"),
        ("http://Host/%2565tc", "http://host/etc"),
        ("file:/etc/../x", "file:///x"),
        ("urn:A:b", "urn:A:b"),
        ("no scheme", "no scheme"),
        ("note://1", "note://1/"),
    ],
)
def test_spellings(uri: str, tidied: str) -> None:
    assert spellings(uri)[0] == uri
    assert spellings(uri)[-1] == tidied


@pytest.mark.parametrize("era", ERAS, ids=["stateful", "stateless"])
def test_all_but_some(era: Any) -> None:
    one = rule("hide", tool="*", unless_tool=["search", "read_*"], resource="*", unless_resource="file:///srv/*")
    tools = [{"name": name} for name in ("search", "read_file", "write_file", "Search")]
    assert changed(one, listed(era, "tools/list", tools=tools)) == {"tools": tools[:2]}
    assert denial(one, used(era, "tools/call", name="read_file")) is None
    assert denial(one, used(era, "tools/call", name="write_file")) == Denial(-32602, "Unknown tool: write_file")
    assert denial(one, used(era, "tools/call", name=7)) is not None
    assert denial(one, used(era, "prompts/get", name="x")) is None
    assert denial(one, used(era, "resources/read", uri="file:///srv/x")) is None
    for uri in ("file:///etc/passwd", "file:///srv/../etc/passwd", "file:///srv/%2e%2e/etc/passwd", "\ud800"):
        assert denial(one, used(era, "resources/read", uri=uri)) is not None


@pytest.mark.parametrize("what", ["tool", "prompt", "resource"])
def test_an_exception_needs_what_it_is_one_of(what: str) -> None:
    other = "prompt" if what == "tool" else "tool"
    with pytest.raises(ValidationError, match=f'add `{what} = "\\*"`'):
        rule("hide", **{f"unless_{what}": "x", other: "*"})
