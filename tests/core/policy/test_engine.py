"""Policies at work on conversations: what goes on, what is answered, what is recorded. Both eras, all carriers."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.effects import Append, Deliver
from interpose.core.events import Frame, Received, Told
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.recording.entry import Header
from interpose.core.wire.message import read

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {}},
}
SAMPLING = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 4000}}
FORM = {
    "method": "elicitation/create",
    "params": {"message": "Which?", "requestedSchema": {"type": "object", "properties": {}}},
}
URL = {
    "method": "elicitation/create",
    "params": {"mode": "url", "url": "https://evil.example/x", "message": "Sign in", "elicitationId": "e-9"},
}
ROOTS = {"method": "roots/list"}
BLOCK_ALL = "\n".join(
    f'[[rule]]\nname = "no-{ask}"\nask = "{ask}"\ndo = "block"' for ask in ("sampling", "elicitation", "roots")
)

Json = dict[str, Any]


class Play:
    """A conversation under a policy. What is said returns what was delivered, as (end, message)."""

    def __init__(self, policy: str) -> None:
        self.core = Interposer(Engine([read_policy(policy, "p.toml")], "srv", b"key"))
        self.core.open(Header("a1b2", "2026-11-22T10:00:00Z", {}, {"name": "srv"}, "test"))
        self.lines: list[Json] = []
        self._at = 0.0

    def client(self, channel: str = "stdio", /, **message: Any) -> list[tuple[str, Json]]:
        return self._say("client", channel, message)

    def server(self, channel: str = "stdio", /, **message: Any) -> list[tuple[str, Json]]:
        return self._say("server", channel, message)

    def stateful(self, version: str = "2025-11-25") -> "Play":
        caps = {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {}}
        self.client(
            id=0,
            method="initialize",
            params={"protocolVersion": version, "capabilities": caps, "clientInfo": {"name": "c", "version": "1"}},
        )
        self.server(
            id=0,
            result={
                "protocolVersion": version,
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "s", "version": "1"},
            },
        )
        self.client(method="notifications/initialized")
        return self

    def call(self, ident: Any = 1, channel: str = "stdio", **more: Any) -> list[tuple[str, Json]]:
        return self.client(
            channel, id=ident, method="tools/call", params={"name": "deploy", "arguments": {"ref": "main"}, **more}
        )

    def _say(self, end: Any, channel: str, message: Json) -> list[tuple[str, Json]]:
        self._at += 0.1
        raw = json.dumps({"jsonrpc": "2.0", **message}).encode()
        wire: Any = "line" if channel == "stdio" else "body"
        return self._heard(self.core.feed(Received(self._at, end, channel, Frame(raw, read(raw), wire=wire))))

    def _heard(self, effects: Iterable[Any]) -> list[tuple[str, Json]]:
        said = []
        for effect in effects:
            if isinstance(effect, Append):
                self.lines.append(json.loads(b"".join(effect.pieces)))
            elif isinstance(effect, Deliver):
                said.append((effect.end, json.loads(effect.frame.raw)))
        return said


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (SAMPLING, {"error": -1}),
        (FORM, {"result": {"action": "decline"}}),
        (URL, {"result": {"action": "decline"}}),
        (ROOTS, {"error": -32601}),
    ],
)
def test_a_stateful_server_that_asks_is_refused_under_its_own_id_and_the_client_sees_nothing(
    ask: Json, answer: Json
) -> None:
    play = Play(BLOCK_ALL).stateful()
    play.call(1)
    [(end, said)] = play.server(id=1, **ask)
    assert (end, said["id"]) == ("server", 1)
    assert answer == ({"error": said["error"]["code"]} if "error" in said else {"result": said["result"]})
    assert play.server(id=1, result={"content": []})[0][0] == "client"
    asked = next(line for line in play.lines if "verdict" in line)
    assert asked["verdict"]["rules"][0]["rule"].startswith("no-")


@pytest.mark.parametrize("kind", ["tools/call", "prompts/get"])
def test_a_stateless_call_that_asks_for_sampling_is_ended_for_the_client(kind: str) -> None:
    play = Play(BLOCK_ALL)
    play.client("x1", id=6, method=kind, params={"name": "deploy", "_meta": META})
    inputs = {"resultType": "input_required", "inputRequests": {"s": SAMPLING, "f": FORM}, "requestState": "st"}
    [(end, said)] = play.server("x1", id=6, result=inputs)
    assert (end, said["id"]) == ("client", 6)
    if kind == "tools/call":
        assert (said["result"]["resultType"], said["result"]["isError"]) == ("complete", True)
    else:
        assert said["error"]["code"] == -31001


@pytest.mark.parametrize(("ask", "value"), [(FORM, {"action": "decline"}), (ROOTS, {"roots": []})])
def test_a_refused_input_request_is_answered_at_the_server_and_the_result_comes_home(ask: Json, value: Json) -> None:
    play = Play(BLOCK_ALL)
    play.call(1, "x1", _meta=META)
    inputs = {"resultType": "input_required", "inputRequests": {"k": ask}, "requestState": "exact"}
    [(end, retry)] = play.server("x1", id=1, result=inputs)
    assert end == "server"
    assert retry["params"]["inputResponses"] == {"k": value}
    assert retry["params"]["requestState"] == "exact"
    assert retry["params"]["arguments"] == {"ref": "main"}
    done = {"resultType": "complete", "content": [{"type": "text", "text": "ok"}]}
    assert play.server("i1", id=retry["id"], result=done) == [("client", {"jsonrpc": "2.0", "id": 1, "result": done})]


def test_what_is_masked_in_a_call_stays_masked_when_interpose_repeats_it() -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLQ"
    play = Play(BLOCK_ALL + '\n[[rule]]\nname = "s"\nall = true\ndo = "redact"\nfind = "secrets"')
    play.call(1, "x1", _meta=META, note=secret)
    inputs = {"resultType": "input_required", "inputRequests": {"k": FORM}, "requestState": "s"}
    [(end, retry)] = play.server("x1", id=1, result=inputs)
    assert end == "server"
    assert "[secret:aws-key-1]" in json.dumps(retry)
    assert secret not in json.dumps([retry, play.lines])


def test_a_client_that_calls_itself_interpose_gets_its_own_answer() -> None:
    play = Play(BLOCK_ALL)
    play.call(1, "x1", _meta=META)
    play.server("x1", id=1, result={"resultType": "input_required", "inputRequests": {"k": FORM}, "requestState": "s"})
    play.call("interpose-1", "x2", _meta=META)
    done = {"resultType": "complete", "content": []}
    assert play.server("x2", id="interpose-1", result=done) == [
        ("client", {"jsonrpc": "2.0", "id": "interpose-1", "result": done})
    ]


def test_a_server_that_keeps_asking_is_given_up_on() -> None:
    play = Play(BLOCK_ALL)
    play.call(1, "x1", _meta=META)
    inputs = {"resultType": "input_required", "inputRequests": {"k": FORM}, "requestState": "s"}
    said = play.server("x1", id=1, result=inputs)
    rounds = 0
    while said[0][0] == "server":
        rounds += 1
        said = play.server(f"i{rounds}", id=said[0][1]["id"], result=inputs)
    assert rounds == 10
    assert said[0][1]["error"]["code"] == -31001
    assert said[0][1]["id"] == 1


def test_of_mixed_input_requests_the_client_sees_the_allowed_ones_and_the_server_gets_every_answer() -> None:
    play = Play('[[rule]]\nname = "u"\nask = "elicitation"\nmode_is = "url"\ndo = "block"')
    play.call(1, "x1", _meta=META)
    inputs = {"resultType": "input_required", "inputRequests": {"u": URL, "f": FORM}, "requestState": "s"}
    [(end, shown)] = play.server("x1", id=1, result=inputs)
    assert end == "client"
    assert list(shown["result"]["inputRequests"]) == ["f"]
    assert shown["result"]["requestState"] == "s"
    answers = {"f": {"action": "accept", "content": {}}}
    [(_, retry)] = play.call(2, "x2", _meta=META, inputResponses=answers, requestState="s")
    assert retry["params"]["inputResponses"] == {**answers, "u": {"action": "decline"}}


def test_a_task_that_asks_is_answered_by_an_update_and_shown_as_working() -> None:
    play = Play(BLOCK_ALL)
    extension = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    meta = {**META, "io.modelcontextprotocol/clientCapabilities": extension}
    play.call(1, "x1", _meta=meta)
    task = {
        "taskId": "t-1",
        "createdAt": "2026-01-05T10:00:00Z",
        "lastUpdatedAt": "2026-01-05T10:00:00Z",
        "ttlMs": None,
    }
    play.server("x1", id=1, result={"resultType": "task", "status": "working", **task})
    play.client("x2", id=2, method="tasks/get", params={"taskId": "t-1", "_meta": meta})
    asking = {"resultType": "complete", "status": "input_required", "inputRequests": {"f": FORM}, **task}
    shown, update = play.server("x2", id=2, result=asking)
    assert (shown[0], shown[1]["result"]["status"]) == ("client", "working")
    assert "inputRequests" not in shown[1]["result"]
    assert (update[0], update[1]["method"]) == ("server", "tasks/update")
    assert update[1]["params"]["inputResponses"] == {"f": {"action": "decline"}}
    assert play.server("i1", id=update[1]["id"], result={"resultType": "complete"}) == []


@pytest.mark.parametrize("more", ["", '\n[[rule]]\nname = "n"\nall = true\ndo = "note"'])
def test_a_task_that_asks_for_sampling_is_cancelled_and_stays_failed_for_the_client(more: str) -> None:
    play = Play(BLOCK_ALL + more)
    meta = {
        **META,
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    }
    task = {
        "taskId": "t-1",
        "createdAt": "2026-01-05T10:00:00Z",
        "lastUpdatedAt": "2026-01-05T10:00:00Z",
        "ttlMs": None,
    }
    play.call(1, "x1", _meta=meta)
    play.server("x1", id=1, result={"resultType": "task", "status": "working", **task})
    shown: list[Json] = []
    states: list[Json] = [{"status": "input_required", "inputRequests": {"s": SAMPLING}}, {"status": "cancelled"}]
    for number, state in enumerate(states, 2):
        play.client(f"x{number}", id=number, method="tasks/get", params={"taskId": "t-1", "_meta": meta})
        said = play.server(f"x{number}", id=number, result={"resultType": "complete", **state, **task})
        shown += [message["result"] for end, message in said if end == "client"]
    assert [(each["status"], each["error"]["code"]) for each in shown] == [("failed", -31001)] * 2


def test_a_list_of_sign_ins_loses_the_forbidden_ones() -> None:
    policy = '[[rule]]\nname = "u"\nask = "elicitation"\nmode_is = "url"\nunless_host = "ok.example"\ndo = "block"'
    play = Play(policy).stateful()
    play.call(1)
    entries = [{**URL["params"]}, {**URL["params"], "url": "https://ok.example/", "elicitationId": "e-10"}]
    error = {"code": -32042, "message": "Sign in", "data": {"elicitations": entries}}
    [(_, said)] = play.server(id=1, error=error)
    assert [each["elicitationId"] for each in said["error"]["data"]["elicitations"]] == ["e-10"]
    play.call(2)
    [(_, said)] = play.server(id=2, error={**error, "data": {"elicitations": entries[:1]}})
    assert said["result"]["isError"] is True


def test_a_blocked_call_never_reaches_the_server_and_is_answered_under_its_id() -> None:
    play = Play('[[rule]]\nname = "d"\ntool = "deploy"\ndo = "block"\nmessage = "Not today."').stateful()
    assert play.call("a") == [
        (
            "client",
            {
                "jsonrpc": "2.0",
                "id": "a",
                "result": {"content": [{"type": "text", "text": "Not today."}], "isError": True},
            },
        )
    ]


def test_a_secret_is_masked_on_the_wire_in_the_recording_and_on_standard_error() -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLQ"
    play = Play('[[rule]]\nname = "s"\nall = true\ndo = "redact"\nfind = "secrets"').stateful()
    [(_, said)] = play.call(1, note=secret)
    assert secret not in json.dumps(said)
    play.lines += [json.loads(b"".join(e.pieces)) for e in play.core.feed(Told(9.0, "server", "stderr", secret))]  # type: ignore[union-attr]
    assert secret not in json.dumps(play.lines)
    assert json.dumps(play.lines).count("[secret:aws-key-1]") >= 2


def test_an_edit_that_cannot_be_made_blocks() -> None:
    play = Play(
        '[[rule]]\nname = "c"\nask = "sampling"\ndo = "cap"\npath = "$.metadata.budget"\nat_most = 5'
    ).stateful()
    play.call(1)
    asked = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 9, "metadata": {"budget": 50}}}
    [(_, said)] = play.server(id=7, **asked)
    assert said["params"]["metadata"]["budget"] == 5
    asked["params"]["metadata"] = {"budget": "plenty"}
    [(end, said)] = play.server(id=8, **asked)
    assert (end, said["error"]["code"]) == ("server", -1)


def test_audit_decides_and_records_without_acting() -> None:
    play = Play('[[rule]]\nname = "a"\nask = "sampling"\ndo = "block"\nmode = "audit"').stateful()
    play.call(1)
    [(end, said)] = play.server(id=5, **SAMPLING)
    assert (end, said["params"]) == ("client", SAMPLING["params"])
    [line] = [line for line in play.lines if "verdict" in line]
    assert line["verdict"] == {"decision": "pass", "rules": [{"rule": "a", "do": "block", "acted": False, "ask": "5"}]}


def test_an_ambiguous_frame_is_refused_to_its_sender_while_rules_are_enforced() -> None:
    play = Play('[[rule]]\nname = "d"\ntool = "deploy"\ndo = "block"').stateful()
    raw = b'{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"x","name":"deploy"}}'
    effects = play.core.feed(Received(1.0, "client", "stdio", Frame(raw, read(raw))))
    delivered = [effect for effect in effects if isinstance(effect, Deliver)]
    assert [(effect.end, json.loads(effect.frame.raw)["error"]["code"]) for effect in delivered] == [("client", -32600)]


def test_what_is_hidden_from_one_server_is_not_hidden_from_another() -> None:
    for server, listed in (("srv", []), ("other", ["deploy"])):
        play = Play(f'[[rule]]\nname = "h"\ndo = "hide"\ntool = "deploy"\nserver = "{server}"').stateful()
        play.client(id=1, method="tools/list")
        [(_, said)] = play.server(id=1, result={"tools": [{"name": "deploy", "inputSchema": {}}]})
        assert [tool["name"] for tool in said["result"]["tools"]] == listed
        assert (play.call(2)[0][0] == "client") == (not listed)


_RULES = st.lists(
    st.sampled_from(
        [
            ("allow", 'ask = "sampling"\ndo = "allow"'),
            ("note", 'ask = "sampling"\ndo = "note"'),
            ("cap", 'ask = "sampling"\ndo = "cap"\npath = "$.maxTokens"\nat_most = 9'),
            ("set", 'ask = "sampling"\ndo = "set"\npath = "$.includeContext"\nvalue = "none"'),
            ("hold", 'ask = "sampling"\ndo = "hold"\ntimeout = 1'),
            ("deny", 'ask = "sampling"\ndo = "block"'),
            ("other", 'ask = "roots"\ndo = "block"'),
        ]
    ),
    min_size=1,
    max_size=6,
)


@given(_RULES, st.randoms(use_true_random=False))
def test_deny_beats_hold_beats_edit_beats_allow_in_any_order(rules: list[tuple[str, str]], random: Any) -> None:
    def outcome(order: list[tuple[str, str]]) -> tuple[str, Any]:
        """Who hears of it and what: the client the request, the server a refusal, nobody yet while it is held."""
        text = "\n".join(f'[[rule]]\nname = "r{n}"\n{body}' for n, (_, body) in enumerate(order))
        play = Play(text).stateful()
        play.call(1)
        said = play.server(id=3, **SAMPLING)
        return ("nobody", None) if not said else (said[0][0], said[0][1].get("params"))

    shuffled = list(rules)
    random.shuffle(shuffled)
    assert outcome(rules) == outcome(shuffled)
    assert outcome([*rules, ("deny", 'ask = "sampling"\ndo = "block"')])[0] == "server"
    kinds = {kind for kind, _ in rules}
    wanted = "server" if "deny" in kinds else "nobody" if "hold" in kinds else "client"
    assert outcome(rules)[0] == wanted
