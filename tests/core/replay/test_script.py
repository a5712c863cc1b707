"""What the script of one end holds: which messages, in which call, and what each has to wait for."""

from typing import Any

from tests.core.replay.stage import GOLDEN, call, golden, opened, raw, result, told

from interpose.core.events import End
from interpose.core.recording.entry import Entry
from interpose.core.recording.recorder import Ruling
from interpose.core.replay.script import NONE, Mark, Script


def _rows(script: Script, method: str, own: bool | None = None) -> list[int]:
    return [
        row
        for row in range(len(script))
        if script.method(row) == method and own in (None, script.own(row)) and not script.marks[row] & Mark.RESPONSE
    ]


def _ask(ident: int, **meta: Any) -> dict[str, Any]:
    return {"id": ident, "method": "roots/list", **({"params": {"_meta": meta}} if meta else {})}


def test_every_message_of_a_sound_session_is_a_row() -> None:
    for end in ("server", "client"):
        script = opened(("client", call(1, "a")), ("server", result(1, "x"))).script(end)
        assert [script.seqs[row] for row in range(len(script))] == [1, 2, 3, 4, 5]
        assert [script.own(row) for row in range(len(script))] == [(e == end) for e in _ENDS]


_ENDS = ("client", "server", "client", "client", "server")


def test_what_is_said_while_one_call_is_open_happens_in_it() -> None:
    tape = opened(
        ("client", call(1, "a")),
        ("server", told("message", level="info", data="working")),
        ("server", _ask(7)),
        ("client", {"id": 7, "result": {"roots": []}}),
        ("server", result(1, "x")),
    )
    script = tape.script("server")
    row, chain = 3, []
    while (row := script.follows[row]) != NONE:
        chain.append(script.named(row))
    assert chain == [
        "notifications/message (line 6)",
        "roots/list (line 7)",
        "the answer to roots/list (line 8)",
        "the answer to tools/call (line 9)",
    ]


def test_an_ask_belongs_to_the_latest_call_that_was_open_when_it_was_answered() -> None:
    tape = opened(
        ("client", call(1, "a")),
        ("client", call(2, "b")),
        ("client", call(3, "c")),
        ("server", _ask(7)),
        ("server", result(3, "z")),
        ("client", {"id": 7, "result": {"roots": []}}),
        ("server", result(1, "x")),
        ("server", result(2, "y")),
    )
    script = tape.script("server")
    [ask] = _rows(script, "roots/list")
    assert script.named(script.threads[ask]) == "tools/call (line 6)"


def test_what_is_said_outside_of_calls_waits_for_the_latest_of_the_client_that_is_no_poll() -> None:
    tape = opened(
        ("client", call(1, "a")),
        ("server", result(1, "x")),
        ("client", {"id": 2, "method": "ping"}),
        ("server", {"id": 2, "result": {}}),
        ("server", told("tools/list_changed")),
    )
    script = tape.script("server")
    [changed] = _rows(script, "notifications/tools/list_changed")
    assert (script.root, script.causes[changed]) == (changed, 3)


def test_a_message_that_a_policy_kept_from_the_client_is_not_said_and_its_stand_in_is() -> None:
    verdict = {"decision": "answer", "rules": []}
    tape = opened(("client", call(1, "a")))
    tape.add("server", _ask(7), Ruling(verdict=verdict))
    tape.add("client", {"id": 7, "error": {"code": -1, "message": "blocked"}}, Ruling(by="interpose"))
    tape.add("server", result(1, "x"))
    assert _rows(tape.script("server"), "roots/list") == []
    client = tape.script("client")
    [ask] = _rows(client, "roots/list")
    assert b"blocked" in client.raw(client.replies[ask]), "the server asked, and got this answer"


def test_an_edited_message_is_played_as_it_was_delivered_and_matched_as_it_was_sent() -> None:
    edited = Ruling(verdict={"decision": "edit", "rules": []}, delivered=raw(call(1, "b")))
    tape = opened()
    tape.add("client", call(1, "a"), edited)
    tape.add("server", result(1, "x"))
    server, client = tape.script("server"), tape.script("client")
    assert b'"a"' in server.raw(3)
    assert b'"b"' in client.raw(3)


def test_what_was_held_comes_when_it_was_let_go() -> None:
    tape = opened(("client", call(1, "a")))
    held = {"decision": "hold", "rules": [], "hold": "h1"}
    tape.add("server", result(1, "x"), Ruling(verdict=held))
    script = tape.script("server")
    assert script.replies[3] == NONE
    tape.entries.append(Entry(6, 2.0, "decision", hold="h1", decision="approve"))
    script = tape.script("server")
    assert (script.replies[3], script.ats[4]) == (4, 2.0)
    tape.entries[-1] = Entry(6, 2.0, "decision", hold="h1", decision="abandon")
    assert tape.script("server").replies[3] == NONE


def test_requests_that_compare_equal_are_found_one_after_the_other() -> None:
    tape = opened(
        ("client", call(1, "a")),
        ("server", result(1, "x")),
        ("client", call("2", "a")),
        ("server", result("2", "y")),
    )
    script = tape.script("server")
    [first, second] = _rows(script, "tools/call")
    assert (script.first[script.keys[first]], script.twins[first], script.twins[second]) == (first, second, NONE)


def test_a_stream_that_a_client_closed_is_a_cancellation() -> None:
    path = next(each for each in GOLDEN if each.match("2026-07-28/ts2-http-ts2.jsonl"))
    script = golden(path, "client")
    closed = [row for row in script.cancels if script.named(script.threads[row]) == "tools/call (line 134)"]
    assert len(closed) == 1
    assert script.message(closed[0]).method == "notifications/cancelled"


def test_what_a_resumed_stream_brings_again_is_played_once() -> None:
    path = next(each for each in GOLDEN if each.match("2025-11-25/everything-http-ts1.jsonl"))
    ends: tuple[End, End] = ("server", "client")
    for end in ends:
        asks = _rows(golden(path, end), "sampling/createMessage")
        assert len(asks) == 2
