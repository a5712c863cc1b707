"""Which recorded request somebody probably meant who made one that was never recorded."""

from interpose.core.protocol import Era
from interpose.core.replay.closest import closest
from interpose.core.replay.difference import Difference
from interpose.core.replay.normal import Normal
from interpose.core.replay.script import Mark, Script
from interpose.core.wire.message import Message

_CANDIDATES = 200


def nearest(
    script: Script, normal: Normal, done: bytearray, live: Message, era: Era
) -> tuple[int, tuple[Difference, ...]] | None:
    """The row that differs least, and how; None when no request of the method was recorded.

    `live` is spelled as the recording would; `done` says which rows were used, and comes last among equals.
    """
    rows = _alike(script, done, live.method or "")
    if not rows:
        return None
    recorded = ((row, normal.comparable(script.message(row), method=live.method, era=era)) for row in rows)
    near = closest(normal.comparable(live, method=live.method, era=era), recorded)[0]
    return near.key, near.differences


def _alike(script: Script, done: bytearray, method: str) -> list[int]:
    """The other end's requests of a method, those not used before the others."""
    if method not in script.methods:
        return []
    number = script.methods.index(method)
    rows = [
        row
        for row, marks in enumerate(script.marks)
        if script.method_numbers[row] == number and marks & Mark.REQUEST and not marks & Mark.OWN
    ]
    return sorted(rows, key=lambda row: done[row])[:_CANDIDATES]
