"""Two recordings compared by what happened in them."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.core.formats.tape import Tape, modern
from tests.core.replay.changes import FOLDER, GOLDEN, changed, leaves, messages, written
from tests.core.replay.renaming import another_day, rewritten, side

from interpose.core.replay.comparison import Comparison, Finding, compare
from interpose.core.replay.normal import Normal
from interpose.core.replay.options import Options
from interpose.core.replay.story import FREE

golden = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")


def compared(one: Tape | bytes, other: Tape | bytes, **options: Any) -> Comparison:
    first, second = (side(each.data if isinstance(each, Tape) else each, Options(**options)) for each in (one, other))
    return compare(first, second)


def told(one: Tape, other: Tape, **options: Any) -> list[str]:
    """Findings in words: kind, what, method and name, then the paths."""
    return [_told(finding) for finding in compared(one, other, **options).findings]


def _told(finding: Finding) -> str:
    line = finding.line
    words = [finding.kind, finding.what, line.method, line.name, *(each.path for each in finding.differences)]
    return " ".join(word for word in words if word)


def calls(tape: Tape, *names: str, first: int = 1) -> Tape:
    """Calls one after the other, each answered by its name."""
    for number, name in enumerate(names, first):
        call(tape, number, name)
        answer(tape, number, name)
    return tape


def call(tape: Tape, number: int, name: str, **arguments: Any) -> Tape:
    return tape.client(id=number, method="tools/call", params={"name": name, "arguments": arguments})


def answer(tape: Tape, number: int, text: str) -> Tape:
    return tape.server(id=number, result={"content": [{"type": "text", "text": text}]})


@golden
def test_a_recording_is_equal_to_itself_and_to_the_same_session_on_another_day(path: Path) -> None:
    data = path.read_bytes()
    found = compared(data, data)
    assert found.equal
    assert found.calls > 10
    again = compared(data, another_day(data, "tuesday"))
    assert [_told(finding) for finding in again.findings] == []
    assert again.calls == found.calls


@golden
def test_any_change_of_one_message_is_found(path: Path) -> None:
    data, normal, chance = path.read_bytes(), Normal(), random.Random(7)
    first = side(data)
    for seen in messages(path):
        body = seen.message.body()
        places = [at for at in leaves(body) if at[0] not in ("id", "jsonrpc")]
        if seen.method in (*FREE, "ping", "tasks/get") or not places or chance.random() < 0.4:
            continue
        at = chance.choice(places)
        again = written(changed(body, at))
        if again.method == seen.message.method:
            one, other = (normal.digest(each, method=seen.method, era=seen.era) for each in (seen.message, again))
            if one == other:
                continue
        found = compare(first, side(rewritten(data, seen.seq, changed(body, at))))
        assert not found.equal, (seen.seq, seen.method, at)


def test_what_differs_is_told_by_its_path() -> None:
    one = answer(call(Tape().opens(), 1, "t", n=1), 1, "a")
    other = answer(call(Tape().opens(), 9, "t", n=2), 9, "b")
    assert told(one, other) == [
        "changed request tools/call t $.params.arguments.n",
        "changed answer tools/call t $.result.content[0].text",
    ]
    assert told(one, other, ignore=("$.params.arguments.n", "tools/call t $.result.content")) == []


def test_what_is_only_in_one_is_told_with_its_side() -> None:
    one, other = calls(Tape().opens(), "a", "b"), calls(Tape().opens(), "b", "c")
    assert told(one, other) == ["first request tools/call a", "second request tools/call c"]


def test_calls_that_ran_at_once_have_no_order() -> None:
    one = answer(answer(call(call(Tape().opens(), 1, "a"), 2, "b"), 1, "a"), 2, "b")
    other = answer(answer(call(call(Tape().opens(), 1, "b"), 2, "a"), 2, "a"), 1, "b")
    assert told(one, other) == []


def test_calls_one_after_the_other_have() -> None:
    one, other = calls(Tape().opens(), "make", "use", "drop"), calls(Tape().opens(), "make", "drop", "use")
    [finding] = told(one, other)
    assert finding in ("order request tools/call use", "order request tools/call drop")
    assert told(calls(Tape().opens(), *"abcdef"), calls(Tape().opens(), *"abcdef")) == []


def test_the_same_call_twice_is_paired_by_its_answer_then_in_order() -> None:
    def twice(*answers: str) -> Tape:
        tape = Tape().opens()
        for number, text in enumerate(answers):
            answer(call(tape, number, "next"), number, text)
        return tape

    assert told(twice("1", "2"), twice("1", "3")) == ["changed answer tools/call next $.result.content[0].text"]
    assert told(twice("1", "2", "3"), twice("2", "3")) == ["first request tools/call next"]


def test_what_is_asked_inside_a_call_stands_inside_it() -> None:
    def asks(message: str, **result: Any) -> Tape:
        tape = call(Tape().opens(), 1, "ask")
        tape.server(id=7, method="elicitation/create", params={"message": message, "requestedSchema": {}})
        return answer(tape.client(id=7, result=result), 1, "thanks")

    one = asks("who?", action="accept", content={"name": "Ada"})
    [finding] = compared(one, asks("who?", action="decline")).findings
    assert _told(finding) == "changed answer elicitation/create $.result.action $.result.content"
    assert finding.inside is not None
    assert finding.inside.method == "elicitation/create"
    assert told(one, asks("why?", action="accept", content={"name": "Ada"})) == [
        "changed request elicitation/create $.params.message"
    ]
    silent = answer(call(Tape().opens(), 1, "ask"), 1, "thanks")
    assert told(one, silent) == ["first request elicitation/create"]


def test_where_a_notification_came_does_not_count_as_long_as_it_came() -> None:
    updated: dict[str, Any] = {"method": "notifications/resources/updated", "params": {"uri": "x:1"}}
    inside = answer(call(Tape().opens(), 1, "t").server(**updated), 1, "a")
    outside = answer(call(Tape().opens().server(**updated), 1, "t"), 1, "a")
    never = answer(call(Tape().opens(), 1, "t"), 1, "a")
    assert told(inside, outside) == []
    assert told(inside, never) == ["first notification notifications/resources/updated x:1"]
    assert told(inside, never, free=("notifications/resources/*",)) == []


def test_messages_that_run_free_count_once() -> None:
    def logs(*levels: str) -> Tape:
        tape = Tape().opens()
        for level in levels:
            tape.server(method="notifications/message", params={"level": level, "data": level * len(tape.lines)})
            tape.server(id=f"p{len(tape.lines)}", method="ping")
        return tape

    assert told(logs("info", "error"), logs("error", "info", "info")) == []
    assert told(logs("info"), logs("info", "error")) == ["second notification notifications/message"]


def test_lists_that_a_client_reads_again_by_itself_do_not_count() -> None:
    def lists(*tools: list[dict[str, str]]) -> Tape:
        tape = Tape().opens()
        for number, each in enumerate(tools):
            tape.client(id=number, method="tools/list").server(id=number, result={"tools": each})
        return tape

    a, b = {"name": "a"}, {"name": "b"}
    assert told(lists([a]), lists([a], [a])) == []
    assert told(lists([a]), lists([a], [a, b])) == ["second request tools/list"]
    assert told(lists([a, b]), lists([b, a])) == ["changed answer tools/list $.result.tools"]


def task(tape: Tape, ident: str, *states: str, result: str = "done") -> Tape:
    """A task of 2025-11-25, polled; its result is read at the end."""
    tape.client(id=50, method="tools/call", params={"name": "slow", "task": {"ttl": 9}})
    tape.server(id=50, result={"task": {"taskId": ident, "status": "working", "ttl": 9, "createdAt": ident}})
    for number, state in enumerate(states, 51):
        tape.client(id=number, method="tasks/get", params={"taskId": ident})
        tape.server(id=number, result={"taskId": ident, "status": state, "ttl": 9, "lastUpdatedAt": str(number)})
    tape.client(id=90, method="tasks/result", params={"taskId": ident})
    return tape.server(id=90, result={"content": [{"type": "text", "text": f"{ident} {result}"}]})


def test_tasks_are_compared_by_their_states_not_by_their_polls() -> None:
    one = task(Tape().opens(), "task-one", "working", "working", "input_required", "working", "completed")
    assert told(one, task(Tape().opens(), "task-two", "input_required", "completed", "completed")) == []
    assert told(one, task(Tape().opens(), "task-two", "completed")) == ["first state tasks/get"]
    assert told(one, task(Tape().opens(), "task-two", "input_required", "failed")) == [
        "changed state tasks/get $.result.status"
    ]
    assert told(one, task(Tape().opens(), "task-two", "input_required", "completed", result="gone")) == [
        "changed answer tasks/result $.result.content[0].text"
    ]


def test_rounds_of_2026_07_28_are_calls_of_their_own() -> None:
    def rounds(key: str, state: str, **given: Any) -> Tape:
        ask = {"method": "elicitation/create", "params": {"message": "who?", "requestedSchema": {}}}
        about: dict[str, Any] = {"name": "ask", "arguments": {}, "_meta": modern()}
        tape = Tape().client(id=1, method="tools/call", params=about)
        result = {"resultType": "input_required", "inputRequests": {key: ask}, "requestState": state}
        tape.server(id=1, result=result)
        again = {**about, "inputResponses": {key: given}, "requestState": state}
        tape.client(id=2, method="tools/call", params=again)
        return tape.server(id=2, result={"resultType": "complete", "content": []})

    one = rounds("k1", "s1", action="accept", content={"name": "Ada"})
    assert told(one, rounds("k2", "s2", action="accept", content={"name": "Ada"})) == []
    assert told(one, rounds("k2", "s2", action="decline")) == [
        "changed request tools/call ask $.params.inputResponses[0].action $.params.inputResponses[0].content"
    ]


def test_an_answer_that_never_came_is_missed() -> None:
    one, other = calls(Tape().opens(), "a"), call(Tape().opens(), 1, "a")
    assert told(one, other) == ["first answer tools/call a"]
    assert told(other, one) == ["second answer tools/call a"]


def test_what_is_no_conversation_is_compared_as_it_is() -> None:
    one = Tape().opens().server(id=77, result={}).say("server", b"{}").say("server", b"oops")
    assert told(one, Tape().opens()) == ["first message", "first message"]
    twice = answer(calls(Tape().opens(), "a"), 1, "a")
    assert told(twice, calls(Tape().opens(), "a")) == ["first message tools/call a"]


def test_what_a_policy_changed_is_compared_as_it_went_on() -> None:
    one = calls(Tape().opens(), "a")
    tree = json.loads(one.lines[-1])
    edited = {**tree["message"], "result": {"content": []}}
    two = calls(Tape().opens(), "a")
    two.lines[-1] = (
        json.dumps({**tree, "verdict": {"decision": "pass", "rules": []}, "delivered": edited}).encode() + b"\n"
    )
    assert told(one, two) == ["changed answer tools/call a $.result.content[0]"]
    two.lines[-1] = json.dumps({**tree, "verdict": {"decision": "refuse", "rules": []}}).encode() + b"\n"
    assert told(one, two) == ["first answer tools/call a"]


def test_what_is_told_is_bounded_and_the_work_too() -> None:
    def many(salt: str) -> Tape:
        tape = Tape().opens()
        for number in range(1200):
            answer(call(tape, number, "t", n=f"{salt}{number}"), number, "ok")
        return tape

    found = compared(many("a"), many("b"))
    assert found.more
    assert len(found.findings) == 1000
    assert found.calls == 1201


def test_real_recordings_of_two_servers_differ_where_they_differ() -> None:
    folder = FOLDER / "2025-11-25"
    one, other = (folder / f"everything-{each}-ts1.jsonl" for each in ("http", "stdio"))
    found = compared(one.read_bytes(), other.read_bytes())
    assert [_told(finding) for finding in found.findings] == [
        "changed answer tools/call toggle-subscriber-updates $.result.content[0].text",
        "second notification notifications/tools/list_changed",
    ]
