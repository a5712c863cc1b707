"""What a search finds."""

import time

import pytest

from interpose.app.web.query import Query
from interpose.app.web.row import Row

CALL = Row(0, 1, 1, 0.0, "request", "client", "tools/call echo", "tools/call", "echo", "#3", text="a=1", r=0)
OPEN, FAILED = {"outcome": "open"}, {"outcome": "tool-error", "failed": True, "reply": "it broke"}
ASK = Row(
    1, 2, 2, 0.0, "request", "server", "elicitation/create form", "elicitation/create", number="s#1", inside=("#3",)
)
LOG = Row(2, 3, 3, 0.0, "stderr", "server", "stderr", text="Traceback")
HELD = Row(
    3,
    4,
    4,
    0.0,
    "request",
    "client",
    "tools/call drop",
    "tools/call",
    "drop",
    "#4",
    ruled="held by careful",
    fate="held",
)
ANSWER = Row(4, 5, 5, 0.0, "answer", "server", "tools/call echo", "tools/call", "echo", "#3", of=0)


@pytest.mark.parametrize(
    ("text", "row", "state", "found"),
    [
        ("echo", CALL, OPEN, True),
        ("ECHO a=1", CALL, OPEN, True),
        ("echo nothing", CALL, OPEN, False),
        ("broke", CALL, FAILED, True),
        ("method:tools/*", CALL, OPEN, True),
        ("method:prompts/*", CALL, OPEN, False),
        ("-method:tools/*", CALL, OPEN, False),
        ("tool:ech", CALL, OPEN, True),
        ("tool:e*o", CALL, OPEN, True),
        ("tool:o*e", CALL, OPEN, False),
        ("dir:server", ASK, {}, True),
        ("status:wait", CALL, OPEN, True),
        ("status:error", CALL, FAILED, True),
        ("status:error", CALL, OPEN, False),
        ("in:#3", ASK, {}, True),
        ("in:#3", CALL, OPEN, True),
        ("in:#4", ASK, {}, False),
        ("kind:fact", LOG, {}, True),
        ("kind:stderr traceback", LOG, {}, True),
        ("fate:held rule:careful", HELD, {}, True),
        ("fate:changed", HELD, {}, False),
        ('"tools/call drop"', HELD, {}, True),
        ("echo", ANSWER, {}, False),
        ("kind:answer echo", ANSWER, {}, True),
        ("http://x", LOG, {}, False),
    ],
)
def test_a_search_finds_what_it_says(text: str, row: Row, state: dict[str, object], found: bool) -> None:
    assert Query(text).wants(row, state) is found


def test_no_pattern_takes_long() -> None:
    row = Row(0, 1, 1, 0.0, "request", method="a" * 200)
    began = time.thread_time()
    assert not Query("method:" + "a*" * 200 + "b").wants(row, {})
    assert time.thread_time() - began < 0.5
