"""The frames that the gate must refuse, by case, and what enforcing and watching does with each of them."""

import json

import pytest
from tests.core.wire.test_gate_corpus import REFUSED, Row
from tests.trust.scene import DENY_DELETE, WATCH, Heard, Scene, lives, passed

from interpose.core.events import End, other


def corpus(number: int) -> pytest.MarkDecorator:
    """The frames of one case, as what each end might send. What HTTP says about them is the edge's business."""
    rows = [row for row in REFUSED if str(number) in row.cases.split() and row.what != "media"]
    assert rows
    return pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in rows])


def refuse(row: Row) -> None:
    """Assert what enforcing and what watching does with a frame, from either end."""
    for end in ("client", "server"):
        scene = Scene(DENY_DELETE, row.version)
        heard = scene.say(end, row.raw, wire="line" if row.content_type is None else "body")
        _is_refused(heard, end, row.raw)
        assert heard.entries[0].payload() == row.raw
        lives(scene)
        for rules in ("", WATCH):
            heard = Scene(rules, row.version).say(end, row.raw)
            passed(heard, end, row.raw)
            assert heard.entries[0].payload() == row.raw
            assert (heard.rules, set(heard.would)) == ([], {"watch"} if rules else set())


def _is_refused(heard: Heard, end: End, raw: bytes) -> None:
    assert heard.entries[0].verdict is not None
    assert heard.entries[0].verdict["decision"] == "refuse"
    assert heard.rules == ["gate"]
    for answer in (json.loads(said) for said in heard.of(end)):
        for each in answer if isinstance(answer, list) else [answer]:
            assert each["error"]["code"] in (-32700, -32600)
            assert each["id"] is None or json.dumps(each["id"]).encode() in raw
    for said in heard.of(other(end)):  # who waits for an answer that was refused gets an error instead
        assert json.loads(said)["error"]["code"] == -32603
        assert b'"result"' in raw or b'"error"' in raw
