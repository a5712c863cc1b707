"""Two recordings compared by what happened in them: the same calls, the same answers, the same inside.

Ids, times and the order of what ran at once do not count (see normal.py and story.py). Calls are paired by what they
ask, the first with the first; of what is left, those of the same method and name that are most alike.
"""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Literal, TypeVar

import msgspec

from interpose.core.replay.closest import closest
from interpose.core.replay.difference import Difference, differences
from interpose.core.replay.normal import Normal
from interpose.core.replay.story import Exchange, Fetch, Line, Story, Work, message_of

Kind = Literal["changed", "first", "second", "order"]
What = Literal["request", "answer", "notification", "state", "message"]

MOST = 1000
_MOST_CHOSEN = 200
_REPEATED = frozenset(
    {"tools/list", "prompts/list", "resources/list", "resources/templates/list", "server/discover", "tasks/list"}
)
_T = TypeVar("_T")


class Finding(msgspec.Struct, frozen=True):
    """One message that differs: `changed`, only in the `first` or the `second`, or asked in another `order`.

    `inside` is the request that it belongs to, for asks, answers and notifications.
    """

    kind: Kind
    what: What
    first: Line | None
    second: Line | None
    inside: Line | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def line(self) -> Line:
        """Either message: what both say of themselves."""
        found = self.first or self.second
        assert found is not None
        return found


class Comparison(msgspec.Struct):
    """What two recordings differ in; `more` says that there is more than is told. `calls` have the same request."""

    findings: list[Finding] = []
    calls: int = 0
    more: bool = False

    @property
    def equal(self) -> bool:
        return not self.findings


class Side(msgspec.Struct, frozen=True):
    """One recording: what happened in it, and how to get at an entry again."""

    story: Story
    fetch: Fetch
    normal: Normal

    def comparable(self, line: Line) -> Any:
        """What counts in a message."""
        message = message_of(self.fetch(line.offset), line.part)
        return self.normal.comparable(message, method=line.method, era=line.era, name=line.name)


def compare(first: Side, second: Side) -> Comparison:
    """Compare two recordings, in the order of the first."""
    comparer = _Comparer(first, second)
    found = sorted(comparer.all(), key=lambda finding: (finding.first is None, finding.line.seq, finding.line.part))
    return Comparison(found[:MOST], comparer.calls, len(found) > MOST)


