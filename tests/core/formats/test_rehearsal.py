"""Rehearsals as people and programs see them."""

import json
from typing import Any

from msgspec.structs import replace
from tests.core.formats.tape import HEADER, NOON, Tape

from interpose.core.formats import rehearsal_why
from interpose.core.formats.junit import Suite
from interpose.core.formats.paint import plain
from interpose.core.formats.rehearsal import JsonPage, Page, TextPage, label, summary, why
from interpose.core.formats.rehearsal_explain import recorded
from interpose.core.formats.rehearsal_finding import Difference, Finding, Tally
from interpose.core.formats.rehearsal_junit import RehearsalSuite
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.policy.rule import Policy
from interpose.core.policy.verdict import Hit
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry
from interpose.core.rehearse import explain, rehearse

RULES = """
[[rule]]
name = "no-sampling"
ask = "sampling"
do = "block"

[[rule]]
name = "watch"
method = ["tools/*", "ping"]
from = "client"
mode = "audit"
do = "block"

[[rule]]
name = "short"
tool = "echo"
kind = "request"
do = "remove"
path = "$.arguments.secret"

[[rule]]
name = "never"
tool = "nothing"
do = "block"
"""
POLICY = read_policy(RULES, "p.toml")


def tape() -> Tape:
    made = Tape().opens().client(id=1, method="tools/call", params={"name": "echo", "arguments": {"secret": 1}})
    made.server(id=7, method="sampling/createMessage", params={"messages": [], "maxTokens": 5})
    made.client(id=7, result={"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"})
    return made.server(id=1, result={"content": []}).client(id=2, method="ping").server(id=2, result={}).ends()


def entries() -> list[Entry]:
    return [decode_entry(line) for line in tape().lines[1:]]


def found(policy: Policy = POLICY) -> list[Finding]:
    return list(rehearse(HEADER, entries(), Engine([policy], "probe")))


def tally() -> Tally:
    counted = Tally(POLICY.rules)
    counted.messages, counted.moot = 9, 1
    for finding in found():
        counted.take(finding)
    return counted


def told(page: Page) -> list[str]:
    rows = [*page.begin("r.jsonl", HEADER, NOON)]
    for finding in found():
        rows += page.finding(finding, tally())
    rows += page.end(tally(), ["line 3: changed"], False)
    return [plain(row) for row in (*rows, *page.all(tally(), 2, False))]


def test_people_get_a_table_and_a_summary() -> None:
    assert told(TextPage(140)) == [
        "r.jsonl · probe",
        "     4 12:00:00.400 → tools/call echo                     edited    watch (audit), short         stateful   "
        "removed $.arguments.secret",
        "     5 12:00:00.500 ← sampling/createMessage              blocked   no-sampling                  stateful   "
        'ask = "sampling"',
        "     8 12:00:00.800 → ping                                passed    watch (audit)                stateful   "
        'method = ["tools/*", "ping"], f…',
        "  3 of 9 messages: 1 blocked, 1 edited, 0 held, 1 passed all the same; 1 would not have come, since what they "
        "answer would not have passed; rules that never matched: never",
        "! line 3: changed",
        "2 recordings: 3 of 9 messages: 1 blocked, 1 edited, 0 held, 1 passed all the same; 1 would not have come, "
        "since what they answer would not have passed; rules that never matched: never",
    ]


def test_without_a_time_of_day_rows_say_when_in_the_session() -> None:
    page = TextPage(140)
    list(page.begin("r.jsonl", HEADER, None))
    [row] = page.finding(found()[0], tally())
    assert plain(row).startswith("     4       +0.400 → tools/call echo")


def test_programs_get_objects_with_keys_they_can_rely_on() -> None:
    rows = [json.loads(row) for row in told(JsonPage())]
    assert rows[0] == {
        "type": "recording",
        "recording": "r.jsonl",
        "session": "s1",
        "started": HEADER.started,
        "server": "probe",
    }
    edited, blocked, *_ = rows[1:]
    assert edited["delivered"]["params"] == {"name": "echo", "arguments": {}}
    assert blocked["said"][0]["error"]["code"] == -1
    assert set(blocked) == {
        *("type", "recording", "seq", "at", "from", "era", "method", "name"),
        *("happened", "decision", "rules", "why", "delivered", "said"),
    }
    assert rows[-2]["problems"] == ["line 3: changed"]
    assert rows[-1]["never_matched"] == ["never"]
    assert rows[-1]["counts"]["blocked"] == 1


def difference() -> Difference:
    return Difference(found()[1], None)


def test_a_difference_shows_both_sides() -> None:
    rows = [plain(row) for row in TextPage(140).difference(difference(), tally())]
    words = ["5", "+0.500", "←", "sampling/createMessage", "blocked", "no-sampling", "stateful"]
    assert rows[0].split() == [*words, "ask", "=", '"sampling"']
    assert rows[1].split() == ["against", "passed", "no", "rule", "matched"]
    [row] = JsonPage().difference(Difference(None, found()[1]), tally())
    told = json.loads(plain(row))
    assert (told["policy"], told["against"]["decision"], told["seq"]) == (None, "answer", 5)
    counted = Tally(POLICY.rules)
    counted.messages, counted.differing = 9, 1
    assert summary(counted, True) == "1 of 9 messages treated differently"
    [row] = JsonPage().all(counted, 2, True)
    assert json.loads(plain(row)) == {"type": "total", "recordings": 2, "messages": 9, "differing": 1}


def finding(decision: str, *hits: Hit) -> Finding:
    return Finding(1, 0.0, "client", "stateful", "ping", None, decision, hits)


