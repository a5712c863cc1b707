"""A transcript for programs, and whole pages of odd sessions."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.formats.tape import HEADER, Tape, modern
from tests.core.formats.test_transcript import FORM, http, nested, stateful, stateless, tasks

from interpose.core.events import Frame, Received
from interpose.core.formats import waits
from interpose.core.formats.choice import Choice
from interpose.core.formats.page import footer
from interpose.core.formats.paint import ascii_only, coloured, plain
from interpose.core.formats.records import encoded
from interpose.core.formats.survey import Survey
from interpose.core.formats.words import safe
from interpose.core.recording.codec import decode_entry

OWED = {"type", "seq", "at", "from", "method", "name", "outcome", "failed", "seconds", "reply", "text"}
WIRE = {"id", "channel", "era", "confidence"}


def survey(tape: Tape) -> Survey:
    found, offset = Survey(), len(tape.lines[0])
    for line in tape.lines[1:]:
        found.take(offset, decode_entry(line))
        offset += len(line)
    return found


def test_programs_get_one_object_a_line_with_keys_they_can_rely_on() -> None:
    found = stateful().json()
    assert found[0] == {
        "type": "session",
        "session": "s1",
        "started": HEADER.started,
        "by": "interpose test",
        "client_end": {"transport": "stdio"},
        "server_end": {"transport": "stdio", "name": "probe", "command": ["python", "probe.py"]},
        "version": "2025-11-25",
        "era": "stateful",
        "client": {"name": "inspector", "version": "3"},
        "server": {"name": "deploy", "version": "1.2"},
        "policies": [],
    }
    requests = [each for each in found if each["type"] == "request"]
    assert all(OWED | WIRE | {"number"} <= set(each) for each in requests)
    assert [each["number"] for each in requests] == ["#1", "#2", "#3", "s#1", "s#2", "#4", "#5", "#6"]
    assert [each["outcome"] for each in requests[-3:]] == ["tool-error", "error", "cancelled"]
    assert requests[6]["code"] == -32602
    assert requests[3]["inside"] == ["#3"]
    assert [each["text"] for each in found if each["type"] == "stderr"] == [r"listening \x1b[2J on stdio"]
    assert [each["about"] for each in found if each.get("method") == "notifications/progress"] == ["#3"] * 3
    assert found[-1] == {
        "type": "end",
        "seq": 26,
        "at": 2.6,
        "reason": "client closed",
        "messages": 22,
        "client_requests": 6,
        "server_requests": 2,
        "asks": 2,
        "tasks": 0,
        "outcomes": {"ok": 4, "error": 1, "tool-error": 1, "cancelled": 1, "accepted": 1},
        "problems": [],
    }


def test_programs_get_waits_first_and_asks_with_their_carrier() -> None:
    found = stateless().json()
    told = [each for each in found if each["type"] == "wait"]
    assert found[1:3] == told
    assert told[0] == {
        "type": "wait",
        "who": "USER",
        "number": None,
        "what": "elicitation/create form",
        "since": 0.9,
        "age": 0.0,
        "blocks": ["#4"],
        "via": [],
        "deadline": None,
        "then": "parked, may never come back",
    }
    ask = next(each for each in found if each["type"] == "ask")
    assert {key: ask[key] for key in ("carrier", "key", "outcome", "inside")} == {
        "carrier": "input_request",
        "key": "k",
        "outcome": "accepted",
        "inside": ["#1"],
    }
    second = next(each for each in found if each.get("number") == "#2")
    assert (second["round"], second["previous"]) == (2, "#1")


def test_programs_get_every_poll() -> None:
    polls = [each["polls"] for each in tasks().json() if each.get("method") == "tasks/get"]
    assert polls == [3, 0, 0, 1]


def test_json_lines_hold_nothing_that_a_terminal_obeys() -> None:
    line = encoded({"text": "\x1b\u202e\ud800é"})
    assert (safe(line), json.loads(line)) == (line, {"text": "\x1b\u202e\ud800é"})


def test_a_task_that_asks_waits_for_a_person() -> None:
    tape = Tape().client(id=1, method="tools/call", params={"name": "plan", "_meta": modern()})
    tape.server(id=1, result={"resultType": "task", "taskId": "t1", "status": "working", "ttlMs": 60000})
    tape.client(id=2, method="tasks/get", params={"taskId": "t1", "_meta": modern()})
    inputs = {"k": {"method": "elicitation/create", "params": FORM}}
    tape.server(id=2, result={"taskId": "t1", "status": "input_required", "inputRequests": inputs})
    assert [row[:104].rstrip() for row in tape.text(width=130)[2:4]] == [
        "USER        #1  tools/call plan, task t1, input required, polled 1x     0:00  in 0:59: the task may be d",
        "USER            elicitation/create form                                 0:00  blocks #1 tools/call plan",
    ]


def test_who_is_left_waiting_when_an_end_goes_is_nobody() -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "slow"}).closes(end="server").ends()
    assert tape.text(width=100)[1:3] == [
        "─ left waiting when the recording ended ────────────────────────────────────────────────────────────",
        "NOBODY      #2  tools/call slow     0:00  abandoned",
    ]
    assert tape.text()[-1].startswith(
        "─ 4 messages: 2 requests by the client · 1 left waiting on NOBODY · client closed"
    )


def test_many_waits_are_counted_not_listed() -> None:
    tape = Tape().opens()
    for number in range(1, 130):
        tape.client(id=number, method="tools/call", params={"name": "slow"})
    assert tape.text()[102] == "and 29 more"
    rows = [plain(row) for row in footer(survey(tape), 20.0, 60)]
    assert len(rows) == 11
    assert rows[1].startswith("SERVER      #2  tools/call slow     0:19")
    assert rows[-1].startswith("─ 129 waiting · 132 messages · 0:20 · Ctrl-C leaves")


def test_two_answers_in_a_batch_go_to_their_own_requests() -> None:
    tape = Tape().opens("2025-03-26")
    call = {"jsonrpc": "2.0", "method": "tools/call"}
    tape.say("client", [{**call, "id": n, "params": {"name": f"t{n}"}} for n in (1, 2)])
    done = {"jsonrpc": "2.0", "result": {"content": []}}
    tape.say("server", [{**done, "id": 2, "result": {"content": [], "isError": True}}, {**done, "id": 1}])
    assert [each.word for each in tape.told() if each.type == "request"][1:] == ["ok", "tool error"]


def test_an_unsettled_sign_in_is_an_ask_of_its_own() -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "mail"})
    need = {"mode": "url", "message": "Sign in", "url": "https://a.example/x", "elicitationId": "e1"}
    tape.server(id=1, error={"code": -32042, "message": "sign in first", "data": {"elicitations": [need]}})
    tape.server(method="notifications/elicitation/complete", params={"elicitationId": "e1"})
    assert [(each.type, each.label, each.word) for each in tape.ends().told()][2:] == [
        ("request", "tools/call mail", "error -32042"),
        ("ask", "elicitation/create url", "ok"),
        ("notification", "elicitation/complete e1", ""),
    ]


def test_live_lines_tell_a_request_at_once_and_its_answer_when_it_comes() -> None:
    told = [(each.type, each.number, each.label, each.word) for each in nested().told(live=True)][3:]
    assert told == [
        ("request", "#2", "tools/call plan", "…"),
        ("request", "s#1", "sampling/createMessage", "…"),
        ("answer", "s#1", "sampling/createMessage", "error -1"),
        ("answer", "#2", "tools/call plan", "ok"),
    ]
    live = [(each.type, each.label, each.word) for each in stateless().told(live=True)]
    assert ("ask", "elicitation/create form", "…") in live
    assert ("ask", "elicitation/create form", "accepted") in live


def test_facts_about_the_ends_are_told_in_words() -> None:
    tape = Tape().tells("signal", "SIGTERM").tells("exit", "143").tells("exit", "137").tells("moved", "away", "client")
    tape.tells("note", "lost a line").tells("note", "lost a line").closes(reason="broken pipe").happen(
        Received(1.0, "server", "stdio", Frame(b"\n"))
    )
    assert [row[21:] for row in tape.text()[1:-1]] == [
        "server was sent SIGTERM",
        "server exited with status 143 (SIGTERM)",
        "server exited with status 137 (SIGKILL)",
        "client moved away",
        "note ×2, last lost a line",
        "client is gone: broken pipe",
    ]
    assert [each.failed for each in tape.told()] == [False, False, True, False, False, False, True, False]


def test_the_body_of_a_refusal_is_told_and_an_answer_clears_its_exchange() -> None:
    tape = Tape().asks("x1").client("x1", id=1, method="ping").answers("x1", 200).server("x1", id=1, result={})
    tape.closes("x1", "client", "disconnect").asks("x2").answers("x2", 502)
    tape.happen(Received(2.0, "server", "x2", Frame(b"Bad Gateway"))).closes("x2", "server")
    assert [row[21:] for row in tape.text()[2:-1]] == ["http x2 502 to POST /mcp", 'http x2 body "Bad Gateway"']


def test_an_answer_too_large_to_fetch_is_told_by_its_beginning() -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "big"})
    tape.server(id=1, result={"content": [{"type": "text", "text": "lorem " * 2000}]})
    assert tape.ends().told()[2].reply.startswith("12 KB: lorem lorem")


def test_a_long_wait_is_one_sentence_and_its_look_gets_louder() -> None:
    found = survey(Tape().opens().client(id=1, method="tools/call", params={"name": "slow"}))
    (wait,) = found.session.waits(7.0)
    assert waits.sentence(wait, 7.0, found.ledger) == "waiting on SERVER: #2 tools/call slow, 0:06"
    assert [waits.style(wait, at) for at in (1.0, 7.0)] == ["open", "warn"]
    timed = replace(wait, deadline=10.0)
    assert [waits.style(timed, at) for at in (1.0, 9.0)] == ["open", "bad"]


def test_policies_and_two_transports_stand_in_the_head() -> None:
    ends = {"client": {"transport": "sse"}, "server": {"transport": "http", "url": "http://h/mcp"}}
    tape = Tape(replace(HEADER, policies=[{"name": "careful"}], **ends))
    assert tape.text()[0] == "interpose · server · sse to http http://h/mcp · policy careful · today"


def test_colours_only_underline_the_words() -> None:
    row = (("good", "ok"), ("plain", " and "), ("bad", "error"))
    assert coloured(row) == "\x1b[32mok\x1b[0m and \x1b[31;1merror\x1b[0m"
    assert plain(row) == "ok and error"
    assert ascii_only("#1 → é …") == r"#1 > \xe9 ..."


MESSAGES = st.sampled_from([line for tape in (stateful(), stateless(), tasks(), http()) for line in tape.lines[1:]])


@given(st.lists(MESSAGES, max_size=25))
def test_entries_in_any_order_make_a_page_and_a_harmless_one(lines: list[bytes]) -> None:
    tape = Tape()
    tape.lines += lines
    for rows in (tape.text(), tape.text(full=True), tape.text(Choice(errors=True))):
        assert all(safe(row) == row for row in rows)
    assert all(json.dumps(each) for each in tape.json())


@given(st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=40) | st.text().map(str.encode))))
def test_no_frame_is_too_odd_to_show(frames: list[tuple[str, bytes]]) -> None:
    tape = Tape()
    for end, raw in frames:
        tape.say("client" if end == "client" else "server", raw)
    assert all(safe(row) == row for row in tape.text(full=True))
