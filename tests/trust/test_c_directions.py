"""Part C, 32 to 42: what servers ask of clients, and what clients answer, in requests and in rounds."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.edge.governed_stdio import local, remote
from tests.edge.http_server_peers import Request, answer, serving
from tests.trust.edge import enforce
from tests.trust.scene import META, STATELESS, Heard, Scene, denied, dump, passed, wants, worked

pytestmark = pytest.mark.anyio

NO_SAMPLING = '[[rule]]\nname = "no-sampling"\nask = "sampling"\ndo = "block"\n'
SAMPLING: Any = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}
FORM: Any = {"method": "elicitation/create", "params": {"message": "Which?", "requestedSchema": {"type": "object"}}}
AWS = "AKIA" + "IOSFODNN7EXAMPLQ"
SECRETS = '[[rule]]\nname = "secrets"\nall = true\ndo = "redact"\nfind = "secrets"\n'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def entries(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / "r.jsonl").read_bytes().splitlines()[1:]]


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_32_a_server_that_asks_the_model_is_refused_under_its_id(version: str) -> None:
    scene = Scene(NO_SAMPLING, version)
    scene.call(1)
    heard = scene.server({"id": "s-1", **SAMPLING})
    assert denied(heard, "server", "s-1", "no-sampling")["error"]["code"] == -1
    assert (heard.entries[0].end, heard.entries[1].by, heard.entries[1].end) == ("server", "interpose", "client")
    watched = Scene(NO_SAMPLING.replace("do =", 'mode = "audit"\ndo ='), version)
    watched.call(1)
    heard = watched.server({"id": "s-1", **SAMPLING})
    passed(heard, "server", dump({"id": "s-1", **SAMPLING}))
    assert heard.would == ["no-sampling"]


async def test_32_a_child_that_asks_is_answered_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(monkeypatch, NO_SAMPLING)
    async with local(tmp_path) as client:
        await client.ask({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "warm"}})
        began = time.monotonic()
        said = await client.ask({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "ask"}})
        assert time.monotonic() - began < 1
        assert said["id"] == 7
        assert json.loads(said["result"]["content"][0]["text"])["error"]["code"] == -1
    [asked] = [entry for entry in entries(tmp_path) if "verdict" in entry]
    assert (asked["from"], asked["verdict"]["rules"][0]["rule"]) == ("server", "no-sampling")


@pytest.mark.parametrize("pending", [7, "7"])
@pytest.mark.parametrize("ident", [7, "7"])
@pytest.mark.parametrize("rules", [NO_SAMPLING, ""])
def test_33_a_server_may_use_the_id_of_a_call_that_waits(pending: Any, ident: Any, rules: str) -> None:
    scene = Scene(rules)
    scene.call(pending)
    if rules:
        denied(scene.server({"id": ident, **SAMPLING}), "server", ident, "no-sampling")
    passed(scene.server({"id": ident, **FORM}), "server", dump({"id": ident, **FORM}))
    accepted = {"id": ident, "result": {"action": "accept", "content": {}}}
    passed(scene.client(accepted), "client", dump(accepted))
    done = {"id": pending, "result": {"content": []}}
    passed(scene.server(done), "server", dump(done))
    assert scene.core.session.waits(scene.at) == ()


def schema(**properties: Any) -> Any:
    return {"type": "object", "properties": properties}


SECRET_FORMS: dict[str, Any] = {
    "in words": {"message": "Please enter your password", "requestedSchema": schema()},
    "an API key": {"message": "Your API key?", "requestedSchema": schema()},
    "in a label": {"message": "Hello", "requestedSchema": schema(x={"type": "string", "title": "API key"})},
    "in a description": {"message": "Hi", "requestedSchema": schema(x={"type": "string", "description": "password"})},
    "in the name of a field": {"message": "Hi", "requestedSchema": schema(password={"type": "string"})},
    "among what is required": {"message": "Hi", "requestedSchema": schema() | {"required": ["api_key"]}},
}
DOUBTFUL_LINKS = {
    "http": "http://accounts.example.com/start",
    "javascript": "javascript:alert(1)//accounts.example.com",
    "data": "data:text/html,accounts.example.com",
    "punycode": "https://xn--accounts-w4a.example.com.evil.example/",
    "punycode below": "https://accounts.xn--exmple-cua.com/",
    "other alphabet": "https://\u0430ccounts.example.com/",
    "userinfo": "https://accounts.example.com@evil.example/",
    "userinfo before it": "https://user:pass@accounts.example.com/",
    "backslash": "https://evil.example\\@accounts.example.com/",
    "credentials in the query": "https://accounts.example.com/start?password=hunter2",
    "a token in the query": "https://accounts.example.com/start?x=1&access_token=abc",
}
LINKS = worked("sign-in-only-with-us") + (
    '\n[[rule]]\nname = "no-credentials-in-links"\nask = "elicitation"\nmode_is = "url"\ndo = "answer"\n'
    'outcome = "decline"\ngiven = { path = "$.url", matches = \'(?i)[?&#][^=]*(passw|token|secret|key)[^=]*=\' }\n'
)


@pytest.mark.parametrize("params", SECRET_FORMS.values(), ids=SECRET_FORMS)
def test_34_a_form_for_a_secret_is_declined(params: Any) -> None:
    scene = Scene(worked("no-secrets-in-forms"))
    scene.call(1)
    ask = {"method": "elicitation/create", "params": params}
    assert denied(scene.server({"id": 4, **ask}), "server", 4)["result"] == {"action": "decline"}
    [repeated] = wants(Scene(worked("no-secrets-in-forms"), STATELESS), {"f": ask}).server
    assert json.loads(repeated)["params"]["inputResponses"] == {"f": {"action": "decline"}}
    passed(scene.server({"id": 5, **FORM}), "server", dump({"id": 5, **FORM}))


@pytest.mark.parametrize("url", DOUBTFUL_LINKS.values(), ids=DOUBTFUL_LINKS)
def test_34_a_doubtful_link_is_declined(url: str) -> None:
    link = {"mode": "url", "message": "Sign in", "url": url, "elicitationId": "e-1"}
    ask = {"method": "elicitation/create", "params": link}
    scene = Scene(LINKS)
    scene.call(1)
    assert denied(scene.server({"id": 4, **ask}), "server", 4)["result"] == {"action": "decline"}
    plain = {**ask, "params": {**link, "url": "https://accounts.example.com/start?state=1"}}
    passed(scene.server({"id": 5, **plain}), "server", dump({"id": 5, **plain}))


async def test_34_a_link_is_never_fetched_in_advance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforce(monkeypatch, NO_SAMPLING)
    links: list[str] = []

    async def script(asked: Request) -> web.StreamResponse:
        if asked.verb != "POST":
            return web.Response(status=405)
        link = {"mode": "url", "message": "Sign in", "url": links[0], "elicitationId": "e-1"}
        inputs = {"l": {"method": "elicitation/create", "params": link}}
        result = {"resultType": "input_required", "inputRequests": inputs}
        return answer({"jsonrpc": "2.0", "id": asked.said["id"], "result": result})

    async with serving(script) as peer, remote(tmp_path, peer.url) as client:
        links.append(f"{peer.url}/fetched")
        params = {"name": "deploy", "_meta": META}
        said = await client.ask({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        assert said["result"]["inputRequests"]["l"]["params"]["url"] == links[0]
    assert [each.verb for each in peer.seen] == ["POST"]


INSIDE = (
    '[[rule]]\nname = "inside"\n%s\nkind = "result"\ndo = "%s"\n'
    'unless = { path = "$.roots[*].uri", inside = ["/srv/project"] }\n'
)
OUTSIDE = [
    ["file:///etc"],
    ["file:///srv/project", "file:///home/ada"],
    ["file:///srv/project/../other"],
    ["file:///srv/project%2f..%2fother"],
    ["/srv/projects"],
]


@pytest.mark.parametrize("uris", OUTSIDE)
def test_35_directories_outside_never_reach_the_server(uris: list[str]) -> None:
    roots = {"roots": [{"uri": uri} for uri in uris]}
    scene = Scene(INSIDE % ('method = "roots/list"', "block"))
    scene.call(1)
    scene.server({"id": 3, "method": "roots/list"})
    heard = scene.client({"id": 3, "result": roots})
    [told] = heard.server
    assert (json.loads(told)["id"], "error" in json.loads(told), heard.rules) == (3, True, ["inside"])
    scene.server({"id": 4, "method": "roots/list"})
    inside = {"id": 4, "result": {"roots": [{"uri": "file:///srv/project/src"}]}}
    passed(scene.client(inside), "client", dump(inside))


@pytest.mark.parametrize("uris", OUTSIDE)
def test_35_directories_outside_never_reach_the_server_in_a_round(uris: list[str]) -> None:
    for given, reaches in ((uris, False), (["file:///srv/project"], True)):
        scene = Scene(INSIDE % ('ask = "roots"', "block"), STATELESS)
        wants(scene, {"r": {"method": "roots/list"}})
        answers = {"r": {"roots": [{"uri": uri} for uri in given]}}
        params = {"name": "deploy", "requestState": "state", "inputResponses": answers, "_meta": META}
        heard = scene.client({"id": 2, "method": "tools/call", "params": params}, "x2", "body")
        assert (b"file:///" in b"".join(heard.server)) is reaches
        assert (heard.rules == ["inside"]) is not reaches


GREEDY: Any = {
    "messages": [{"role": "user", "content": {"type": "text", "text": "hi"}}],
    "maxTokens": 4000,
    "includeContext": "allServers",
    "tools": [{"name": "t", "inputSchema": {"type": "object"}}],
    "toolChoice": {"mode": "required"},
    "modelPreferences": {"hints": [{"name": "big"}], "costPriority": 0},
}
HINTS = '\n[[rule]]\nname = "no-hints"\nask = "sampling"\ndo = "remove"\npath = "$.modelPreferences.hints"\n'
LEAST: Any = {
    "messages": GREEDY["messages"],
    "maxTokens": 300,
    "includeContext": "none",
    "modelPreferences": {"costPriority": 0},
}


def test_36_a_greedy_request_is_cut_down_and_both_forms_are_recorded() -> None:
    ask = {"method": "sampling/createMessage", "params": GREEDY}
    scene = Scene(worked("cap-sampling") + HINTS)
    scene.call(1)
    heard = scene.server({"id": 5, **ask})
    assert json.loads(heard.client[0]) == {"jsonrpc": "2.0", "id": 5, **ask, "params": LEAST}
    assert json.loads(heard.entries[0].payload() or b"")["params"] == GREEDY
    assert json.loads(bytes(heard.entries[0].delivered))["params"] == LEAST
    assert set(heard.rules) == {"short-answers", "nobody-elses-context", "no-tools-in-sampling", "no-hints"}
    heard = wants(Scene(worked("cap-sampling") + HINTS, STATELESS), {"s": ask})
    assert json.loads(heard.client[0])["result"]["inputRequests"]["s"]["params"] == LEAST
    assert json.loads(bytes(heard.entries[0].delivered))["result"]["requestState"] == "state"


@pytest.mark.parametrize(
    "condition",
    [
        '{ path = "$.includeContext", in = ["allServers", "thisServer"] }',
        '{ path = "$.tools", exists = true }',
        '{ path = "$.modelPreferences.hints[*].name", matches = "big" }',
        '{ path = "$.maxTokens", exists = true }',
    ],
)
def test_36_a_greedy_request_is_refused_where_that_is_the_rule(condition: str) -> None:
    scene = Scene(NO_SAMPLING + f"given = {condition}\n")
    scene.call(1)
    denied(scene.server({"id": 5, "method": "sampling/createMessage", "params": GREEDY}), "server", 5, "no-sampling")


def test_37_a_secret_in_what_the_model_said_is_masked_on_its_way_to_the_server() -> None:
    said = {"role": "assistant", "model": "m", "content": {"type": "text", "text": f"use {AWS}"}}
    scene = Scene(SECRETS)
    scene.call(1)
    scene.server({"id": 5, **SAMPLING})
    _masked(scene.client({"id": 5, "result": said}))
    modern = Scene(SECRETS, STATELESS)
    wants(modern, {"s": SAMPLING})
    params = {"name": "deploy", "requestState": "state", "inputResponses": {"s": said}, "_meta": META}
    _masked(modern.client({"id": 2, "method": "tools/call", "params": params}, "x2", "body"))


def _masked(heard: Heard) -> None:
    [told] = heard.server
    assert AWS.encode() not in told
    assert b"[secret:aws-key-1]" in told
    assert AWS not in str(heard.entries)
    assert heard.rules == ["secrets"]


FROM_SERVERS = '[[rule]]\nname = "only-these"\nfrom = "server"\nkind = "request"\nmethod = "*"\ndo = "block"\n'
UNKNOWN = ["sampling/createMessageV2", "Sampling/createMessage", "x/custom", "tools/call", "elicitation/createUrl"]


@pytest.mark.parametrize("method", UNKNOWN)
def test_38_a_rule_for_all_that_servers_ask_knows_no_exceptions(method: str) -> None:
    scene = Scene(FROM_SERVERS)
    scene.call(1)
    said = denied(scene.server({"id": 5, "method": method, "params": {"name": "x"}}), "server", 5, "only-these")
    assert "error" in said


@pytest.mark.parametrize("method", UNKNOWN)
def test_38_an_unknown_method_of_a_server_does_not_pass_by_default(method: str) -> None:
    scene = Scene(NO_SAMPLING)
    scene.call(1)
    denied(scene.server({"id": 5, "method": method, "params": {"name": "x"}}), "server", 5)


def test_39_a_stateless_server_that_asks_directly_is_not_heard() -> None:
    scene = Scene(NO_SAMPLING, STATELESS)
    assert scene.server({"id": 5, **FORM}).client == []


def test_39_a_stateless_server_that_asks_directly_meets_the_rules_and_is_noted() -> None:
    scene = Scene(NO_SAMPLING, STATELESS)
    denied(scene.server({"id": 5, **SAMPLING}), "server", 5, "no-sampling")
    watched = Scene("", STATELESS)
    noted = watched.core.session.counts.noted
    passed(watched.server({"id": 5, **SAMPLING}), "server", dump({"id": 5, **SAMPLING}))
    assert watched.core.session.counts.noted == noted + 1
