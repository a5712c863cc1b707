"""Actions in the engine: what counts, what is learnt, what is on trial, what is said about answers. Both eras."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.policy.test_engine import FORM, META, ROOTS, SAMPLING, URL, Json, Play

from interpose.core.effects import Store
from interpose.core.events import Frame, Received
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.wire.message import read

EXTENSION = {
    **META,
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
}
TASK = {"taskId": "t", "createdAt": "2026-01-05T10:00:00Z", "lastUpdatedAt": "2026-01-05T10:00:00Z", "ttlMs": None}
FILLED = {"action": "accept", "content": {"who": "ann"}}
SAID = {"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"}


def rule(name: str, text: str) -> str:
    return f'[[rule]]\nname = "{name}"\n{text}\n'


def hits(play: Play) -> list[Json]:
    """The rules that the last message met."""
    return next((line["verdict"]["rules"] for line in reversed(play.lines) if "verdict" in line), [])


LIMIT = rule("two", 'ask = "sampling"\ndo = "limit"\ncount = 2\nper = "session"')
BUDGET = rule("budget", 'ask = "sampling"\ndo = "limit"\ntokens = 500\nper = "session"')
CAP = rule("short", 'ask = "sampling"\ndo = "cap"\npath = "$.maxTokens"\nat_most = 200')


def test_a_limit_counts_what_passes_not_what_another_rule_refused() -> None:
    block = rule("b", 'ask = "sampling"\ngiven = { path = "$.maxTokens", equals = 1 }\ndo = "block"')
    play = Play(LIMIT + block).stateful()
    play.call(1)
    ends = []
    for n, tokens in enumerate([1, 1, 2, 1, 2, 2]):
        params = {"messages": [], "maxTokens": tokens}
        [(end, _)] = play.server(id=n, method="sampling/createMessage", params=params)
        ends.append(end)
    assert ends == ["server", "server", "client", "server", "client", "server"]


def test_tokens_count_as_capped_in_whatever_order_the_rules_stand() -> None:
    for policy in (CAP + BUDGET, BUDGET + CAP):
        play = Play(policy).stateful()
        play.call(1)
        ends = [play.server(id=n, **SAMPLING)[0][0] for n in range(3)]
        assert ends == ["client", "client", "server"]


def test_of_input_requests_those_that_a_rule_cut_out_do_not_count() -> None:
    forms = rule("one", 'ask = "elicitation"\ndo = "limit"\ncount = 1\nper = "session"')
    links = rule("links", 'ask = "elicitation"\nmode_is = "url"\ndo = "block"')
    play = Play(forms + links)
    play.call(1, "x1", _meta=META)
    inputs = {"resultType": "input_required", "inputRequests": {"u": URL, "f": FORM}, "requestState": "s"}
    [(end, shown)] = play.server("x1", id=1, result=inputs)
    assert (end, list(shown["result"]["inputRequests"])) == ("client", ["f"])


def test_policies_with_a_rule_of_the_same_name_count_for_themselves() -> None:
    policies = [read_policy(LIMIT, "a.toml"), read_policy(LIMIT.replace("count = 2", "count = 3"), "b.toml")]
    play = Play(LIMIT)
    play.core = Interposer(Engine(policies, "srv"))
    play.stateful()
    play.call(1)
    assert [play.server(id=n, **SAMPLING)[0][0] for n in range(4)] == ["client", "client", "server", "server"]


def test_a_client_that_answers_by_a_task_is_not_taken_for_a_server_that_asks() -> None:
    play = Play(CAP).stateful()
    play.call(1)
    play.server(id=7, **SAMPLING)
    task = {"task": {"taskId": "c", "status": "working", "createdAt": "2026-01-05T10:00:00Z", "ttl": None}}
    assert play.client(id=7, result=task) == [("server", {"jsonrpc": "2.0", "id": 7, "result": task})]


PIN = rule("same", 'do = "pin"\nfile = "/tools.json"')


def listed(play: Play, ident: int, *tools: Any) -> tuple[list[str], list[Store]]:
    """The names that the client gets to see, and what is to be stored."""
    play.client(id=ident, method="tools/list")
    raw = json.dumps({"jsonrpc": "2.0", "id": ident, "result": {"tools": tools}}).encode()
    effects = list(play.core.feed(Received(99.0, "server", "stdio", Frame(raw, read(raw)))))
    [(_, said)] = play._heard(effects)
    return [tool["name"] for tool in said["result"]["tools"]], [each for each in effects if isinstance(each, Store)]


@pytest.mark.parametrize("mode", ["enforce", "audit"])
def test_what_a_pin_learnt_is_stored_and_holds_the_next_session(mode: str) -> None:
    policy = PIN + f'mode = "{mode}"\n'
    names, [store] = listed(Play(policy).stateful(), 1, {"name": "add", "title": "Add"})
    assert (names, store.path, list(json.loads(store.content))) == (["add"], "/tools.json", ["add"])
    read_again = read_policy(policy, "p.toml")
    play = Play(policy)
    play.core = Interposer(
        Engine([type(read_again)("p", read_again.rules, "", "p.toml", {store.path: store.content})], "s")
    )
    shown, stores = listed(play.stateful(), 1, {"name": "add", "title": "other"}, {"name": "sub"})
    assert (shown, stores) == ([] if mode == "enforce" else ["add", "sub"], [])


def test_a_pin_in_audit_mode_learns_and_tells_of_changes_and_calls() -> None:
    play = Play(rule("same", 'do = "pin"\nmode = "audit"')).stateful()
    listed(play, 1, {"name": "add", "title": "Add"})
    assert not any("verdict" in line for line in play.lines)
    listed(play, 2, {"name": "add", "title": "other"})
    assert hits(play) == [{"rule": "same", "do": "pin", "why": "changed: 'add' (title)", "acted": False}]
    play.client(id=3, method="tools/call", params={"name": "add"})
    assert [hit["acted"] for hit in hits(play)] == [False]


def test_a_pin_that_only_notes_spells_nothing_anew() -> None:
    play = Play(rule("same", 'do = "pin"\non_change = "note"')).stateful()
    listed(play, 1, {"name": "add"})
    play.client(id=2, method="tools/list")
    raw = b'{"jsonrpc": "2.0",  "id":2, "result": {"tools": [{"name": "add", "title": "\\u0041"}]}}'
    effects = play.core.feed(Received(9.0, "server", "stdio", Frame(raw, read(raw))))
    assert [each.frame.raw for each in effects if hasattr(each, "frame")] == [raw]
    play._heard(effects)
    assert [hit["why"] for hit in hits(play)] == ["changed: 'add' (title)"]


EDITS = [
    'ask = "sampling"\ndo = "cap"\npath = "$.metadata.n"\nat_most = 100',
    'ask = "sampling"\ndo = "cap"\npath = "$.maxTokens"\nat_most = 100',
    'ask = "sampling"\ndo = "set"\npath = "$.includeContext"\nvalue = "none"',
    'method = "tools/call"\ndo = "remove"\npath = "$.arguments.x"',
    'all = true\ndo = "redact"\nfind = "email"',
    'do = "hide"\ntool = "b"',
    'do = "strip"\ncapability = "sampling"',
    'do = "pin"',
]
MESSAGES: list[tuple[str, Json]] = [
    ("server", {**SAMPLING, "id": 51}),
    ("server", {"method": "sampling/createMessage", "id": 52, "params": {"maxTokens": 5, "includeContext": "none"}}),
    ("server", {"method": "sampling/createMessage", "id": 53, "params": {"maxTokens": 5, "metadata": {"n": "x"}}}),
    ("client", {"method": "tools/call", "id": 54, "params": {"name": "a", "arguments": {"x": "ann@example.org"}}}),
    ("client", {"method": "tools/call", "id": 55, "params": {"name": "b", "arguments": {}}}),
    ("client", {"method": "tools/list", "id": 56}),
    ("server", {"id": 56, "result": {"tools": [{"name": "a"}, {"name": "b"}]}}),
    ("client", {"method": "tools/list", "id": 57}),
    ("server", {"id": 57, "result": {"tools": [{"name": "a", "title": "new"}]}}),
    ("server", {"method": "notifications/message", "params": {"data": "bob@example.org"}}),
]


@given(st.lists(st.sampled_from(range(len(MESSAGES))), max_size=8), st.sampled_from(EDITS))
def test_in_audit_mode_an_edit_marks_the_messages_that_it_would_change(order: list[int], edit: str) -> None:
    marked = []
    for mode in ("enforce", "audit"):
        play = Play(rule("r", f'{edit}\nmode = "{mode}"')).stateful()
        before = len(play.lines)
        for number, each in enumerate(order):
            end, message = MESSAGES[each]
            play._say(end, f"x{number}" if end == "client" else "stdio", message)
        heard = [line for line in play.lines[before:] if line.get("by") != "interpose"]
        rules = [{hit["rule"] for hit in line.get("verdict", {}).get("rules", ())} for line in heard]
        marked.append([bool(named - {"interpose"}) for named in rules])
    assert marked[0] == marked[1]


def test_the_completion_of_a_sign_in_that_was_declined_here_is_kept_from_the_client() -> None:
    play = Play(
        rule("ours", 'ask = "elicitation"\nmode_is = "url"\nunless_host = "ok.example"\ndo = "block"')
    ).stateful()
    play.call(1)
    play.server(id=7, **URL)
    done = {"method": "notifications/elicitation/complete", "params": {"elicitationId": "e-9"}}
    assert play.server(**done) == []
    assert hits(play)[0]["why"] == "the client was never asked: `ours` answered in its place"
    allowed = {**URL["params"], "url": "https://ok.example/"}
    play.server(id=8, method="elicitation/create", params=allowed)
    assert [end for end, _ in play.server(**done)] == ["client"]


def test_the_same_of_a_whole_request_that_was_blocked_and_of_a_link_that_was_cut_out() -> None:
    play = Play(rule("ours", 'method = "elicitation/create"\nkind = "request"\ndo = "block"')).stateful()
    play.call(1)
    play.server(id=7, **URL)
    done = {"method": "notifications/elicitation/complete", "params": {"elicitationId": "e-9"}}
    assert play.server(**done) == []
    play = Play(rule("ours", 'ask = "elicitation"\ndo = "block"')).stateful()
    play.call(1)
    play.server(id=1, error={"code": -32042, "message": "m", "data": {"elicitations": [URL["params"]]}})
    assert play.server(**done) == []


ANSWERS = rule("no", 'ask = ["sampling", "elicitation", "roots"]\nkind = "result"\ndo = "block"')


@pytest.mark.parametrize(
    ("ask", "answer", "refusal"),
    [(FORM, FILLED, {"action": "decline"}), (SAMPLING, SAID, -1), (ROOTS, {"roots": []}, -32601)],
)
def test_a_stateful_answer_is_refused_in_its_place(ask: Json, answer: Json, refusal: Any) -> None:
    play = Play(ANSWERS).stateful()
    play.call(1)
    assert play.server(id=7, **ask)[0][0] == "client"
    [(end, said)] = play.client(id=7, result=answer)
    assert (end, said["id"]) == ("server", 7)
    assert (said["error"]["code"] if "error" in said else said["result"]) == refusal


def test_an_answer_in_a_repeated_call_is_refused_in_its_place() -> None:
    play = Play(ANSWERS)
    play.call(1, "x1", _meta=META)
    inputs = {"resultType": "input_required", "inputRequests": {"f": FORM, "r": ROOTS}, "requestState": "s"}
    assert play.server("x1", id=1, result=inputs)[0][0] == "client"
    given_answers = {"f": FILLED, "r": {"roots": [{"uri": "file:///x"}]}}
    [(end, said)] = play.call(2, "x2", _meta=META, requestState="s", inputResponses=given_answers)
    assert (end, said["id"], said["params"]["requestState"]) == ("server", 2, "s")
    assert said["params"]["inputResponses"] == {"f": {"action": "decline"}, "r": {"roots": []}}


def test_a_refused_sampling_answer_ends_the_repeated_call() -> None:
    play = Play(ANSWERS)
    play.call(1, "x1", _meta=META)
    play.server(
        "x1", id=1, result={"resultType": "input_required", "inputRequests": {"s": SAMPLING}, "requestState": "s"}
    )
    [(end, said)] = play.call(2, "x2", _meta=META, requestState="s", inputResponses={"s": SAID})
    assert (end, said["id"], said["result"]["isError"]) == ("client", 2, True)


def test_a_refused_sampling_answer_ends_the_task_and_it_stays_so() -> None:
    play = Play(ANSWERS)
    play.call(1, "x1", _meta=EXTENSION)
    play.server("x1", id=1, result={"resultType": "task", "status": "working", **TASK})
    play.client("x2", id=2, method="tasks/get", params={"taskId": "t", "_meta": EXTENSION})
    asking = {"resultType": "complete", "status": "input_required", "inputRequests": {"s": SAMPLING}, **TASK}
    assert play.server("x2", id=2, result=asking)[0][1]["result"]["status"] == "input_required"
    update = {"taskId": "t", "_meta": EXTENSION, "inputResponses": {"s": SAID}}
    acknowledged, cancelled = play.client("x3", id=3, method="tasks/update", params=update)
    assert acknowledged == ("client", {"jsonrpc": "2.0", "id": 3, "result": {"resultType": "complete"}})
    assert (cancelled[0], cancelled[1]["method"], cancelled[1]["params"]["taskId"]) == ("server", "tasks/cancel", "t")
    play.client("x4", id=4, method="tasks/get", params={"taskId": "t", "_meta": EXTENSION})
    [(_, shown)] = play.server("x4", id=4, result={"resultType": "complete", "status": "cancelled", **TASK})
    assert (shown["result"]["status"], shown["result"]["error"]["code"]) == ("failed", -31001)


@pytest.mark.parametrize("stateful", [True, False])
def test_an_answer_is_edited_in_both_eras(stateful: bool) -> None:
    keep = rule("k", 'ask = "elicitation"\nkind = "result"\ndo = "remove"\npath = "$.content.who"')
    mask = rule("m", 'ask = "elicitation"\nkind = "result"\ndo = "redact"\npatterns = { ref = "main" }')
    play = Play(keep + mask)
    answer = {"action": "accept", "content": {"who": "ann", "ref": "main"}}
    if stateful:
        play.stateful().call(1)
        play.server(id=7, **FORM)
        [(_, said)] = play.client(id=7, result=answer)
        result = said["result"]
    else:
        play.call(1, "x1", _meta=META)
        play.server(
            "x1", id=1, result={"resultType": "input_required", "inputRequests": {"f": FORM}, "requestState": "s"}
        )
        [(_, said)] = play.call(2, "x2", _meta=META, requestState="s", inputResponses={"f": answer})
        assert said["params"]["arguments"] == {"ref": "main"}
        result = said["params"]["inputResponses"]["f"]
    assert "who" not in result["content"]
    assert result["content"]["ref"].startswith("[")
