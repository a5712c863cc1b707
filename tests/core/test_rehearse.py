"""Rehearsals of the golden recordings, both eras: the same verdicts as live, and what would not have come left out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.core.formats.tape import HEADER, Tape, modern

from interpose.core.effects import Append
from interpose.core.events import Event, Received
from interpose.core.formats.rehearsal_finding import Finding
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.policy.rule import Policy
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry, Header
from interpose.core.rehearse import Rehearsal, compare, differs, explain, rehearse
from interpose.edge.stores.jsonl import RecordingReader

FOLDER = Path(__file__).parents[2] / "recordings"
FILES = sorted(FOLDER.rglob("*.jsonl"))
STATEFUL = FOLDER / "2025-11-25" / "py-http-py.jsonl"
STATELESS = FOLDER / "2026-07-28" / "py-stdio-py.jsonl"

POLICIES = {
    "block sampling": 'name = "no-sampling"\nask = "sampling"\ndo = "block"',
    "decline forms": 'name = "no"\nask = "elicitation"\nmode_is = "form"\ndo = "answer"\noutcome = "decline"',
    "edit": 'name = "less"\nask = "sampling"\ndo = "cap"\npath = "$.maxTokens"\nat_most = 10',
    "hide": 'name = "no-echo"\ntool = "echo"\ndo = "hide"',
    "strip": 'name = "no-roots"\ndo = "strip"\ncapability = "roots"',
    "count": 'name = "few"\nmethod = "tools/call"\nkind = "request"\ndo = "limit"\ncount = 3\nper = "session"',
    "redact": 'name = "names"\nall = true\ndo = "redact"\npatterns = { name = "(?i)ada" }',
    "watch": 'name = "seen"\nall = true\nmode = "audit"\ndo = "block"',
    "doubt": 'name = "odd"\nmethod = "*"\ngiven = { path = "$..*", matches = "x" }\nmode = "audit"\ndo = "block"',
}
BLOCK = POLICIES["block sampling"]
DECLINE = POLICIES["decline forms"]


def policy(*texts: str) -> Policy:
    return read_policy("".join(f"[[rule]]\n{text}\n" for text in texts), "p.toml")


def engine(found: Policy, header: Header) -> Engine:
    return Engine([found], header.server["name"])


def recorded(path: Path) -> tuple[Header, list[Entry]]:
    with RecordingReader(path) as reader:
        return reader.header, list(reader)


def framed(header: Header, entry: Entry, event: Event) -> Event:
    """The event as its transport framed it."""
    if not isinstance(event, Received):
        return event
    over = getattr(header, event.end)["transport"]
    wire = "block" if entry.sse is not None else "line" if over == "stdio" else "body"
    return msgspec.structs.replace(event, frame=msgspec.structs.replace(event.frame, wire=wire))


def live(header: Header, entries: list[Entry], found: Policy) -> tuple[Header, list[Entry]]:
    """The same session as interpose would have recorded it with the policy in force."""
    header = msgspec.structs.replace(header, policies=[{"name": found.name, "digest": found.digest}])
    core = Interposer(engine(found, header))
    core.open(header)
    lines = []
    for entry in entries:
        if (event := entry.event()) is not None:
            lines += [each for each in core.feed(framed(header, entry, event)) if isinstance(each, Append)]
    return header, [decode_entry(b"".join(line.pieces)) for line in lines]


def verdicts(entries: list[Entry]) -> dict[int, Any]:
    return {entry.seq: entry.verdict for entry in entries if entry.verdict is not None}


def findings(header: Header, entries: list[Entry], found: Policy) -> list[Finding]:
    return list(rehearse(header, entries, engine(found, header), [found]))


@pytest.mark.parametrize("rules", POLICIES.values(), ids=list(POLICIES))
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_rehearsing_what_was_recorded_under_a_policy_gives_its_verdicts(path: Path, rules: str) -> None:
    header, entries = live(*recorded(path), policy(rules))
    found = findings(header, entries, policy(rules))
    assert {each.seq: each.as_fields() for each in found} == verdicts(entries)
    delivered = {entry.seq: bytes(entry.delivered) or None for entry in entries if entry.verdict is not None}
    assert {each.seq: each.delivered for each in found} == delivered


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_two_rehearsals_are_equal(path: Path) -> None:
    header, entries = recorded(path)
    rules = policy(BLOCK, DECLINE, POLICIES["watch"])
    assert findings(header, entries, rules) == findings(header, entries, rules)


@pytest.mark.parametrize(("path", "era"), [(STATEFUL, "stateful"), (STATELESS, "stateless")])
def test_one_rule_is_found_in_both_eras_with_what_it_would_have_done(path: Path, era: str) -> None:
    header, entries = recorded(path)
    [found] = findings(header, entries, policy(BLOCK))
    assert (found.era, found.end, found.happened) == (era, "server", "blocked")
    assert [hit.rule for hit in found.rules] == ["no-sampling"]
    assert found.method == ("sampling/createMessage" if era == "stateful" else "tools/call")
    answer = b"".join((found.delivered or b"", *found.said))
    assert b"no-sampling" in answer if era == "stateful" else b'"isError":true' in answer


def test_answers_to_what_would_not_have_passed_are_left_out_and_counted() -> None:
    for path, moot in ((STATEFUL, 1), (STATELESS, 2)):  # the answer; the next round and its answer
        header, entries = recorded(path)
        rehearsal = Rehearsal(header, engine(policy(BLOCK), header))
        assert len([found for entry in entries if (found := rehearsal.hear(entry))]) == 1
        assert rehearsal.moot == moot


def test_a_task_s_answer_to_what_it_would_not_have_asked_is_left_out() -> None:
    header, entries = recorded(FOLDER / "2026-07-28" / "fastmcp-stdio-py.jsonl")
    rehearsal = Rehearsal(header, engine(policy(DECLINE), header))
    [found] = [found for entry in entries if (found := rehearsal.hear(entry))]
    assert (found.method, found.happened, rehearsal.moot) == ("tasks/get", "answered", 2)
    assert b'"method":"tasks/update"' in found.said[0]


def test_what_interpose_said_itself_is_not_heard_again() -> None:
    header, entries = live(*recorded(STATEFUL), policy(BLOCK))
    said = [entry for entry in entries if entry.by == "interpose"]
    rehearsal = Rehearsal(header, engine(policy(BLOCK), header))
    for entry in entries:
        rehearsal.hear(entry)
    messages = sum(entry.kind == "message" for entry in entries)
    assert (len(said), rehearsal.messages) == (1, messages - 1)


def test_another_policy_can_be_tried_on_what_was_recorded_under_one() -> None:
    header, entries = live(*recorded(STATEFUL), policy(BLOCK))
    found = findings(header, entries, policy(DECLINE))
    assert [each.happened for each in found] == ["answered", "answered"]


def doubled() -> tuple[Header, list[Entry]]:
    """A session over stdio in which one message can be read in two ways."""
    tape = Tape().opens().say("client", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{}}')
    tape.client(id=2, method="tools/call", params={"name": "echo"}).server(id=2, result={"content": []}).ends()
    return HEADER, [decode_entry(line) for line in tape.lines[1:]]


def test_what_the_gate_refuses_is_told_also_when_it_was_refused_live() -> None:
    [found] = findings(*doubled(), policy(BLOCK))
    assert (found.seq, found.decision, found.happened, found.rules[0].rule) == (4, "refuse", "refused", "gate")
    assert found.why
    header, entries = live(*doubled(), policy(BLOCK))
    [again] = findings(header, entries, policy(BLOCK))
    assert (again.as_fields(), again.method) == (found.as_fields(), "ping")
    assert findings(header, entries, policy(POLICIES["watch"]))


def test_a_line_with_the_word_of_a_verdict_in_its_text_is_no_verdict() -> None:
    tape = Tape().opens().say("client", b'"\x00 ,"verdict":{"decision":"drop","rules":[]}')
    found = findings(HEADER, [decode_entry(line) for line in tape.lines[1:]], policy(POLICIES["edit"]))
    assert [each.decision for each in found] == ["refuse"]
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "x", "a": {"b": 1, "verdict": {}}})
    assert not findings(HEADER, [decode_entry(line) for line in tape.lines[1:]], policy(POLICIES["edit"]))


def differing(path: Path, first: Policy, second: Policy) -> Iterator[tuple[int, bool]]:
    header, entries = recorded(path)
    one, other = Rehearsal(header, engine(first, header)), Rehearsal(header, engine(second, header))
    return ((found.one.seq, differs(found)) for found in compare(one, other, entries))


def test_two_policies_differ_where_either_end_would_get_something_else() -> None:
    both, one = policy(BLOCK, DECLINE), policy(BLOCK)
    assert [apart for _, apart in differing(STATEFUL, both, one)] == [False, True, True]
    assert [apart for _, apart in differing(STATEFUL, one, both)] == [False, True, True]
    noted = policy(BLOCK, 'name = "n"\nask = "elicitation"\ndo = "note"')
    assert not any(apart for _, apart in differing(STATELESS, noted, one))


def explained(path: Path, seq: int, rules: Policy) -> Any:
    header, entries = recorded(path)
    return explain(header, entries, engine(rules, header), (rules,), seq)


def test_each_rule_is_explained_field_by_field() -> None:
    rules = policy(BLOCK, DECLINE, 'name = "call"\nmethod = "tools/call"\nfrom = "client"\ndo = "note"')
    found = explained(STATEFUL, 193, rules)
    assert (found.decision, found.method, found.source) == ("answer", "sampling/createMessage", "rehearsal")
    by, declined, call = found.rules
    assert by.hit.acted
    assert [(test.field, test.fit) for test in by.tests] == [("ask", "yes")]
    assert declined.hit is None
    assert [(test.field, test.fit) for test in declined.tests] == [("ask", "no"), ("mode_is", "no")]
    assert not call.applied


def test_a_message_that_is_not_there_is_not_explained() -> None:
    assert explained(STATEFUL, 1, policy(BLOCK)) is None
    assert explained(STATEFUL, 99_999, policy(BLOCK)) is None


def test_what_the_gate_refuses_is_explained_by_the_gate() -> None:
    header, entries = live(*doubled(), policy(BLOCK))
    found = explain(header, entries, engine(policy(BLOCK), header), (policy(BLOCK),), 4)
    assert found is not None
    assert [(rule.rule, rule.do) for rule in found.rules] == [("gate", "refuse")]


def test_the_modern_envelope_names_the_era_of_what_was_refused() -> None:
    tape = Tape().client(id=1, method="tools/call", params={"name": "x", "_meta": modern()})
    tape.say("client", b'{"jsonrpc":"2.0","id":2,"method":"ping","Method":"x"}')
    [found] = findings(HEADER, [decode_entry(line) for line in tape.lines[1:]], policy(BLOCK))
    assert (found.seq, found.era) == (2, "stateless")
