"""Counts what passes, and says when it is too much. The clock is the messages' own time.

What another rule refuses does not count, and tokens count as they go on, after a `cap`.

    ask = "sampling"
    do = "limit"
    tokens = 20000
    per = "minute"
"""

import math
from typing import Any

import msgspec

from interpose.core.policy.editing import EditFault, carried
from interpose.core.policy.rule import Limit
from interpose.core.session.asks import Ask
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import parse

_MINUTE = 60
_ROOM = 4096
_FIRST = "limit: first rounds"
_JUDGED = "limit: judged, not counted yet"
_OUTSIDE = -1  # what belongs to no call is counted together


class Sum(msgspec.Struct):
    """How much passed."""

    count: int = 0
    tokens: int = 0


class Tally(msgspec.Struct):
    """What one rule counted in one session: sums by call, by second, or one for all.

    `ruled` are the asks decided so far, with what was said: a task repeats its open asks at every poll.
    """

    sums: Ring[int, Sum]
    ruled: Ring[tuple[int, str, str], str | None]


class Judged(msgspec.Struct):
    """What fits under a limit, and is counted once it is known to pass. `keys` are those of its sums."""

    tally: Tally
    ask: Ask | None
    keys: list[int]
    tokens: int
    of: tuple[int, int]  # the message and the part of it


def exceeded(
    rule: Limit, sighting: Sighting, ask: Ask | None, state: dict[str, Any], would_be: bytes | None = None
) -> str | None:
    """Why a message or an ask that the rule matched is too much; None when it is not.

    `would_be` is the message as edits would let it go on, where there are any. To be called once for each, and
    `passed` after all of them: what fits here but is never told to have been refused counts.
    """
    follow(sighting, state)
    judged = _of_this(sighting, state)
    tally: Tally = state.setdefault(f"limit {rule.identity!r}", Tally(Ring(_ROOM), Ring(_ROOM)))
    name = None if ask is None else (ask.seq, ask.carrier, ask.key)
    if name is not None and name in tally.ruled:
        tally.ruled.move_to_end(name)
        return tally.ruled[name]
    tokens = 0 if rule.tokens is None or ask is None else _wanted(ask, would_be)
    keys = _keys(rule, sighting, ask, state)
    why = _too_much(rule, _sums(rule, tally, judged, keys, sighting.at), tokens)
    if why is None:
        judged.append(Judged(tally, ask, keys, tokens or 0, (sighting.seq, sighting.part)))
    elif name is not None:
        tally.ruled.put(name, why)
    return why


def passed(sighting: Sighting, delivered: bytes | None, refused: frozenset[str], state: dict[str, Any]) -> None:
    """To be told of every message after the verdict: counts what goes on.

    `delivered` is what goes on of the message; None when nothing does, also when a refusal stands in its place.
    `refused` are the keys of its asks that some rule refused.
    """
    follow(sighting, state)
    judged = _of_this(sighting, state)
    body = parse(delivered) if judged and delivered is not None else None
    for each in judged if body is not None else ():
        if each.ask is None:
            _count(each, each.tokens)
        elif each.ask.key not in refused:
            _count_ask(each, each.ask, body)
    judged.clear()


def follow(sighting: Sighting, state: dict[str, Any]) -> None:
    """Remember which call a repeated one began as (2026-07-28, MRTR)."""
    call = sighting.call
    if call is not None and call.previous is not None and call.end == "client":
        first: Ring[int, int] = state.setdefault(_FIRST, Ring(_ROOM))
        if call.seq not in first:
            first.put(call.seq, first.get(call.previous, call.previous))


def _of_this(sighting: Sighting, state: dict[str, Any]) -> list[Judged]:
    """What was judged of this message. Of an earlier one nobody said what became of it, and so it passed."""
    judged: list[Judged] = state.setdefault(_JUDGED, [])
    if judged and judged[0].of != (sighting.seq, sighting.part):
        for each in judged:
            _count(each, each.tokens)
        judged.clear()
    return judged


def _count_ask(judged: Judged, ask: Ask, body: Any) -> None:
    """Counts an ask if it goes on, or the answer to one, with the tokens it asks for by then."""
    if ask.state != "open":
        _count(judged, judged.tokens)
        return
    try:
        tokens = _tokens(carried(ask, body).get("params"))
    except EditFault:
        return
    _count(judged, judged.tokens if tokens is None else min(judged.tokens, tokens))


def _count(judged: Judged, tokens: int) -> None:
    tally, ask = judged.tally, judged.ask
    for key in judged.keys:
        known = tally.sums.get(key, Sum())
        tally.sums.put(key, Sum(known.count + 1, known.tokens + tokens))
    if ask is not None:
        tally.ruled.put((ask.seq, ask.carrier, ask.key), None)


def _too_much(rule: Limit, sums: list[Sum], tokens: int | None) -> str | None:
    if tokens is None:
        return "it does not say how many tokens it wants"
    # An ask that may belong to several calls must fit into each of them.
    for each in sums:
        if rule.count is not None and each.count + 1 > rule.count:
            return f"more than {rule.count} per {rule.per}"
        if rule.tokens is not None and each.tokens + tokens > rule.tokens:
            return f"more than {rule.tokens} tokens per {rule.per}"
    return None


def _sums(rule: Limit, tally: Tally, judged: list[Judged], keys: list[int], at: float) -> list[Sum]:
    """What passed so far, for each of the keys, and what the same message lets pass beside.

    Of minutes, all seconds that lie in the last one, begun ones whole.
    """
    beside = [each for each in judged if each.tally is tally]
    if rule.per != "minute":
        return [_with(tally.sums.get(key, Sum()), [each for each in beside if key in each.keys]) for key in keys]
    for second in [second for second in tally.sums if second < math.floor(at - _MINUTE)]:
        del tally.sums[second]
    sums = tally.sums.values()
    return [_with(Sum(sum(each.count for each in sums), sum(each.tokens for each in sums)), beside)]


def _with(known: Sum, beside: list[Judged]) -> Sum:
    return Sum(known.count + len(beside), known.tokens + sum(each.tokens for each in beside))


def _keys(rule: Limit, sighting: Sighting, ask: Ask | None, state: dict[str, Any]) -> list[int]:
    """What it counts for: the calls it may belong to, its second, or the session."""
    if rule.per == "session":
        return [_OUTSIDE]
    if rule.per == "minute":
        return [math.floor(sighting.at)]
    first: Ring[int, int] = state.get(_FIRST, Ring())
    parents = (ask.parents if ask is not None else ()) or (_OUTSIDE,)
    return list(dict.fromkeys(first.get(parent, parent) for parent in parents))


def _wanted(ask: Ask, would_be: bytes | None) -> int | None:
    """How many tokens an ask would ask for; None when that cannot be told."""
    if would_be is None:
        return _tokens(parse(ask.params or b"{}"))
    try:
        return _tokens(carried(ask, parse(would_be)).get("params"))
    except EditFault:
        return None


def _tokens(params: Any) -> int | None:
    """How many tokens params want; None when they do not say in a way that all understand alike."""
    wanted = params.get("maxTokens") if isinstance(params, dict) else None
    if isinstance(wanted, bool) or not isinstance(wanted, int | float) or not 0 <= wanted < math.inf:
        return None
    return math.ceil(wanted)
