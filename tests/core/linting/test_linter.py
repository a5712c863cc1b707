"""What the specification forbids is found, and what it only advises against, or leaves open, is not."""

import json
from typing import Any

import pytest
from tests.core.formats.tape import Tape, modern

from interpose.core.events import Frame, Received
from interpose.core.linting.finding import Fault, Finding
from interpose.core.linting.linter import Linter
from interpose.core.linting.rules import FLAGGED, NOTED
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Header
from interpose.core.session.notes import NOTES
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import read

HTTP = Header("s1", "2026-01-02T10:00:00Z", {"transport": "http"}, {"url": "http://h/mcp"}, "test")
BOTH = ("Accept", "application/json, text/event-stream")
VERSION = ("MCP-Protocol-Version", "2025-11-25")
JSON = "application/json"


def nothing(_: Sighting, __: str) -> tuple[Fault, ...]:
    return ()


def findings(tape: Tape, validate: Any = nothing) -> list[Finding]:
    linter = Linter(tape.header, validate)
    return [found for line in tape.lines[1:] for found in linter.take(decode_entry(line))]


def rules(tape: Tape) -> list[tuple[str, str]]:
    """Who broke which rule."""
    return [(found.end, found.rule) for found in findings(tape)]


def call(tape: Tape, token: int = 1) -> Tape:
    return tape.client(id=1, method="tools/call", params={"name": "a", "_meta": {"progressToken": token}})


def progress(tape: Tape, *amounts: float, token: int = 1) -> Tape:
    for amount in amounts:
        tape.server(method="notifications/progress", params={"progressToken": token, "progress": amount})
    return tape


def test_a_plain_session_is_in_order() -> None:
    tape = progress(call(Tape().opens()), 1, 2, 2.5).server(id=1, result={"content": []})
    assert rules(tape.closes().ends()) == []


def test_every_rule_of_a_note_is_one_that_the_session_makes() -> None:
    assert set(NOTED) <= set(NOTES)
    assert set(NOTES) - set(NOTED) == {
        *("after-cancel", "late", "null-id", "replayed", "resent", "reused-state", "unknown-state", "unknown-task"),
    }


@pytest.mark.parametrize(
    ("tape", "found"),
    [
        (Tape().client(id=1, method="tools/list"), ("client", "no-opening")),
        (Tape().opens().client(id=0, method="ping"), ("client", "reused-id")),
        (Tape().opens().server(id=9, result={}), ("server", "orphan")),
        (Tape().opens().server(id=0, result={}), ("server", "duplicate-answer")),
        (Tape().opens().client(id=1, method="prompts/list"), ("client", "not-negotiated")),
        (Tape().opens().server(id=1, method="tools/list"), ("server", "wrong-direction")),
        (Tape().opens("2024-11-05").server(id=1, method="elicitation/create", params={}), ("server", "not-in-version")),
        (progress(Tape().opens(), 1), ("server", "unknown-token")),
        (
            Tape().opens().client(method="notifications/cancelled", params={"requestId": 7}),
            ("client", "unknown-request"),
        ),
        (
            Tape().client(id=0, method="server/discover", params={"_meta": modern()}).server(id=1, method="ping"),
            ("server", "server-request-in-stateless"),
        ),
        (
            Tape().opens().say("client", [{"jsonrpc": "2.0", "id": 1, "method": "ping"}]),
            ("client", "batch-not-in-version"),
        ),
        (Tape().opens().say("server", b"oops"), ("server", "not-json")),
        (Tape().opens().say("server", {"a": 1}), ("server", "not-json-rpc")),
        (Tape().opens().say("client", {"id": 1, "method": "ping"}), ("client", "no-version")),
        (Tape().opens().client(id=1.5, method="ping"), ("client", "odd-id")),
    ],
    ids=lambda each: each[1] if isinstance(each, tuple) else "",
)
def test_what_is_forbidden_is_found_once_with_who_did_it(tape: Tape, found: tuple[str, str]) -> None:
    assert rules(tape) == [found]