class _Comparer:
    def __init__(self, first: Side, second: Side) -> None:
        self._first, self._second = first, second
        self.calls = 0
        works, self._lone, self._extra = _paired_works(first.story, second.story)
        self._works = works
        self._ids = {one.id: other.id for one, other in works if one.id}

    def all(self) -> Iterator[Finding]:
        one, other = self._first.story, self._second.story
        yield from _settled([*self._exchanges(one.exchanges, other.exchanges, None), *self._loose(one, other)])
        yield from self._tasks()
        yield from self._free(one.free, other.free)

    def _loose(self, one: Story, other: Story) -> Iterator[Finding]:
        """What belongs to no request."""
        yield from self._lines("notification", one.notifications, other.notifications, None)
        yield from self._lines("message", one.others, other.others, None)

    def _exchanges(self, one: list[Exchange], other: list[Exchange], inside: Line | None) -> Iterator[Finding]:
        pairs, lone, extra = self._paired(one, other)
        for a, b in pairs:
            yield from self._exchange(a, b, inside)
        if inside is None:
            yield from _out_of_order(pairs)
            lone, extra = _unrepeated(lone, other), _unrepeated(extra, one)
        for a in lone:
            yield Finding("first", "request", a.request, None, inside)
        for b in extra:
            yield Finding("second", "request", None, b.request, inside)

    def _paired(
        self, one: list[Exchange], other: list[Exchange]
    ) -> tuple[list[tuple[Exchange, Exchange]], list[Exchange], list[Exchange]]:
        pairs: list[tuple[Exchange, Exchange]] = []
        for key in (_digest, _key):
            found, one, other = _by(key, one, other)
            pairs += found
        found, one, other = self._alike(one, other, lambda exchange: exchange.request)
        return pairs + found, one, other

    def _exchange(self, one: Exchange, other: Exchange, inside: Line | None) -> Iterator[Finding]:
        self.calls += inside is None
        if one.request.digest != other.request.digest:
            yield from self._changed("request", one.request, other.request, inside)
        if one.digest == other.digest:
            return
        yield from self._exchanges(one.asks, other.asks, one.request)
        yield from self._lines("notification", one.notifications, other.notifications, one.request)
        answers = [each for each in (one.answer,) if each], [each for each in (other.answer,) if each]
        yield from self._lines("answer", *answers, one.request)

    def _lines(self, what: What, one: list[Line], other: list[Line], inside: Line | None) -> Iterator[Finding]:
        _, one, other = _by(_line_digest, one, other)
        pairs, one, other = self._alike(one, other, lambda line: line)
        for a, b in pairs:
            yield from self._changed(what, a, b, inside)
        yield from (Finding("first", what, a, None, inside) for a in one)
        yield from (Finding("second", what, None, b, inside) for b in other)

    def _tasks(self) -> Iterator[Finding]:
        for one, other in self._works:
            yield from self._lines("state", one.states, other.states, None)
        yield from (Finding("first", "state", line, None) for work in self._lone for line in work.states)
        yield from (Finding("second", "state", None, line) for work in self._extra for line in work.states)

    def _free(self, one: dict[bytes, Line], other: dict[bytes, Line]) -> Iterator[Finding]:
        left = [line for digest, line in one.items() if digest not in other]
        extra = [line for digest, line in other.items() if digest not in one]
        yield from self._lines("notification", left, extra, None)

    def _alike(
        self, one: list[_T], other: list[_T], line: Callable[[_T], Line]
    ) -> tuple[list[tuple[_T, _T]], list[_T], list[_T]]:
        """Pair those of one sender, method and name: of few the most alike, of many the first with the first."""
        if max(len(one), len(other)) > _MOST_CHOSEN:
            return _by(lambda each: _kin(line(each)), one, other)
        pairs: list[tuple[_T, _T]] = []
        lone: list[_T] = []
        left = list(other)
        for each in one:
            kin = [index for index, b in enumerate(left) if _kin(line(b)) == _kin(line(each))]
            if not kin:
                lone.append(each)
                continue
            best = kin[0] if len(kin) == 1 else self._nearest(line(each), {at: line(left[at]) for at in kin})
            pairs.append((each, left.pop(best)))
        return pairs, lone, left

    def _nearest(self, line: Line, others: dict[int, Line]) -> int:
        candidates = ((index, self._second.comparable(each)) for index, each in others.items())
        return closest(self._first.comparable(line), candidates)[0].key

    def _changed(self, what: What, one: Line, other: Line, inside: Line | None) -> Iterator[Finding]:
        found = differences(self._first.comparable(one), self._second.comparable(other))
        left = tuple(each for each in found if not self._is_task_id(each))
        if left:
            yield Finding("changed", what, one, other, inside, left)

    def _is_task_id(self, difference: Difference) -> bool:
        """Whether two texts differ only in the ids of tasks that are counterparts."""
        text = difference.recorded
        if difference.kind != "changed" or not isinstance(text, str):
            return False
        for one, other in self._ids.items():
            text = text.replace(one, other)
        return bool(text == difference.live)


def _paired_works(one: Story, other: Story) -> tuple[list[tuple[Work, Work]], list[Work], list[Work]]:
    """The tasks that are counterparts: with the same states, else of the same request, else in their order."""
    pairs: list[tuple[Work, Work]] = []
    lone, extra = list(one.works.values()), list(other.works.values())
    for key in (_states, _about, _nothing):
        found, lone, extra = _by(key, lone, extra)
        pairs += found
    return pairs, lone, extra


