"""Plain calls on stdio that wait for their answers and were not followed yet."""

from collections.abc import Iterable, Sequence
from itertools import count, repeat

import msgspec

from interpose.core.events import Event, Frame, Received
from interpose.core.session.glancing import Call, PlainParams
from interpose.core.session.pending import STDIO
from interpose.core.wire.message import Message, read

About = tuple[str, str | None]
"""The method of a call, and what it is about."""
_LARGE = 1 << 14
_NOTHING: About = ("", None)
_params = msgspec.json.Decoder(PlainParams).decode


class Unfollowed:
    """By id: number, time and line of each call, from which it can be followed after all, and what it is about."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[int, float, bytes, About]] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, ident: str | None) -> bool:
        return ident in self._calls

    def knows_any(self, ids: Iterable[str]) -> bool:
        """Whether one of these calls waits already."""
        return not self._calls.keys().isdisjoint(ids)

    def knows_all(self, ids: Iterable[str]) -> bool:
        """Whether each of these calls waits."""
        return self._calls.keys() >= set(ids)

    def about(self, ident: str) -> About | None:
        """What a call that waits is about, where that was said when it was put here."""
        call = self._calls.get(ident)
        return None if call is None else call[3]

    def put(self, seq: int, at: float, message: Message, line: bytes, about: About) -> None:
        """One more."""
        self._calls[message.id or ""] = (seq, at, line, about)

    def put_all(
        self, seq: int, at: float, ids: Iterable[str], lines: Iterable[bytes], about: Iterable[About] = repeat(_NOTHING)
    ) -> None:
        """Calls that came together, numbered from `seq`."""
        self._calls.update(zip(ids, zip(count(seq), repeat(at), lines, about, strict=False), strict=False))

    def settle(self, ident: str) -> bool:
        """A call was answered: whether it waited."""
        return self._calls.pop(ident, None) is not None

    def settle_all(self, ids: Iterable[str]) -> None:
        """Calls that wait were answered."""
        for ident in ids:
            del self._calls[ident]

    def take(self) -> list[tuple[int, Event]]:
        """All of them as they were heard; here they are no more."""
        calls, self._calls = self._calls, {}
        return [(seq, Received(at, "client", STDIO, Frame(line, read(line)))) for seq, at, line, _ in calls.values()]


def slim(message: Message) -> bytes:
    """The line of a plain call; of a large one without what nobody will ask for, since it may wait for long."""
    if len(message.raw) < _LARGE or message.flags:
        return message.raw
    said = b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}'
    return said % ((message.id or "").encode(), msgspec.json.encode(message.method), slim_params(message.params))


def slim_params(params: bytes) -> bytes:
    """Params of a plain call without what nobody will ask for."""
    return msgspec.json.encode(_params(params)) if params else b"{}"


def slim_lines(lines: Sequence[bytes], calls: Sequence[Call]) -> list[bytes]:
    """The lines of plain calls, the large ones slim."""
    return [line if len(line) < _LARGE else msgspec.json.encode(call) for line, call in zip(lines, calls, strict=True)]
