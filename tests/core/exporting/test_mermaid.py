"""Sequence diagrams: who said what to whom, what a policy did in between, and text that stays text."""

import re

from hypothesis import given
from hypothesis import strategies as st
from tests.core.exporting.exported import entries, hostile, nested, rounds, ruled, surveyed
from tests.core.formats.tape import Tape
from tests.core.test_holding import HOLD_TOOL, Play

from interpose.core.exporting.mermaid import Diagram, escaped
from interpose.core.exporting.ruled import touched
from interpose.core.exporting.steps import steps
from interpose.core.recording.entry import Entry

SAFE = re.compile(r"(?:[^\W_]|[_ ./,()…→×·]|#\d+;)+")
CALL = {"id": 1, "method": "tools/call", "params": {"name": "drop_table", "arguments": {}}}


def drawn(found: list[Entry]) -> list[str]:
    between = any(map(touched, found))
    return "".join(Diagram("c", "s", between=between).drawn(steps(found, surveyed(found)))).splitlines()


def arrows(found: list[Entry]) -> list[str]:
    """Where each arrow leads, with the first word on it that is no number."""
    said = (re.fullmatch(r"    (\w+-[->x]+\w): (?:(?:s?#35;\d+|s#35;\d+) )?([^ ]+).*", line) for line in drawn(found))
    return [f"{match[1]} {match[2]}" for match in said if match]


def test_a_question_inside_a_call_goes_the_other_way() -> None:
    assert arrows(entries(nested()))[3:] == [
        "C->>S tools/call",
        "S->>C elicitation/create",
        "C-->>S accepted",
        "S-->>C ok",
    ]
    assert any("Which day#63;" in line and "(in #35;2)" in line for line in drawn(entries(nested())))


def test_a_question_inside_a_result_is_an_arrow_of_its_own() -> None:
    assert arrows(entries(rounds())) == [
        "C->>S tools/call",
        "S-->>C input",
        "S->>C elicitation/create",
        "C->>S tools/call",
        "C-->>S elicitation/create",
        "S-->>C tool",
    ]


def test_interpose_has_a_lane_only_where_it_did_something() -> None:
    assert not any("participant I" in line for line in drawn(entries(nested())))
    blocked = '[[rule]]\nname = "no-drops"\ntool = "drop_*"\ndo = "block"'
    found = ruled(blocked, ("client", CALL)).lines
    assert "    participant I as interpose" in drawn(found)
    assert arrows(found) == ["C-xI tools/call", "I-->>C tool"]
    assert any(line.startswith("    Note over I: answered in the other end") for line in drawn(found))


def test_what_was_changed_goes_through_interpose() -> None:
    policy = '[[rule]]\nname = "few"\nmethod = "tools/call"\ndo = "set"\npath = "$.arguments.limit"\nvalue = 3'
    assert arrows(ruled(policy, ("client", CALL)).lines) == ["C->>I tools/call", "I->>S tools/call"]


def test_what_was_held_goes_on_when_it_is_approved_and_not_when_it_is_declined() -> None:
    def held(play: Play) -> Play:
        play.hear("client", CALL)
        return play

    approved, declined = held(Play(HOLD_TOOL)), held(Play(HOLD_TOOL))
    approved.decide("approve")
    declined.decide("decline")
    assert arrows(approved.lines) == ["C->>I tools/call", "I->>S tools/call"]
    assert arrows(declined.lines) == ["C->>I tools/call", "I-->>C tool"]
    assert any("approved by a person" in line for line in drawn(approved.lines))


def test_progress_in_a_row_is_one_arrow() -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "a", "_meta": {"progressToken": 1}})
    for step in range(3):
        tape.server(method="notifications/progress", params={"progressToken": 1, "progress": step})
    assert arrows(entries(tape))[3:] == ["C->>S tools/call", "S->>C progress"]
    assert drawn(entries(tape))[-1].endswith("progress 2 ×3")


@given(st.text())
def test_text_holds_nothing_that_mermaid_reads(text: str) -> None:
    assert SAFE.fullmatch(escaped(text))


def test_hostile_text_makes_no_line_and_no_lane_of_its_own() -> None:
    plain, found = drawn(entries(nested())), drawn(entries(hostile()))
    assert found[1:3] == ["    participant C as client c", "    participant S as server s"] == plain[1:3]
    for line in found[3:]:
        match = re.fullmatch(r"    (?:[CS]-{1,2}>>[CS]|Note over [CS](?:,S)?): (.*)", line)
        assert match, line
        assert SAFE.fullmatch(match[1]), line


def test_what_is_no_message_is_a_note_where_it_matters() -> None:
    tape = Tape().asks("x1").client("x1", id=1, method="ping").answers("x1", 401).closes("x1", "server")
    tape.tells("exit", "1").tells("note", "odd").tells("stderr", "log")
    found = entries(tape)
    notes = [line.removeprefix("    Note over ") for line in drawn(found) if "Note over" in line]
    assert notes == ["C,S: x1 401 to POST /mcp", "S: exited with status 1", "C,S: odd"]


def test_a_task_is_noted_where_it_runs() -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "a", "task": {}})
    found = entries(tape.server(id=1, result={"task": {"taskId": "t", "status": "working"}}))
    assert drawn(found)[-1].startswith("    Note over S: task working")


def test_a_rule_that_only_watches_changes_no_arrow() -> None:
    policy = '[[rule]]\nname = "watch"\ntool = "drop_*"\ndo = "block"\nmode = "audit"'
    assert arrows(ruled(policy, ("client", CALL)).lines) == ["C->>S tools/call"]
