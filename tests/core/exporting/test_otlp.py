"""Spans by the semantic conventions for MCP, as a collector reads them."""

import json
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from tests.core.exporting.exported import HEADER, STARTED, entries, hostile, nested, rounds, ruled
from tests.core.formats.tape import Tape, modern
from tests.core.test_holding import HOLD_TOOL, Play

from interpose.core.events import End
from interpose.core.exporting.otlp import Trace
from interpose.core.recording.entry import Entry, Header

Span = dict[str, Any]
HTTP = Header("s1", "2026-01-02T10:00:00Z", {"transport": "http"}, {"url": "https://mcp.example.com:8443/mcp"}, "test")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALL = {"id": 1, "method": "tools/call", "params": {"name": "drop_table", "arguments": {}}}


def spans(found: list[Entry], header: Header = HEADER) -> list[Span]:
    lines = list(Trace(header, STARTED).written(found))
    for line in lines:
        json_format.Parse(line, TracesData())
    return [
        span
        for line in lines
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def named(found: list[Span], name: str) -> Span:
    [only] = [span for span in found if span["name"] == name]
    return only


def about(span: Span) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def test_a_tool_call_says_what_the_conventions_want() -> None:
    call = named(spans(entries(nested())), "tools/call book")
    assert about(call) == {
        "mcp.method.name": "tools/call",
        "jsonrpc.request.id": "1",
        "mcp.protocol.version": "2025-11-25",
        "gen_ai.tool.name": "book",
        "gen_ai.operation.name": "execute_tool",
        "network.transport": "pipe",
        "interpose.from": "client",
        "interpose.entry": "4",
        "interpose.outcome": "ok",
    }
    assert call["status"] == {}
    assert int(call["startTimeUnixNano"]) - STARTED == 400_000_000
    assert int(call["endTimeUnixNano"]) - STARTED == 700_000_000


def test_a_question_is_a_child_of_its_call_whatever_carried_it() -> None:
    for tape in (nested(), rounds()):
        found = spans(entries(tape))
        root, ask = named(found, "mcp session"), named(found, "elicitation/create")
        calls = [span for span in found if span["name"] == "tools/call book"]
        assert ask["parentSpanId"] == calls[0]["spanId"]
        assert {span["parentSpanId"] for span in calls} == {root["spanId"]}
        assert len({span["traceId"] for span in found}) == 1


def test_a_further_round_is_linked_with_the_one_before() -> None:
    first, second = (span for span in spans(entries(rounds())) if span["name"] == "tools/call book")
    assert second["links"] == [{"traceId": first["traceId"], "spanId": first["spanId"]}]
    assert about(second)["error.type"] == "tool_error"
    assert second["status"] == {"code": 2, "message": "the tool failed"}


def test_the_trace_of_the_sender_goes_on() -> None:
    sent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b"}
    tape = Tape().opens().client(id=1, method="tools/list", params={"_meta": sent})
    tape.client(id=2, method="ping", params={"_meta": {"traceparent": f"00-{'0' * 32}-{PARENT}-01"}})
    tape.client(id=3, method="prompts/list", params={"_meta": {"traceparent": 7}}).ends()
    found = spans(entries(tape))
    call, root = named(found, "tools/list"), named(found, "mcp session")
    assert (call["traceId"], call["parentSpanId"], call["traceState"]) == (TRACE, PARENT, "a=b")
    assert {named(found, name)["traceId"] for name in ("ping", "prompts/list")} == {root["traceId"]}


def test_errors_are_errors_with_their_code() -> None:
    tape = Tape().opens().client(id=1, method="prompts/get", params={"name": "p"})
    tape.server(id=1, error={"code": -32602, "message": "no such prompt"}).ends()
    failed = named(spans(entries(tape)), "prompts/get p")
    assert failed["status"] == {"code": 2, "message": "no such prompt"}
    found = about(failed)
    assert (found["error.type"], found["rpc.response.status_code"]) == ("-32602", "-32602")
    assert found["gen_ai.prompt.name"] == "p"


def test_what_is_cancelled_or_refused_or_left_open_ends_all_the_same() -> None:
    tape = Tape(HTTP).opens().client(id=1, method="tools/list")
    tape.client(method="notifications/cancelled", params={"requestId": 1})
    tape.asks("x1", headers=(("mcp-session-id", "session-1"),)).client("x1", id=2, method="prompts/list")
    tape.answers("x1", 401).closes("x1", "server")
    tape.client(id=3, method="resources/list")
    found = spans(entries(tape), HTTP)
    assert about(named(found, "tools/list"))["error.type"] == "cancelled"
    refused = named(found, "prompts/list")
    assert (about(refused)["error.type"], refused["status"]["message"]) == ("401", "HTTP 401")
    assert about(refused)["mcp.session.id"] == "session-1"
    assert (about(refused)["server.address"], about(refused)["server.port"]) == ("mcp.example.com", "8443")
    assert about(refused)["network.protocol.name"] == "http"
    assert about(named(found, "resources/list"))["interpose.outcome"] == "open"


def test_notifications_are_events_and_very_many_are_counted() -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "a", "_meta": {"progressToken": 1}})
    for step in range(200):
        tape.server(method="notifications/progress", params={"progressToken": 1, "progress": step})
    call = named(spans(entries(tape.server(id=1, result={"content": []}).ends())), "tools/call a")
    assert len(call["events"]) == 128
    assert call["droppedEventsCount"] == 72
    assert call["events"][0]["name"] == "notifications/progress"


