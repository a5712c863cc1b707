"""Part C, 45, 47 and 48: floods, cancellations that cross an answer, and answers that nobody waits for."""

import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from tests.edge.processes import entries, python, run, shim
from tests.trust.scene import DENY_DELETE, STATELESS, Heard, Scene, denied, dump, passed, swallowed

from interpose.core.events import End

NOTICES: dict[str, Any] = {
    "progress": {"method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}},
    "message": {"method": "notifications/message", "params": {"level": "info", "data": "x"}},
    "list_changed": {"method": "notifications/tools/list_changed"},
}


def limit(method: str, count: int) -> str:
    return (
        f'[[rule]]\nname = "rate"\nfrom = "server"\nkind = "notification"\nmethod = "{method}"\n'
        f'do = "limit"\ncount = {count}\nper = "minute"\n'
    )


@pytest.mark.parametrize("name", NOTICES)
def test_45_what_comes_too_often_is_dropped_and_counted(name: str) -> None:
    notice = NOTICES[name]
    scene = Scene(limit(notice["method"], 10))
    scene.call(1, _meta={"progressToken": 1})
    heard = [scene.server(notice) for _ in range(50)]
    assert [len(each.client) for each in heard] == [1] * 10 + [0] * 40
    for each in heard[10:]:
        swallowed(each, "rate")
    done = {"id": 1, "result": {"content": []}}
    passed(scene.server(done), "server", dump(done))
    scene.at += 70
    assert len(scene.server(notice).client) == 1


def flood(count: int, name: str) -> list[str]:
    """A child that answers a call after so many notifications."""
    notice = json.dumps({"jsonrpc": "2.0", **NOTICES[name]})
    return python(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    found = json.loads(line)\n"
        f"    sys.stdout.write(({notice!r} + '\\n') * {count})\n"
        "    print(json.dumps({'jsonrpc': '2.0', 'id': found['id'], 'result': {'content': []}}), flush=True)"
    )


@pytest.mark.parametrize("name", NOTICES)
def test_45_a_flood_from_a_child_is_dropped_and_the_call_is_answered(name: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(limit(NOTICES[name]["method"], 100))
    sent = dump({"id": 1, "method": "tools/call", "params": {"name": "x", "_meta": {"progressToken": 1}}}) + b"\n"
    record = tmp_path / "r.jsonl"
    done = run(shim(flood(10_000, name), "--policy", str(tmp_path / "p.toml"), record=record), sent)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("method") for line in lines] == [NOTICES[name]["method"]] * 100 + [None]
    dropped = [entry for entry in entries(record) if entry.get("verdict", {}).get("decision") == "drop"]
    assert len(dropped) == 9_900
    assert {hit["rule"] for entry in dropped for hit in entry["verdict"]["rules"]} == {"rate"}


@pytest.mark.parametrize("name", NOTICES)
def test_45_a_flood_makes_nothing_grow(name: str) -> None:
    scene = Scene(limit("notifications/*", 100))
    scene.call(1, _meta={"progressToken": 1})

    def held() -> int:
        for _ in range(1_000):
            scene.server(NOTICES[name])
            scene.entries.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first, second = held(), held()
    finally:
        tracemalloc.stop()
    assert second - first < 50_000


def test_45_a_token_that_belongs_to_no_request_is_noted() -> None:
    scene = Scene()
    scene.call(1, _meta={"progressToken": 1})
    noted = scene.core.session.counts.noted
    scene.server(NOTICES["progress"])
    assert scene.core.session.counts.noted == noted
    foreign = {"method": "notifications/progress", "params": {"progressToken": "1", "progress": 1}}
    passed(scene.server(foreign), "server", dump(foreign))
    assert scene.core.session.counts.noted == noted + 1


def answers(*found: Heard) -> list[Any]:
    """The terminal answers that a client got, by id."""
    said = [json.loads(line) for heard in found for line in heard.client]
    return [each["id"] for each in said if "result" in each or "error" in each]


def cancel(ident: Any) -> Any:
    return {"method": "notifications/cancelled", "params": {"requestId": ident, "reason": "no"}}


@pytest.mark.parametrize("version", ["2025-11-25", STATELESS])
def test_47_a_denied_call_that_is_cancelled_is_answered_once(version: str) -> None:
    scene = Scene(DENY_DELETE, version)
    assert answers(scene.call(5, "delete_repo"), scene.client(cancel(5)), scene.client(cancel(5))) == [5]


def test_47_the_server_hears_nothing_of_a_denied_call_when_it_is_cancelled() -> None:
    scene = Scene(DENY_DELETE)
    denied(scene.call(5, "delete_repo"), "client", 5, "no-delete")
    assert scene.client(cancel(5)).server == []


@pytest.mark.parametrize("version", ["2025-11-25", STATELESS])
@pytest.mark.parametrize("end", ["client", "server"])
def test_47_the_cancellation_of_an_id_never_seen_is_answered_by_nobody(version: str, end: End) -> None:
    scene = Scene(DENY_DELETE, version)
    noted = scene.core.session.counts.noted
    heard = scene.say(end, cancel(77))
    assert answers(heard) == []
    assert [json.loads(line).get("method") for line in heard.client + heard.server] == ["notifications/cancelled"]
    assert scene.core.session.counts.noted == noted + 1


@pytest.mark.parametrize("version", ["2025-11-25", STATELESS])
def test_47_a_cancellation_that_crosses_the_answer_leaves_one_answer(version: str) -> None:
    done = {"id": 8, "result": {"content": []}}
    scene = Scene(DENY_DELETE, version)
    scene.call(8)
    assert len(scene.client(cancel(8)).server) == 1
    assert answers(scene.server(done)) == [8]
    scene = Scene(DENY_DELETE, version)
    scene.call(8)
    assert answers(scene.server(done), scene.client(cancel(8))) == [8]
    assert scene.core.session.waits(scene.at) == ()


DONE: Any = {"result": {"content": []}}


@pytest.mark.parametrize("ident", [99, "5", "interpose-1"])
def test_48_an_answer_to_nothing_is_not_delivered(ident: Any) -> None:
    scene = Scene(DENY_DELETE)
    scene.call(5)
    swallowed(scene.server({"id": ident, **DONE}))


@pytest.mark.parametrize("body", [DONE, {"error": {"code": 1, "message": "no"}}])
def test_48_a_second_answer_is_not_delivered(body: Any) -> None:
    scene = Scene(DENY_DELETE)
    scene.call(5)
    assert answers(scene.server({"id": 5, **DONE})) == [5]
    swallowed(scene.server({"id": 5, **body}))


def test_48_an_answer_before_its_request_is_not_delivered() -> None:
    scene = Scene(DENY_DELETE)
    early = scene.server({"id": 5, **DONE})
    scene.call(5)
    assert answers(early) == []


@pytest.mark.parametrize("body", [DONE, {"error": {"code": 1, "message": "no"}}])
def test_48_an_answer_to_a_denied_call_is_not_delivered(body: Any) -> None:
    scene = Scene(DENY_DELETE)
    denied(scene.call(5, "delete_repo"), "client", 5, "no-delete")
    swallowed(scene.server({"id": 5, **body}))


def test_48_an_answer_of_a_client_that_no_server_waits_for_is_not_delivered() -> None:
    scene = Scene(DENY_DELETE)
    scene.call(1)
    swallowed(scene.client({"id": 1, "result": {"roots": []}}))


@pytest.mark.parametrize("body", [DONE, {"error": {"code": 1, "message": "no"}}])
def test_48_answers_that_nobody_waits_for_are_noted(body: Any) -> None:
    scene = Scene()
    scene.call(5)
    noted = scene.core.session.counts.noted
    passed(scene.server({"id": 99, **body}), "server", dump({"id": 99, **body}))
    scene.server({"id": 5, **body})
    scene.server({"id": 5, **body})
    assert scene.core.session.counts.noted == noted + 2