def test_every_finding_names_where_the_specification_says_so() -> None:
    [found] = findings(Tape().opens().client(id=1, method="prompts/list"))
    assert (found.cited, found.method, found.seq) == ("2025-11-25 §basic/lifecycle", "prompts/list", 4)
    assert all(rule.stateful and rule.stateless for rule in (*NOTED.values(), *FLAGGED.values()))


def test_progress_goes_up_and_stops_with_its_request() -> None:
    assert rules(progress(call(Tape().opens()), 1, 1, 0.5)) == [("server", "progress-not-increasing")] * 2
    over = progress(call(Tape().opens()).server(id=1, result={"content": []}), 1)
    assert rules(over) == [("server", "progress-after-end")]


def test_progress_that_crosses_a_cancellation_is_nobodys_fault() -> None:
    tape = call(Tape().opens()).client(method="notifications/cancelled", params={"requestId": 1})
    assert rules(progress(tape, 1).server(id=1, result={"content": []})) == []


def test_what_a_resumed_stream_repeats_is_nobodys_fault() -> None:
    tape = progress(call(Tape(HTTP).opens()), 3)
    tape.asks("x2", "GET", headers=(BOTH, VERSION, ("Last-Event-ID", "1")))
    raw = json.dumps(
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 2}}
    )
    again = tape.happen(Received(tape.now, "server", "x2", Frame(raw.encode(), read(raw.encode()))))
    assert rules(again) == []


@pytest.mark.parametrize(
    ("error", "found"),
    [
        ({"code": -32602, "message": "no"}, []),
        ({"code": "x", "message": "no"}, ["error-shape"]),
        ({"code": 1}, ["error-shape"]),
        ({"code": True, "message": "no"}, ["error-shape"]),
        ("no", ["error-shape"]),
    ],
)
def test_errors_have_a_code_and_a_message(error: Any, found: list[str]) -> None:
    tape = Tape().opens().client(id=1, method="ping").server(id=1, error=error)
    assert [rule for _, rule in rules(tape)] == found


@pytest.mark.parametrize(
    ("code", "wrong"), [(-32602, 0), (-32021, 0), (-32002, 1), (-32042, 1), (-32050, 1), (-31000, 0)]
)
def test_codes_of_other_versions_are_no_codes_of_2026(code: int, wrong: int) -> None:
    tape = Tape().client(id=1, method="tools/list", params={"_meta": modern()})
    found = rules(tape.server(id=1, error={"code": code, "message": "no"}))
    assert found == [("server", "error-code")] * wrong


def test_the_result_of_a_task_says_whose_it_is() -> None:
    task = {"taskId": "t", "status": "completed", "createdAt": "", "lastUpdatedAt": "", "ttl": None}
    tape = (
        Tape()
        .opens()
        .client(id=1, method="tools/call", params={"name": "a", "task": {}})
        .server(id=1, result={"task": task})
    )
    tape.client(id=2, method="tasks/result", params={"taskId": "t"})
    assert ("server", "no-related-task") in rules(tape.server(id=2, result={"content": []}))


def test_models_are_asked_with_the_version_of_the_request() -> None:
    asked: list[tuple[str | None, str]] = []

    def validate(seen: Sighting, version: str) -> tuple[Fault, ...]:
        asked.append((seen.method, version))
        return (Fault("$.params.name", "too short"),) if seen.method == "tools/call" else ()

    tape = call(Tape().opens("2025-06-18"))
    [found] = findings(tape, validate)
    assert asked == [("initialize", "2025-06-18")] * 2 + [
        ("notifications/initialized", "2025-06-18"),
        ("tools/call", "2025-06-18"),
    ]
    assert (found.rule, found.text, found.where) == ("model", "not as the schema has it: too short", "$.params.name")


def http(*headers: tuple[str, str], method: str = "tools/list") -> Tape:
    """A session over HTTP with an id, and one more exchange."""
    tape = Tape(HTTP).asks("x1", headers=(BOTH,))
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    tape.client("x1", id=0, method="initialize", params=about)
    tape.answers("x1", 200, JSON)
    offered = {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "s", "version": "1"},
    }
    tape.server("x1", id=0, result=offered).closes("x1", "server")
    return tape.asks("x2", headers=headers).client("x2", id=1, method=method)


