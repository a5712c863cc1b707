"""Findings as people, programs and build servers read them."""

import json
from collections import Counter

from tests.core.formats.tape import HEADER

from interpose.core.formats.paint import plain
from interpose.core.linting.finding import Finding
from interpose.core.linting.page import JsonPage, LintSuite, TextPage

FOUND = Finding(
    7, 0.5, "client", "model", "bad \x1b[31m", "schema", "2025-11-25", "tools/call", "a\nb", "$.params.name"
)
NAMELESS = Finding(8, 0.5, "server", "not-json", "it is not JSON", "basic")


def test_a_finding_is_a_row_and_its_section_the_next() -> None:
    rows = [plain(row) for row in TextPage(120).finding("r.jsonl", FOUND)]
    assert rows[0].split()[:5] == ["7", "client", "tools/call", "a", "b"]
    assert rows[1] == "        2025-11-25 §schema"
    assert [plain(row) for row in TextPage(120).finding("r.jsonl", NAMELESS)][1].strip() == "§basic"


def test_a_narrow_terminal_cuts_what_is_wrong() -> None:
    assert all(len(plain(row)) <= 110 for row in TextPage(60).finding("r.jsonl", FOUND))


def test_the_end_counts_and_tells_what_is_wrong_with_the_recording() -> None:
    rows = [plain(row) for row in TextPage(120).end("r.jsonl", 3, Counter({"model": 2, "orphan": 1}), ["line 3: torn"])]
    assert rows == ["  3 messages: 2 model, 1 orphan", "! line 3: torn"]
    assert plain(next(TextPage(120).begin("r.jsonl", HEADER))) == "r.jsonl · probe"


def test_programs_get_objects() -> None:
    [row] = JsonPage().finding("r.jsonl", FOUND)
    assert json.loads(plain(row))["where"] == "$.params.name"
    assert list(JsonPage().begin("r.jsonl", HEADER)) == []
    [end] = JsonPage().end("r.jsonl", 3, Counter({"model": 2}), [])
    assert json.loads(plain(end)) == {
        **{"type": "summary", "recording": "r.jsonl", "messages": 3},
        **{"findings": 2, "rules": {"model": 2}, "problems": []},
    }


def test_build_servers_get_a_case_a_finding_or_one_that_says_that_there_is_none() -> None:
    suite = LintSuite("r.jsonl", HEADER)
    assert [(case.name, case.failure) for case in suite.end().cases] == [
        ("nothing that the specification forbids", None)
    ]
    assert suite.end("broken").cases == ()
    suite.finding(FOUND)
    [case] = suite.end().cases
    assert case.failure == FOUND.text
    assert case.detail == "at $.params.name\n2025-11-25 §schema"
