"""What is wrong with a message itself, and with its place in the session, by the rules. Models are somebody else's."""

from collections.abc import Iterator
from typing import Any

from interpose.core.linting import rules
from interpose.core.linting.rules import FLAGGED, NOTED, Rule
from interpose.core.session.call import Call
from interpose.core.session.pending import STDIO
from interpose.core.session.reading import Params, read
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_RELATED = "io.modelcontextprotocol/related-task"
# 2026-07-28 §basic: -32020 to -32099 are the specification's own, and it names three; two are of earlier versions.
_GONE = frozenset({-32002, -32042})
_KNOWN = frozenset({-32020, -32021, -32022})
_OWN = range(-32099, -32019)

Broken = tuple[str, Rule]


class MessageRules:
    """Follows progress; all else is seen in a message alone."""

    def __init__(self) -> None:
        self._progress: Ring[tuple[int, int], float] = Ring(65_536)

    def broken(self, seen: Sighting, *, resumed: bool) -> Iterator[Broken]:
        """The rules that a message breaks, each once. A stream that was `resumed` brings again what came before."""
        yield from _flags(seen)
        yield from _notes(seen)
        if seen.message.id == "null" and seen.kind is Kind.REQUEST:
            yield "null-id", rules.NO_ID
        if seen.kind is Kind.ERROR:
            yield from _error(seen)
        if seen.kind is Kind.RESULT and seen.method == "tasks/result" and seen.era == "stateful":
            yield from _related(seen)
        if seen.method == "notifications/progress" and seen.kind is Kind.NOTIFICATION and not resumed:
            yield from self._progressed(seen)

    def _progressed(self, seen: Sighting) -> Iterator[Broken]:
        call = seen.call
        if call is None:
            return
        if "late" in seen.notes and _is_over(seen, call):
            yield "progress-after-end", rules.PROGRESS_OVER
        amount = read(seen.message.params, Params).progress
        if amount is None:
            return
        before = self._progress.get((call.seq, call.part))
        self._progress.put((call.seq, call.part), amount)
        if before is not None and amount <= before:
            yield "progress-not-increasing", rules.PROGRESS_BACK


def _flags(seen: Sighting) -> Iterator[Broken]:
    flags = seen.message.flags
    for flag in flags:
        rule = FLAGGED.get(flag)
        if rule is not None and not (flag == "no-version" and "not-json-rpc" in flags):
            yield flag, rule


def _notes(seen: Sighting) -> Iterator[Broken]:
    for note in seen.notes:
        if note == "unknown-request" and seen.era == "stateless" and seen.channel != STDIO:
            yield "cancelled-over-http", rules.CANCEL_OVER_HTTP
        elif (rule := NOTED.get(note)) is not None:
            yield note, rule


def _is_over(seen: Sighting, call: Call) -> bool:
    """Whether the sender knew: over one pipe its own answer went first. A cancellation may have crossed it."""
    return seen.channel == STDIO and call.cancelled_at is None and call.end != seen.end


def _error(seen: Sighting) -> Iterator[Broken]:
    error = seen.message.section("error")
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not _is_whole(code) or not isinstance(error.get("message"), str):
        yield "error-shape", rules.ERROR_SHAPE
    elif seen.era == "stateless" and (code in _GONE or (code in _OWN and code not in _KNOWN)):
        yield "error-code", rules.ERROR_CODE


def _is_whole(code: Any) -> bool:
    return isinstance(code, int) and not isinstance(code, bool)


def _related(seen: Sighting) -> Iterator[Broken]:
    """2025-11-25: of all that a task does, this answer alone says nowhere else whose it is."""
    result = seen.message.section("result")
    meta = result.get("_meta") if isinstance(result, dict) else None
    if not isinstance(meta, dict) or not isinstance(meta.get(_RELATED), dict):
        yield "no-related-task", rules.NO_RELATED_TASK
