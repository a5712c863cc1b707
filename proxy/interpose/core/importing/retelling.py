"""A session of another tool's capture, told as the events that interpose would have heard, and recorded."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from interpose.core.effects import Append
from interpose.core.events import Closed, End, Event, Received, Requested, Responded, Told
from interpose.core.importing.sorting import ImportedSession
from interpose.core.importing.talk import Talk
from interpose.core.importing.timing import Marks, when_said
from interpose.core.interposer import Interposer
from interpose.core.recording.entry import Header

_NAMED = 6
_LAST = 1 << 62  # after every number of an exchange


class _Told(msgspec.Struct, frozen=True):
    """An exchange with its name here, when what was said in it came, and when it was over."""

    channel: str
    talk: Talk
    times: list[float]
    over: float

    @property
    def moments(self) -> list[float]:
        """When something was said in it."""
        return ([self.talk.exchange.asked] if self.talk.asked else []) + self.times


def recorded(session: ImportedSession, header: Header) -> Iterator[Append]:
    """The lines of a session's recording; the core that records live sessions writes them."""
    core = Interposer()
    events = retold(session)
    effects = core.open(header)
    for event in events:
        effects += core.feed(event)
    end = events[-1].at if events else 0.0
    effects += core.close(end, session.over or "the imported file ends here")
    return (effect for effect in effects if isinstance(effect, Append))


def retold(session: ImportedSession) -> list[Event]:
    """All that happened in a session, in its order; times count from the first request."""
    marks = Marks(session.talks)
    told = [_timed(f"x{number}", each, marks) for number, each in enumerate(session.talks, 1)]
    moments = sorted((at, number) for number, each in enumerate(told, 1) for at in each.moments)
    events = [event for each in told for event in _events(each, _beside(each, moments))]
    events += _ties(told)
    events.sort(key=lambda event: event.at)
    began = session.began
    return [msgspec.structs.replace(event, at=round(event.at - began, 6)) for event in events]


def _timed(channel: str, talk: Talk, marks: Marks) -> _Told:
    times = when_said(talk, marks)
    return _Told(channel, talk, times, max((talk.exchange.answer_ended, *times[-1:])))


def _beside(told: _Told, moments: list[tuple[float, int]]) -> list[str]:
    """The exchanges in which something was said while this one was answered."""
    start = bisect_right(moments, (told.talk.exchange.answer_began, _LAST))
    within = moments[start : bisect_left(moments, (told.over, 0))]
    names = (f"x{number}" for number in sorted({number for _, number in within}))
    return [name for name in names if name != told.channel]


def _ties(told: list[_Told]) -> Iterator[Event]:
    """Notes on what was asked in the same moment: files tell milliseconds, and clients are faster."""
    for earlier, later in pairwise(told):
        at = later.talk.exchange.asked
        if at == earlier.talk.exchange.asked:
            text = f"{later.channel}: asked in the same moment as {earlier.channel}; which was first is a guess"
            yield Told(at, "client", "note", text)


def _events(told: _Told, beside: list[str]) -> Iterator[Event]:
    channel, exchange = told.channel, told.talk.exchange
    yield Requested(exchange.asked, channel, exchange.method, exchange.target, exchange.headers)
    for frame in told.talk.asked:
        yield Received(exchange.asked, "client", channel, frame)
    if exchange.status is not None:
        yield Responded(exchange.answer_began, channel, exchange.status, exchange.answer_headers)
    if told.talk.lost:
        yield Told(exchange.answer_began, "server", "note", f"{channel}: {told.talk.lost}")
    if beside and told.talk.streams and told.talk.said and not told.talk.is_timed:
        yield Told(exchange.answer_began, "server", "note", f"{channel}: {_guessed(len(told.talk.said), beside)}")
    for at, frame in zip(told.times, told.talk.said, strict=True):
        yield Received(at, "server", channel, frame)
    yield from _closed(told)


def _closed(told: _Told) -> Iterator[Event]:
    """How an exchange ended. One whose end the file does not tell was still open."""
    exchange = told.talk.exchange
    if exchange.ended is None and not exchange.fault:
        return
    gone = exchange.fault.lower().startswith(("client disconnect", "net::err_aborted"))
    end: End = "client" if gone else "server"
    reason = "disconnect" if gone else " ".join(map(_harmless, exchange.fault.split()))[:200] or "end"
    yield Closed(told.over, end, told.channel, reason)


def _harmless(word: str) -> str:
    """A word of an error; addresses may hold credentials."""
    return "[address]" if "://" in word or "@" in word else word


def _guessed(count: int, beside: list[str]) -> str:
    more = f" and {len(beside) - _NAMED} more" if len(beside) > _NAMED else ""
    others = ", ".join(beside[:_NAMED]) + more
    events = "its event" if count == 1 else f"its {count} events"
    return f"the file does not say when {events} came; the order against {others} is a guess"
