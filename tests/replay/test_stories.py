"""Two recordings of one session differ in what their transports make of it, and `diff` does not tell that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.core.formats.tape import Tape, modern
from tests.core.replay.renaming import side

from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry
from interpose.core.replay.comparison import compare
from interpose.core.replay.normal import Normal
from interpose.core.replay.options import Options
from interpose.core.replay.server import ServerPlayer
from interpose.core.replay.threads import build
from interpose.core.wire.message import Message, read

ASK: dict[str, Any] = {"id": 6, "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 7}}
SAID = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "because"}}
RESUMED = (("Mcp-Session-Id", "s"), ("Last-Event-ID", "e1"))


def call(ident: int, name: str) -> dict[str, Any]:
    return {"id": ident, "method": "tools/call", "params": {"name": name, "arguments": {}, "_meta": modern()}}


def differences(one: Tape, other: Tape) -> list[str]:
    found = compare(side(one.data), side(other.data)).findings
    return [f"{each.kind} {each.what} {each.line.method}" for each in found]


def cancelled_on_stdio() -> Tape:
    tape = Tape().client(**call(1, "sleepy"))
    return tape.client(method="notifications/cancelled", params={"requestId": 1, "reason": "enough"})


def closed_over_http(*, answered: bool = False) -> Tape:
    tape = Tape().asks("x1").client("x1", **call(1, "sleepy")).answers("x1", 200, "text/event-stream")
    if answered:
        tape.server("x1", id=1, result={"content": [], "resultType": "complete"})
    return tape.closes("x1", end="client")


def test_closing_the_stream_of_a_stateless_call_is_cancelling_it() -> None:
    assert differences(cancelled_on_stdio(), closed_over_http()) == []
    assert differences(closed_over_http(), cancelled_on_stdio()) == []


def test_a_call_that_nobody_cancelled_differs_from_one_whose_stream_was_closed() -> None:
    waiting = Tape().client(**call(1, "sleepy"))
    assert differences(waiting, closed_over_http()) == ["second notification notifications/cancelled"]


def test_closing_a_stream_that_has_brought_its_answer_cancels_nothing() -> None:
    answered = Tape().client(**call(1, "sleepy")).server(id=1, result={"content": [], "resultType": "complete"})
    assert differences(answered, closed_over_http(answered=True)) == []


def asked(*, first: bool = True, again: bool = False) -> Tape:
    """A call with a question in it, answered at `first`, and when a resumed stream brings it `again`."""
    tape = Tape().opens().client(id=5, method="tools/call", params={"name": "ask", "arguments": {}})
    tape.server(**ASK)
    if first:
        tape.client(id=6, result=SAID)
    if again:
        tape.asks("x9", "GET", headers=RESUMED).answers("x9", 200, "text/event-stream")
        tape.server("x9", **ASK).client("x10", id=6, result=SAID)
    return tape.server(id=5, result={"content": []})


@pytest.mark.parametrize("first", [True, False], ids=["answered-before", "answered-then"])
def test_a_question_that_a_resumed_stream_brought_again_is_one_with_one_answer(first: bool) -> None:
    assert differences(asked(first=first, again=True), asked()) == []
    assert differences(asked(), asked(first=first, again=True)) == []


def test_a_question_that_is_answered_twice_all_the_same_differs() -> None:
    assert differences(asked(), asked().client(id=6, result=SAID)) == ["second message sampling/createMessage"]


@pytest.mark.parametrize("first", [True, False], ids=["answered-before", "answered-then"])
def test_a_recorded_server_waits_for_the_answer_to_a_question_that_was_brought_again(first: bool) -> None:
    entries = [decode_entry(line) for line in asked(first=first, again=True).lines[1:]]
    script = build(enumerate(entries), Normal(Options()), "server", entries.__getitem__)
    player = ServerPlayer(script, Options())
    player.begin()
    told = [each.message for entry in entries[:4] if entry.end == "client" for each in player.hear(sent(entry))]
    assert [json.loads(each).get("method") for each in told] == [None, "sampling/createMessage"]
    [answer] = player.hear(read(json.dumps({"jsonrpc": "2.0", "id": 6, "result": SAID}).encode()))
    assert json.loads(answer.message)["id"] == 5


def sent(entry: Entry) -> Message:
    return read(entry.payload() or b"")


def test_calls_that_were_made_at_once_may_be_made_one_by_one_whoever_asked() -> None:
    """On one stream nobody can tell which of several calls asked; none of them waits for what is yet to be called."""
    tape = Tape().opens()
    for ident in (11, 12):
        tape.client(id=ident, method="tools/call", params={"name": f"tool {ident}", "arguments": {}})
    tape.client(id=13, method="prompts/get", params={"name": "greet"})
    for ident in (110, 120):
        tape.server(**{**ASK, "id": ident})
    tape.server(id=13, result={"messages": []})
    for ident in (110, 120):
        tape.client(id=ident, result=SAID)
    for ident in (12, 11):
        tape.server(id=ident, result={"content": []})
    entries = [decode_entry(line) for line in tape.lines[1:]]
    player = ServerPlayer(build(enumerate(entries), Normal(Options()), "server", entries.__getitem__), Options())
    player.begin()
    for entry in entries[:6]:
        if entry.end == "client":
            answers = talked(player, sent(entry))
            assert sent(entry).id in (None, *answers)


def talked(player: ServerPlayer, message: Message) -> list[str | None]:
    """Say something to the recorded server, answer what it asks, and give the ids of what it answers."""
    said = [read(each.message) for each in player.hear(message)]
    answer = {"jsonrpc": "2.0", "result": SAID}
    asked = [json.loads(each.raw)["id"] for each in said if each.method]
    further = [talked(player, read(json.dumps({**answer, "id": ident}).encode())) for ident in asked]
    return [each.id for each in said if each.is_response] + [ident for each in further for ident in each]