def test_requests_of_a_session_carry_its_version_and_what_they_accept() -> None:
    assert rules(http(BOTH, VERSION)) == []
    assert rules(http(BOTH)) == [("client", "no-version-header")]
    assert rules(http(("Accept", "application/json"), VERSION)) == [("client", "no-accept")]
    assert rules(http(("accept", "*/*"), VERSION)) == []


def test_the_session_id_that_the_server_gave_comes_back() -> None:
    tape = (
        Tape(HTTP)
        .asks("x1", headers=(BOTH,))
        .client("x1", id=0, method="initialize", params={"protocolVersion": "2025-03-26"})
    )
    line = decode_entry(tape.answers("x1", 200, JSON).lines[-1])
    named = json.loads(tape.lines[-1]) | {"headers": [["Content-Type", JSON], ["Mcp-Session-Id", "session-1"]]}
    tape.lines[-1] = json.dumps(named).encode() + b"\n"
    assert line.status == 200
    tape.server("x1", id=0, result={"protocolVersion": "2025-03-26", "capabilities": {}}).closes("x1", "server")
    tape.asks("x2", headers=(BOTH,)).client("x2", method="notifications/initialized")
    assert rules(tape) == [("client", "no-session-header")]


def test_a_notification_is_accepted_and_a_request_answered_in_json_or_a_stream() -> None:
    assert rules(http(BOTH, VERSION).answers("x2", 200, "text/html")) == [("server", "odd-type")]
    tape = http(BOTH, VERSION).answers("x2", 200, JSON).closes("x2", "server").asks("x3", headers=(BOTH, VERSION))
    told = tape.client("x3", method="notifications/roots/list_changed").answers("x3", 200, JSON)
    assert ("server", "not-accepted") in rules(told)


def test_headers_say_what_the_body_says_in_2026() -> None:
    headers = (BOTH, ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list"))
    tape = Tape(HTTP).asks("x1", headers=headers)
    tape.client("x1", id=1, method="tools/call", params={"name": "a", "_meta": modern()})
    [found] = findings(tape)
    assert (found.end, found.rule, found.cited) == ("client", "headers", "2026-07-28 §basic/transports/streamable-http")
    assert "Mcp-Method" in found.text


def test_a_cancellation_over_http_is_none_in_2026() -> None:
    headers = (BOTH, ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "notifications/cancelled"))
    tape = Tape(HTTP).asks("x1", headers=headers)
    tape.client("x1", method="notifications/cancelled", params={"requestId": 1, "_meta": modern()})
    assert rules(tape) == [("client", "cancelled-over-http")]


def test_what_interpose_said_is_nobodys() -> None:
    tape = Tape().opens()
    line = json.loads(tape.server(id=9, result={}).lines[-1]) | {"by": "interpose"}
    tape.lines[-1] = json.dumps(line).encode() + b"\n"
    assert rules(tape) == []


def test_what_may_have_been_redacted_is_not_held_against_a_model() -> None:
    tape = call(Tape().opens())
    verdict = {"decision": "pass", "rules": [{"rule": "r", "do": "redact"}]}
    tape.lines[-1] = json.dumps(json.loads(tape.lines[-1]) | {"verdict": verdict}).encode() + b"\n"
    found = findings(tape, lambda seen, _: (Fault("$", "bad"),) if seen.method == "tools/call" else ())
    assert found == []


def test_what_is_no_streamable_http_has_none_of_its_rules() -> None:
    legacy = Header("s1", HTTP.started, {"transport": "sse"}, {}, "test")
    assert rules(Tape(legacy).asks("x1").client("x1", id=1, method="ping").answers("x1", 200, "text/html")) == []
    assert rules(Tape(HTTP).client("x9", id=1, method="ping").closes("x9")) == []


def test_a_null_id_and_progress_without_a_number() -> None:
    assert ("client", "null-id") in rules(Tape().opens().client(id=None, method="ping"))
    tape = call(Tape().opens()).server(method="notifications/progress", params={"progressToken": 1})
    assert rules(tape) == []
