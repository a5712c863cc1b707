"""Part C, 43, 44 and 46: tasks and how long they live, what they bring, and capabilities that were taken out."""

import json
from typing import Any

import pytest
from tests.trust.scene import CLIENT_CAN, META, STATELESS, Heard, Scene, denied, passed, worked

AWS = "AKIA" + "IOSFODNN7EXAMPLQ"
SECRETS = '[[rule]]\nname = "secrets"\nall = true\ndo = "redact"\nfind = "secrets"\n'
MOST = 600_000
TTL = worked("task-ttl")
HANDED_OUT = worked("only-what-was-handed-out")
TASKS = "io.modelcontextprotocol/tasks"


def wish(scene: Scene, task: Any) -> Heard:
    """A call that wishes for a task (2025-11-25)."""
    return scene.call(1, task=task)


@pytest.mark.parametrize("task", [{"ttl": MOST + 1}, {"ttl": MOST + 0.5}, {"ttl": 3_600_000}, {}])
def test_43_a_wish_for_a_longer_life_is_capped(task: Any) -> None:
    heard = wish(Scene(TTL), task)
    assert json.loads(heard.server[0])["params"]["task"] == {"ttl": MOST}
    assert heard.rules == ["ten-minutes"]


@pytest.mark.parametrize("ttl", [None, -1, -0.5, "60000", "forever", True, [1], {"a": 1}, 90_000_000, 1e300])
def test_43_a_wish_that_is_no_life_is_refused(ttl: Any) -> None:
    denied(wish(Scene(TTL), {"ttl": ttl}), "client", ...)


@pytest.mark.parametrize("ttl", [0, 1, 1.5, MOST])
def test_43_a_shorter_life_passes_as_it_came(ttl: Any) -> None:
    heard = wish(Scene(TTL), {"ttl": ttl})
    assert (len(heard.server), heard.rules) == (1, [])


@pytest.mark.parametrize("ttl", [MOST + 1, 10**12, None, 86_400_000])
@pytest.mark.parametrize("where", ["task", "flat", "list", "notification", "stateless"])
def test_43_the_client_sees_no_longer_life_than_the_cap(ttl: Any, where: str) -> None:
    shown = {"taskId": "t-1", "status": "working", "ttl": ttl}
    scene = Scene(TTL, STATELESS if where == "stateless" else "2025-11-25")
    if where == "stateless":
        scene.client({"id": 1, "method": "tools/call", "params": {"name": "deploy", "_meta": META}})
        task = {"taskId": "t-1", "status": "working", "ttlMs": ttl}
        heard = scene.server({"id": 1, "result": {"resultType": "task", **task}})
        assert json.loads(heard.client[0])["result"]["ttlMs"] == MOST
        return
    wish(scene, {"ttl": 1})
    created = scene.server({"id": 1, "result": {"task": shown}})
    assert json.loads(created.client[0])["result"]["task"]["ttl"] == MOST
    if where == "notification":
        heard = scene.server({"method": "notifications/tasks/status", "params": shown})
        assert json.loads(heard.client[0])["params"]["ttl"] == MOST
    elif where != "task":
        listing = where == "list"
        method, params = ("tasks/list", {}) if listing else ("tasks/get", {"taskId": "t-1"})
        scene.client({"id": 2, "method": method, "params": params})
        heard = scene.server({"id": 2, "result": {"tasks": [shown]} if listing else shown})
        result = json.loads(heard.client[0])["result"]
        assert (result["tasks"][0] if listing else result)["ttl"] == MOST


@pytest.mark.parametrize("ttl", [-1, "60000", True])
def test_43_a_life_that_is_none_does_not_reach_the_client(ttl: Any) -> None:
    scene = Scene(TTL)
    wish(scene, {"ttl": 1})
    heard = scene.server({"id": 1, "result": {"task": {"taskId": "t-1", "status": "working", "ttl": ttl}}})
    [told] = heard.client
    assert "task" not in json.loads(told).get("result", {})
    assert heard.rules


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result", "tasks/cancel"])
def test_43_a_task_of_somebody_else_is_out_of_reach(method: str) -> None:
    scene = Scene(TTL + HANDED_OUT)
    wish(scene, {"ttl": 1})
    scene.server({"id": 1, "result": {"task": {"taskId": "t-1", "status": "working", "ttl": 1}}})
    denied(scene.client({"id": 2, "method": method, "params": {"taskId": "t-of-another"}}), "client", 2)
    assert len(scene.client({"id": 3, "method": method, "params": {"taskId": "t-1"}}).server) == 1


def test_43_tasks_of_somebody_else_are_not_listed() -> None:
    scene = Scene(TTL + HANDED_OUT)
    denied(scene.client({"id": 2, "method": "tasks/list", "params": {}}), "client", 2, "no-lists-of-tasks")


def test_43_a_task_of_somebody_else_is_noted() -> None:
    scene = Scene()
    noted = scene.core.session.counts.noted
    scene.client({"id": 2, "method": "tasks/get", "params": {"taskId": "t-of-another"}})
    assert scene.core.session.counts.noted == noted + 1


CONTENT: Any = {"content": [{"type": "text", "text": f"key {AWS}"}], "structuredContent": {"k": [AWS]}}


