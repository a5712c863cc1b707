"""Recordings made in memory, as exports read them: entries, and what a first pass over them knows."""

from typing import Any

from tests.core.formats.tape import HEADER, Tape, modern
from tests.core.test_holding import Play

from interpose.core.formats.survey import Survey
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry

STARTED = 1_767_348_000_000_000_000  # 2026-01-02T10:00:00Z, as the tape's header has it
HOSTILE = (
    '"><script>alert(1)</script>',
    "<img src=x onerror=alert(1)>",
    "end\nparticipant X as <b>gotcha</b>\nX->>S: yes",
    "a; b # c %% d -->> e : f",
    "#35; #lt; &lt; ﬂ°°60¶ß",
    "$$x^2$$ `code` \\ ' {json} [x] @{}",
    "'; rm -rf / #$(touch gone)`touch gone`",
    "\x1b[31m\u202eright to left\u2028 next",
)


def entries(tape: Tape) -> list[Entry]:
    return [decode_entry(line) for line in tape.lines[1:]]


def surveyed(found: list[Entry]) -> Survey:
    survey = Survey()
    for entry in found:
        survey.take(0, entry)
    return survey


def nested() -> Tape:
    """A tool call of a session, with a question inside it, and one of 2026-07-28 that asks by its result."""
    tape = Tape().opens()
    tape.client(id=1, method="tools/call", params={"name": "book", "arguments": {"city": "Oslo"}})
    tape.server(id=1, method="elicitation/create", params={"message": "Which day?", "requestedSchema": {}})
    tape.client(id=1, result={"action": "accept", "content": {"day": "Monday"}})
    return tape.server(id=1, result={"content": [{"type": "text", "text": "booked"}]}).closes().ends()


def rounds() -> Tape:
    """A call of 2026-07-28 that is answered by a question, and asked again with the answer."""
    tape = Tape()
    call = {"name": "book", "arguments": {}, "_meta": modern()}
    ask = {"method": "elicitation/create", "params": {"message": "Which day?", "requestedSchema": {}}}
    tape.client(id=1, method="tools/call", params=call)
    tape.server(id=1, result={"resultType": "input_required", "inputRequests": {"day": ask}, "requestState": "s"})
    answers = {"day": {"action": "decline"}}
    tape.client(id=2, method="tools/call", params={**call, "inputResponses": answers, "requestState": "s"})
    return tape.server(id=2, result={"resultType": "complete", "content": [], "isError": True}).ends()


def hostile() -> Tape:
    """Text that wants to be more than text, wherever an end may put some."""
    tape = Tape().opens()
    for number, text in enumerate(HOSTILE, 1):
        tape.client(id=number, method="tools/call", params={"name": text, "arguments": {text: text}})
        tape.server(method="notifications/message", params={"level": "info", "logger": text, "data": text})
        tape.server(id=number, error={"code": -32000, "message": text})
        tape.tells("stderr", text)
    return tape.ends()


def ruled(policy: str, *said: tuple[str, dict[str, Any]]) -> Play:
    """A conversation under a policy."""
    play = Play(policy)
    for end, message in said:
        play.hear(end, message)
    return play


__all__ = ["HEADER", "HOSTILE", "STARTED", "entries", "hostile", "nested", "rounds", "ruled", "surveyed"]
