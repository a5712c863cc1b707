"""Calls that were answered by questions and are to be asked again with the answers (2026-07-28, MRTR).

The protocol promises no retry: what is parked here may never come back.
"""

import json
from hashlib import blake2b
from typing import Any

import msgspec

from interpose.core.session.asks import Ask
from interpose.core.session.call import Call
from interpose.core.session.reading import Params, Result
from interpose.core.session.ring import Ring
from interpose.core.wire.message import Message

_PER_ROUND = frozenset({"inputResponses", "requestState", "_meta"})


class Round(msgspec.Struct, frozen=True, gc=False):
    """A call that was answered by `input_required`; `seq` and `at` are those of that answer.

    `again` says that it had its next round before.
    """

    call: Call
    seq: int
    at: float
    asks: tuple[Ask, ...] = ()
    again: bool = False


class Rounds:
    """The rounds that wait for their next one, and for a while those that had it: a state may be used twice."""

    def __init__(self) -> None:
        self.parked: Ring[bytes, tuple[Round, ...]] = Ring()
        self._past: Ring[bytes, Round] = Ring()

    def park(self, round_: Round, request: Message | None, result: Result) -> None:
        key = _state_key(result.state) if result.state is not None else _content_key(request)
        self.parked.put(key, (*self.parked.get(key, ()), round_))

    def resume(self, request: Message, params: Params) -> Round | None:
        """The round that a request repeats; None for a first one."""
        if params.state is not None:
            return self._take(_state_key(params.state), request, params)
        return None if params.answers is None else self._take(_content_key(request), request, params)

    def withdraw(self, call: int, keys: frozenset[str]) -> None:
        """Nobody waits for the answers to these questions of a call any more."""
        for key, rounds in tuple(self.parked.items()):
            left = [_without(each, keys) if each.call.seq == call else each for each in rounds]
            self._keep(key, tuple(each for each in left if each.asks or each.call.seq != call))

    def waiting(self) -> list[Round]:
        return [each for rounds in self.parked.values() for each in rounds]

    def _keep(self, key: bytes, rounds: tuple[Round, ...]) -> None:
        if rounds:
            self.parked[key] = rounds
        else:
            del self.parked[key]

    def _take(self, key: bytes, request: Message, params: Params) -> Round | None:
        rounds = self.parked.get(key, ())
        if not rounds:
            return self._past.get(key)
        # Servers may give many calls one state, and two clients may ask the same: a round of the same method and name,
        # whose questions are being answered, else the oldest.
        name, answered = params.name or params.uri, set(params.answers or ())
        same = [each for each in rounds if (each.call.method, each.call.name) == (request.method, name)]
        found = next(
            (each for each in same or rounds if answered & {ask.key for ask in each.asks}), (same or rounds)[0]
        )
        self._keep(key, tuple(each for each in rounds if each is not found))
        self._past.put(key, msgspec.structs.replace(found, again=True))
        return found


def _without(round_: Round, keys: frozenset[str]) -> Round:
    return msgspec.structs.replace(round_, asks=tuple(ask for ask in round_.asks if ask.key not in keys))


def _state_key(state: str) -> bytes:
    return _digest(["state", state])


def _content_key(request: Message | None) -> bytes:
    """Method and parameters without what changes from round to round."""
    params = request.section("params") if request is not None else None
    fixed = {k: v for k, v in params.items() if k not in _PER_ROUND} if isinstance(params, dict) else None
    try:
        return _digest([request.method if request is not None else None, fixed])
    except RecursionError:  # pragma: no cover - where a reader goes deeper than a writer
        return b""


def _digest(value: Any) -> bytes:
    return blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).digest()
