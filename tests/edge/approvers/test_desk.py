"""The desk keeps what waits, oldest first, lets each be decided once, and says what became of it."""

import asyncio
import time

import pytest
from tests.edge.approvers.asking import Heard, seek

from interpose.core.effects import Release
from interpose.edge.approvers.desk import Desk, Gone, Unfit
from interpose.edge.approvers.several import Several

pytestmark = pytest.mark.anyio


async def test_what_waits_is_told_oldest_first_with_its_times() -> None:
    desk, before = Desk(), time.time()
    desk.seek(seek("a", seconds=30), Heard())
    desk.seek(seek("b", seconds=5), Heard())
    first, second = desk.pending()
    assert (first.hold, second.hold) == ("a", "b")
    assert (first.session, first.server, first.outcome) == ("s1", "srv", "it is refused")
    assert before <= first.since <= time.time()
    assert first.until - first.since == pytest.approx(30)


async def test_a_decision_reaches_who_asked_and_the_release_clears_the_desk() -> None:
    desk, heard = Desk(), Heard()
    desk.seek(seek("a"), heard)
    desk.decide("a", "edit", "anna", edited=b"{}")
    desk.decide("a", "answer", "anna", answer=b'{"x":1}')
    assert heard.decisions == [("edit", "anna", b"{}"), ("answer", "anna", b'{"x":1}')]
    desk.release(Release("a", "edit", "anna"))
    assert desk.pending() == ()
    with pytest.raises(Gone, match="it was approved, changed by anna"):
        desk.decide("a", "approve", "bob")


@pytest.mark.parametrize(
    ("release", "words"),
    [
        (Release("a", "expire"), "its time was over"),
        (Release("a", "abandon"), "nobody waits for it"),
        (Release("a", "reload"), "other rules are in force"),
        (Release("b", "approve"), None),
    ],
)
async def test_what_ended_without_the_desk_is_gone_and_why_is_said(release: Release, words: str | None) -> None:
    desk, heard = Desk(), Heard()
    desk.seek(seek("a"), heard)
    desk.release(release)
    if words is None:
        desk.decide("a", "approve", "anna")
        return
    with pytest.raises(Gone, match=words):
        desk.decide("a", "approve", "anna")
    assert heard.decisions == []


async def test_what_never_was_is_gone() -> None:
    with pytest.raises(Gone, match="never was"):
        Desk().decide("nothing", "approve", "anna")


async def test_what_does_not_fit_is_refused_and_waits_on() -> None:
    desk = Desk()
    desk.seek(seek("a"), Heard("that is no edit"))
    with pytest.raises(Unfit, match="cannot be said here"):
        desk.decide("a", "cancel", "anna")
    with pytest.raises(Unfit, match="that is no edit"):
        desk.decide("a", "edit", "anna", edited=b"[]")
    assert len(desk.pending()) == 1


async def test_what_is_too_much_ends_as_if_its_time_were_over() -> None:
    desk, heard = Desk(most=2, most_bytes=100), Heard()
    desk.seek(seek("a"), Heard())
    desk.seek(seek("big", b"x" * 90), heard)
    desk.seek(seek("b"), Heard())
    desk.seek(seek("c"), heard)
    await asyncio.sleep(0)
    assert [decision for decision, _, _ in heard.decisions] == ["expire", "expire"]
    assert [pending.hold for pending in desk.pending()] == ["a", "b"]
    desk.release(Release("a", "approve"))
    desk.seek(seek("d"), Heard())
    assert [pending.hold for pending in desk.pending()] == ["b", "d"]


async def test_who_subscribed_is_called_after_changes_once_for_several() -> None:
    desk, calls = Desk(), []
    end = desk.subscribe(lambda: calls.append(len(desk.pending())))
    desk.seek(seek("a"), Heard())
    desk.seek(seek("b"), Heard())
    assert calls == []
    await asyncio.sleep(0)
    assert calls == [2]
    desk.release(Release("a", "approve"))
    await asyncio.sleep(0)
    assert calls == [2, 1]
    end()
    desk.release(Release("b", "approve"))
    await asyncio.sleep(0)
    assert calls == [2, 1]


async def test_a_rule_that_names_an_approver_asks_that_one_alone() -> None:
    from msgspec.structs import replace

    one, two = Desk(), Desk()
    both = Several({"terminal": one, "web": one, "other": two})
    both.seek(seek("a"), Heard())
    both.seek(replace(seek("b"), approver="web"), Heard())
    both.seek(replace(seek("c"), approver="nobody here"), Heard())
    assert [[pending.hold for pending in desk.pending()] for desk in (one, two)] == [["a", "b"], ["a"]]
    both.release(Release("a", "approve"))
    assert [[pending.hold for pending in desk.pending()] for desk in (one, two)] == [["b"], []]