def _by(
    key: Callable[[_T], Hashable], one: Iterable[_T], other: Iterable[_T]
) -> tuple[list[tuple[_T, _T]], list[_T], list[_T]]:
    """Pair what has the same key, the first with the first; and what is left of both."""
    waiting: defaultdict[Hashable, deque[_T]] = defaultdict(deque)
    known = list(other)
    for each in known:
        waiting[key(each)].append(each)
    pairs: list[tuple[_T, _T]] = []
    left: list[_T] = []
    for each in one:
        same = waiting.get(key(each))
        if same:
            pairs.append((each, same.popleft()))
        else:
            left.append(each)
    kept = {id(each) for queue in waiting.values() for each in queue}
    return pairs, left, [each for each in known if id(each) in kept]


def _digest(exchange: Exchange) -> bytes:
    return exchange.digest


def _key(exchange: Exchange) -> tuple[bytes, bytes]:
    return exchange.key


def _line_digest(line: Line) -> bytes:
    return line.digest


def _kin(line: Line) -> tuple[str, str | None, str | None]:
    return line.end, line.method, line.name


def _states(work: Work) -> tuple[bytes, ...]:
    return (work.about, *(line.digest for line in work.states))


def _about(work: Work) -> bytes:
    return work.about


def _nothing(work: Work) -> None:
    return None


def _settled(found: list[Finding]) -> Iterator[Finding]:
    """What stands inside a call in one recording and elsewhere in the other is in both."""
    lone = [each for each in found if each.kind == "first" and each.what in ("notification", "request")]
    extra = [each for each in found if each.kind == "second" and each.what in ("notification", "request")]
    pairs, _, _ = _by(lambda finding: (finding.what, finding.line.digest), lone, extra)
    moved = {id(each) for pair in pairs for each in pair if pair[0].inside != pair[1].inside}
    return (each for each in found if id(each) not in moved)


def _unrepeated(lone: list[Exchange], others: list[Exchange]) -> list[Exchange]:
    """Without what a client asks again by itself, when the answer was the same."""
    known = {exchange.digest for exchange in others}
    return [each for each in lone if each.request.method not in _REPEATED or each.digest not in known]


def _out_of_order(pairs: list[tuple[Exchange, Exchange]]) -> Iterator[Finding]:
    """Calls that came after another was answered in one recording, and before it was asked in the other."""
    ordered = sorted(pairs, key=lambda pair: (pair[0].request.seq, pair[0].request.part))
    kept = _rising([(b.request.seq, b.request.part) for _, b in ordered])
    steady = [pair for index, pair in enumerate(ordered) if index in kept]
    moved = [pair for index, pair in enumerate(ordered) if index not in kept]
    for a, b in moved[:_MOST_CHOSEN]:
        if a.request.method not in _REPEATED and any(_contradict(a, b, *pair) for pair in steady):
            yield Finding("order", "request", a.request, b.request)


def _contradict(a: Exchange, b: Exchange, c: Exchange, d: Exchange) -> bool:
    return (_precedes(a, c) and _precedes(d, b)) or (_precedes(c, a) and _precedes(b, d))


def _precedes(one: Exchange, other: Exchange) -> bool:
    return one.answer is not None and one.answer.seq < other.request.seq


def _rising(values: list[tuple[int, int]]) -> set[int]:
    """The indexes of a longest rising subsequence."""
    tails: list[tuple[int, int]] = []
    last: list[int] = []
    before: list[int] = []
    for index, value in enumerate(values):
        at = bisect_left(tails, value)
        before.append(last[at - 1] if at else -1)
        tails[at : at + 1] = [value]
        last[at : at + 1] = [index]
    kept: set[int] = set()
    index = last[-1] if last else -1
    while index >= 0:
        kept.add(index)
        index = before[index]
    return kept
