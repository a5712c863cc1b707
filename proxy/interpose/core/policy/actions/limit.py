"""Counts what passes, and says when it is too much. The clock is the messages' own time.

ask = "sampling"
do = "limit"
tokens = 20000
per = "minute"
"""

import math
from typing import Any

import msgspec

from interpose.core.policy.rule import Limit
from interpose.core.session.asks import Ask
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import parse

_MINUTE = 60
_ROOM = 4096
_FIRST = "limit: first rounds"
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


def follow(sighting: Sighting, state: dict[str, Any]) -> None:
    """To be told of every message: which call a repeated one began as (2026-07-28, MRTR)."""
    call = sighting.call
    if call is not None and call.previous is not None and call.end == "client":
        first: Ring[int, int] = state.setdefault(_FIRST, Ring(_ROOM))
        if call.seq not in first:
            first.put(call.seq, first.get(call.previous, call.previous))


def exceeded(rule: Limit, sighting: Sighting, ask: Ask | None, state: dict[str, Any]) -> str | None:
    """Why a message or an ask that the rule matched is too much; None when it passes, and then it is counted.

    To be called once for each of them.
    """
    follow(sighting, state)
    tally: Tally = state.setdefault(f"limit {rule.name}", Tally(Ring(_ROOM), Ring(_ROOM)))
    if ask is None:
        return _judge(rule, sighting, None, tally, state)
    name = (ask.seq, ask.carrier, ask.key)
    if name not in tally.ruled:
        tally.ruled.put(name, _judge(rule, sighting, ask, tally, state))
    tally.ruled.move_to_end(name)
    return tally.ruled[name]


def _judge(rule: Limit, sighting: Sighting, ask: Ask | None, tally: Tally, state: dict[str, Any]) -> str | None:
    tokens = 0 if rule.tokens is None else _tokens(ask)
    if tokens is None:
        return "it does not say how many tokens it wants"
    keys = _keys(rule, sighting, ask, state)
    # An ask that may belong to several calls must fit into each of them.
    for passed in _passed(rule, tally, keys, sighting.at):
        if rule.count is not None and passed.count + 1 > rule.count:
            return f"more than {rule.count} per {rule.per}"
        if rule.tokens is not None and passed.tokens + tokens > rule.tokens:
            return f"more than {rule.tokens} tokens per {rule.per}"
    for key in keys:
        known = tally.sums.get(key, Sum())
        tally.sums.put(key, Sum(known.count + 1, known.tokens + tokens))
    return None


def _passed(rule: Limit, tally: Tally, keys: list[int], at: float) -> list[Sum]:
    """What passed so far, for each of the keys; of minutes, all seconds that lie in the last one, begun ones whole."""
    if rule.per != "minute":
        return [tally.sums.get(key, Sum()) for key in keys]
    for second in [second for second in tally.sums if second < math.floor(at - _MINUTE)]:
        del tally.sums[second]
    sums = tally.sums.values()
    return [Sum(sum(each.count for each in sums), sum(each.tokens for each in sums))]


def _keys(rule: Limit, sighting: Sighting, ask: Ask | None, state: dict[str, Any]) -> list[int]:
    """What it counts for: the calls it may belong to, its second, or the session."""
    if rule.per == "session":
        return [_OUTSIDE]
    if rule.per == "minute":
        return [math.floor(sighting.at)]
    first: Ring[int, int] = state.get(_FIRST, Ring())
    parents = (ask.parents if ask is not None else ()) or (_OUTSIDE,)
    return list(dict.fromkeys(first.get(parent, parent) for parent in parents))


def _tokens(ask: Ask | None) -> int | None:
    """How many tokens an ask wants; None when it does not say in a way that all understand alike."""
    params = parse(ask.params or b"{}") if ask is not None else None
    wanted = params.get("maxTokens") if isinstance(params, dict) else None
    if isinstance(wanted, bool) or not isinstance(wanted, int | float) or not 0 <= wanted < math.inf:
        return None
    return math.ceil(wanted)