def test_what_a_policy_decided_is_an_event() -> None:
    blocked = ruled('[[rule]]\nname = "no-drops"\ntool = "drop_*"\ndo = "block"', ("client", CALL)).lines
    events = named(spans(blocked), "tools/call drop_table")["events"]
    assert about(events[0]) == {
        "interpose.decision": "answer",
        "interpose.entry": "1",
        "interpose.rules": about(events[0])["interpose.rules"],
    }
    assert about(events[0])["interpose.rules"].startswith("no-drops")
    play = Play(HOLD_TOOL)
    play.hear("client", CALL)
    play.decide("approve")
    held = [each for each in named(spans(play.lines), "tools/call drop_table")["events"] if each["name"] != "oddity"]
    assert [event["name"] for event in held] == ["policy", "policy decision"]
    assert about(held[1]) == {"interpose.decision": "approved by a person"}


def test_the_same_recording_gives_the_same_bytes_and_ids_that_are_its_own() -> None:
    found = entries(hostile())
    assert list(Trace(HEADER, STARTED).written(found)) == list(Trace(HEADER, STARTED).written(found))
    ids = [span["spanId"] for span in spans(found)]
    assert len(set(ids)) == len(ids)
    assert all(len(ident) == 16 and int(ident, 16) for ident in ids)


def test_many_spans_are_many_lines() -> None:
    tape = Tape().opens()
    for number in range(600):
        tape.client(id=number + 1, method="ping").server(id=number + 1, result={})
    assert len(list(Trace(HEADER, STARTED).written(entries(tape)))) == 2
    assert len(spans(entries(tape))) == 602


def test_a_question_inside_a_call_stays_its_child_when_a_trace_goes_on() -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "a"})
    sent = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    tape.server(id=1, method="sampling/createMessage", params={"messages": [], "maxTokens": 1, "_meta": sent})
    found = spans(entries(tape.client(id=1, error={"message": "no code"})))
    ask, call = named(found, "sampling/createMessage"), named(found, "tools/call a")
    assert (ask["traceId"], ask["parentSpanId"]) == (TRACE, PARENT)
    assert ask["links"] == [{"traceId": call["traceId"], "spanId": call["spanId"]}]
    assert about(ask)["error.type"] == "_OTHER"


def test_without_a_session_the_end_of_an_exchange_ends_its_request() -> None:
    ends: tuple[tuple[End, str], ...] = (("client", "cancelled"), ("server", "lost"))
    for end, word in ends:
        tape = (
            Tape(HTTP).asks("x1").client("x1", id=1, method="resources/read", params={"uri": "a:b", "_meta": modern()})
        )
        tape.answers("x1", 200).closes("x1", end, "gone")
        [read, _] = spans(entries(tape), Header("s1", HTTP.started, {}, {"url": "http://[oops"}, "test"))
        assert (about(read)["error.type"], about(read)["mcp.resource.uri"]) == (word, "a:b")


def test_what_is_answered_by_interpose_says_so_and_a_strange_answer_is_nobodys() -> None:
    tape = (
        Tape().opens().server(id=44, result={}).server(method="notifications/resources/updated", params={"uri": "a:b"})
    )
    root = named(spans(entries(tape)), "mcp session")
    told = [about(event) for event in root["events"]]
    assert {"interpose.note": "orphan"} in told
    assert {"interpose.from": "server", "interpose.about": "a:b"} in told
    blocked = ruled('[[rule]]\nname = "no-drops"\ntool = "drop_*"\ndo = "block"', ("client", CALL)).lines
    events = named(spans(blocked), "tools/call drop_table")["events"]
    assert about(events[-1]) == {"interpose.by": "interpose", "interpose.entry": "2"}