def test_a_decision_is_one_word() -> None:
    cases = {
        "refused": finding("refuse", Hit("gate", "refuse")),
        "blocked": finding("edit", Hit("a", "block")),
        "answered": finding("withhold", Hit("a", "answer")),
        "held": finding("hold", Hit("a", "hold")),
        "edited": finding("edit", Hit("a", "cap")),
        "noted": finding("pass", Hit("a", "note")),
        "passed": finding("pass", Hit("a", "block", acted=False)),
    }
    assert {word: each.happened for word, each in cases.items()} == {word: word for word in cases}
    assert finding("drop", Hit("a", "block", acted=False)).happened == "blocked"


def test_a_task_is_named_in_short_and_a_frame_without_a_method_as_such() -> None:
    about = replace(finding("drop"), method="tasks/get", name="0123456789abcdef")
    assert label(about) == "tasks/get 01234567…"
    assert label(replace(about, method=None, name=None)) == "(no message)"


def test_an_edit_without_a_rule_says_where_it_comes_from() -> None:
    assert why(finding("edit"), {}) == "adds what a rule had answered before"


def test_rules_that_were_void_say_so() -> None:
    page = TextPage(140)
    [row] = page.finding(finding("drop", Hit("never", "block"), Hit("short", "remove", acted=False)), tally())
    assert "never, short (void)" in plain(row)


def test_tallies_of_recordings_add_up() -> None:
    both = Tally(POLICY.rules)
    both.add(tally())
    both.add(tally())
    assert (both.messages, both.findings, both.moot, both.counts["blocked"]) == (18, 6, 2, 2)
    assert both.unmatched == ("never",)


def suite(*differences: tuple[Difference, bool]) -> Suite:
    gathered = RehearsalSuite("r.jsonl", HEADER)
    for each in found() if not differences else ():
        gathered.finding(each, tally())
    for each_difference, differs in differences:
        gathered.difference(each_difference, differs)
    return gathered.end()


def test_findings_are_tests_that_pass_and_differences_tests_that_fail() -> None:
    told = suite()
    assert [case.name for case in told.cases] == [
        "4 tools/call echo from the client",
        "5 sampling/createMessage from the server",
        "8 ping from the client",
    ]
    assert told.cases[1].detail == 'blocked by no-sampling: ask = "sampling"'
    assert all(case.failure is None for case in told.cases)
    same, other = suite((difference(), False), (difference(), True)).cases
    assert same.failure is None
    assert other.failure == "blocked under the policy, passed under the one it is held against"


def test_a_recording_without_findings_is_one_test_and_a_broken_one_is_an_error() -> None:
    assert [case.name for case in RehearsalSuite("r", HEADER).end().cases] == ["no rule matched"]
    broken = RehearsalSuite("r", HEADER).end("damaged")
    assert (broken.cases, broken.broken) == ((), "damaged")


def explanation(seq: int, policy: Policy = POLICY) -> tuple[list[str], dict[str, Any]]:
    explained = explain(HEADER, entries(), Engine([policy], "probe"), (policy,), seq)
    assert explained is not None
    [row] = [rehearsal_why.fields(explained)]
    return [plain(row) for row in rehearsal_why.rows(explained, 110)], json.loads(plain(row))


def test_an_explanation_goes_rule_by_rule_and_field_by_field() -> None:
    rows, fields = explanation(4)
    assert rows == [
        "entry 4: tools/call echo · from the client · stateful · under this policy",
        "  edit: something else goes on in its place",
        "  no-sampling  block: is about other messages",
        "  watch        block: matched, in audit mode",
        "                 method: fits",
        "                 from: fits",
        "  short        remove: matched and had its way, removed $.arguments.secret",
        "                 tool: fits",
        "                 kind: fits",
        "  never        block: did not match",
        "                 tool: does not fit",
    ]
    assert fields["rules"][1] == {
        **{"rule": "watch", "do": "block", "mode": "audit", "policy": "p", "applied": True, "matched": True},
        **{"acted": False, "ask": None, "why": "", "tests": {"method": "yes", "from": "yes"}},
    }


def test_a_field_that_cannot_be_told_says_why() -> None:
    doubtful = '[[rule]]\nname = "d"\nmethod = "ping"\ngiven = { path = "$", matches = "x" }\ndo = "block"\n'
    rows, fields = explanation(8, read_policy(doubtful, "d.toml"))
    assert rows[-1].startswith("       given: cannot tell, and so it counts where a rule denies (a pattern is for text")
    assert fields["rules"][0]["tests"] == {"method": "yes", "given": "doubtful"}


def test_a_message_that_no_rule_matched_says_so() -> None:
    rows, _ = explanation(9)
    assert rows[1] == "  pass: it passes as it came"
    assert rows[-1] == "  no rule matched, and the gate has nothing against it"


def test_a_recorded_verdict_is_explained_by_itself() -> None:
    line = tape().lines[4]
    rules = b'{"rule":"a","do":"block","why":"w"},{"rule":"b","do":"cap","acted":false}'
    verdict = b',"verdict":{"decision":"drop","rules":[%b]}' % rules
    made = [decode_entry(each) for each in tape().lines[1:]]
    made[3] = decode_entry(line.replace(b',"chain"', verdict + b',"chain"'))
    explained = recorded(made, 4)
    assert explained is not None
    assert [plain(row) for row in rehearsal_why.rows(explained, 110)] == [
        "entry 4: tools/call echo · from the client · stateful · as recorded",
        "  drop: it does not pass",
        "  a  block: matched and had its way, w",
        "  b  cap: matched, but did not have its way",
    ]
    silent = recorded(made, 6)
    assert silent is not None
    assert plain([*rehearsal_why.rows(silent, 110)][-1]).startswith("  no verdict was recorded: no rule matched")
    assert recorded(made, 99) is None
    assert recorded(made, len(made)) is None
