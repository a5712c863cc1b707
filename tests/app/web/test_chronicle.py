"""A session as the page tells it, against what `interpose show` says of the same recording."""

from pathlib import Path

import pytest
from tests.core.formats.tape import Tape, modern

from interpose.app.web.chronicle import Chronicle
from interpose.app.web.places import header_of
from interpose.app.web.row import decode
from interpose.app.web.shelf import FileShelf, Spill

GOLDEN = sorted((Path(__file__).parents[3] / "recordings").glob("*/*.jsonl"))


def followed(path: Path) -> Chronicle:
    header = header_of(path)
    assert header is not None
    chronicle = Chronicle(header, FileShelf(path), Spill(), live=True)
    while chronicle.advance(10.0):
        pass
    return chronicle


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_request_has_a_row_and_ends_as_the_ledger_says(path: Path) -> None:
    chronicle = followed(path)
    ledger = chronicle.ledger
    rows = chronicle.rows(range(len(chronicle)))
    owed = [row for row in rows if row.r is not None]
    assert [row.r for row in owed] == list(range(len(ledger)))
    for row in owed:
        assert row.r is not None
        assert chronicle.state(row.r)["outcome"] in (ledger.outcome(row.r).slug, "none")
        if row.number:
            assert chronicle.row_of(row.number) == row.i
    for row in rows:
        assert row.of is None or rows[row.of].number == row.number or rows[row.of].type == "ask"
    assert chronicle.over
    assert chronicle.main() == [row.i for row in rows if row.main]


@pytest.mark.parametrize("path", GOLDEN[:4], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_row_leads_to_its_entry(path: Path) -> None:
    chronicle = followed(path)
    for number in range(len(chronicle)):
        row = decode(chronicle.piece(number) or b"")
        entry = chronicle.entry(row.n)
        assert entry is not None
        assert entry.seq == row.seq
    assert chronicle.entry(0) is None
    assert chronicle.entry(10**6) is None


def test_what_ends_without_an_answer_is_a_change(tmp_path: Path) -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "slow"})
    path = tape.write(tmp_path / "r.jsonl")
    chronicle = followed(path)
    before = chronicle.changes
    assert [wait["who"] for wait in chronicle.waits(9)[0]] == ["SERVER"]
    tape.client(method="notifications/cancelled", params={"requestId": 1}).write(path)
    chronicle.advance(10.0)
    assert [state["outcome"] for state in (chronicle.changed(before) or {}).values()] == ["cancelled"]
    assert chronicle.changed(-9999) is None


def test_a_question_inside_a_result_is_settled_by_the_next_round(tmp_path: Path) -> None:
    asked = {"env": {"method": "elicitation/create", "params": {"message": "which?", "requestedSchema": {}}}}
    tape = Tape().client(id=1, method="tools/call", params={"name": "t", "_meta": modern()})
    tape.server(id=1, result={"resultType": "input_required", "inputRequests": asked, "requestState": "s"})
    answers = {"inputResponses": {"env": {"action": "decline"}}, "requestState": "s", "_meta": modern()}
    tape.client(id=2, method="tools/call", params={"name": "t", **answers})
    chronicle = followed(tape.write(tmp_path / "r.jsonl"))
    [ask] = [row for row in chronicle.rows(range(len(chronicle))) if row.type == "ask" and row.r is not None]
    assert ask.r is not None
    assert chronicle.state(ask.r)["outcome"] == "declined"