def masked(heard: Heard) -> Any:
    """Assert that the client got no secret, and that none is recorded; the result."""
    [told] = heard.client
    assert AWS.encode() not in told
    assert AWS not in str(heard.entries)
    assert heard.rules == ["secrets"]
    return json.loads(told).get("result")


def test_44_a_result_that_comes_later_is_masked_like_one_that_comes_at_once() -> None:
    direct = Scene(SECRETS)
    direct.call(1)
    at_once = masked(direct.server({"id": 1, "result": CONTENT}))
    scene = Scene(SECRETS)
    wish(scene, {"ttl": 1000})
    scene.server({"id": 1, "result": {"task": {"taskId": "t-1", "status": "working", "ttl": 1000}}})
    scene.client({"id": 2, "method": "tasks/result", "params": {"taskId": "t-1"}})
    assert masked(scene.server({"id": 2, "result": CONTENT})) == at_once
    status = {"taskId": "t-1", "status": "failed", "ttl": 1, "statusMessage": f"no {AWS}"}
    masked(scene.server({"method": "notifications/tasks/status", "params": status}))


def test_44_a_stateless_result_that_comes_later_is_masked_too() -> None:
    scene = Scene(SECRETS, STATELESS)
    can = {**CLIENT_CAN, "extensions": {TASKS: {}}}
    meta = {**META, "io.modelcontextprotocol/clientCapabilities": can}
    scene.client({"id": 1, "method": "tools/call", "params": {"name": "deploy", "_meta": meta}})
    scene.server({"id": 1, "result": {"resultType": "task", "taskId": "t-1", "status": "working"}})
    scene.client({"id": 2, "method": "tasks/get", "params": {"taskId": "t-1", "_meta": meta}})
    done = {"resultType": "complete", "taskId": "t-1", "status": "completed", "result": CONTENT}
    assert masked(scene.server({"id": 2, "result": done}))["result"]["structuredContent"] == {
        "k": ["[secret:aws-key-1]"]
    }
    notice = {"taskId": "t-1", "status": "completed", "result": CONTENT}
    masked(scene.server({"method": "notifications/tasks", "params": notice}))


STRIP = '[[rule]]\nname = "no-sampling"\ndo = "strip"\ncapability = "sampling"\n'
SAMPLING: Any = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}


def test_46_a_capability_is_taken_out_of_the_opening() -> None:
    scene = Scene(STRIP, None)
    params = {"protocolVersion": "2025-11-25", "capabilities": CLIENT_CAN, "clientInfo": {"name": "c", "version": "1"}}
    heard = scene.client({"id": 0, "method": "initialize", "params": params})
    told = json.loads(heard.server[0])["params"]["capabilities"]
    assert told == {name: value for name, value in CLIENT_CAN.items() if name != "sampling"}
    assert heard.rules == ["no-sampling"]
    scene.server({"id": 0, "result": {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}}})
    scene.call(1)
    denied(scene.server({"id": 5, **SAMPLING}), "server", 5, "no-sampling")


@pytest.mark.parametrize("method", ["server/discover", "tools/call", "tools/list"])
def test_46_a_capability_is_taken_out_of_every_stateless_request(method: str) -> None:
    scene = Scene(STRIP, STATELESS)
    heard = scene.client({"id": 1, "method": method, "params": {"name": "deploy", "_meta": META}})
    told = json.loads(heard.server[0])["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"]
    assert told == {name: value for name, value in CLIENT_CAN.items() if name != "sampling"}


def test_46_a_stateless_server_that_asks_anyway_is_refused() -> None:
    scene = Scene(STRIP, STATELESS)
    scene.client({"id": 1, "method": "tools/call", "params": {"name": "deploy", "_meta": META}})
    asking = {"resultType": "input_required", "inputRequests": {"s": SAMPLING}}
    heard = scene.server({"id": 1, "result": asking})
    assert json.loads(heard.client[0])["result"]["isError"]
    assert heard.rules == ["no-sampling"]


@pytest.mark.parametrize("version", ["2025-11-25", STATELESS])
def test_46_a_capability_is_taken_out_of_what_the_server_offers(version: str) -> None:
    rules = '[[rule]]\nname = "no-logs"\ndo = "strip"\ncapability = "logging"\n'
    scene = Scene(rules, None)
    offer = {"tools": {}, "logging": {}}
    if version == STATELESS:
        scene.client({"id": 0, "method": "server/discover", "params": {"_meta": META}})
        heard = scene.server({"id": 0, "result": {"resultType": "complete", "capabilities": offer}})
    else:
        about = {"protocolVersion": version, "capabilities": {}, "clientInfo": {}}
        scene.client({"id": 0, "method": "initialize", "params": about})
        heard = scene.server({"id": 0, "result": {"protocolVersion": version, "capabilities": offer, "serverInfo": {}}})
    assert json.loads(heard.client[0])["result"]["capabilities"] == {"tools": {}}


def test_46_what_is_not_stripped_passes_to_the_byte() -> None:
    scene = Scene(STRIP)
    scene.call(1)
    raw = b'{"jsonrpc": "2.0", "id":5,"method":"roots\\/list"}'
    passed(scene.server(raw), "server", raw)
