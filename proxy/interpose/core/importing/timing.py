"""When the events of a stream came, as far as that can be told: most captures keep a stream's body, but no times in it.

The order within a stream is certain. Beyond that: an ask came before its answer, an answer after its request. Where a
stream belongs to a request its last event came when it ended. What nothing else fixes is spread evenly.
"""

from collections.abc import Sequence
from itertools import accumulate

from interpose.core.events import Frame
from interpose.core.importing.talk import Talk
from interpose.core.wire.message import Kind, Message

_INSTANT = 1e-6  # the least time that a recording tells apart


class Marks:
    """When the client of a session said what the server's events refer to."""

    def __init__(self, talks: Sequence[Talk]) -> None:
        self._requests: dict[str, float] = {}
        self._answers: dict[str, list[float]] = {}
        self._tokens: dict[str, float] = {}
        for each in talks:
            for frame in each.asked:
                for message in frame.message.messages() if frame.message is not None else ():
                    self._mark(message, each.exchange.asked)

    def _mark(self, message: Message, at: float) -> None:
        if message.id is None:
            return
        if message.is_response:
            self._answers.setdefault(message.id, []).append(at)
        elif message.kind is Kind.REQUEST:
            self._requests.setdefault(message.id, at)
            token = _member(message, "_meta", "progressToken")
            if token is not None:
                self._tokens.setdefault(repr(token), at)

    def answer_to(self, ask: Message, since: float) -> float | None:
        """When the client answered a request of the server's."""
        if ask.kind is not Kind.REQUEST or ask.id is None:
            return None
        return next((at for at in self._answers.get(ask.id, ()) if at >= since), None)

    def cause_of(self, message: Message) -> float | None:
        """When the client asked for what a message answers, or tells the progress of."""
        if message.is_response and message.id is not None:
            return self._requests.get(message.id)
        token = _member(message, "progressToken") if message.method == "notifications/progress" else None
        return None if token is None else self._tokens.get(repr(token))


def when_said(each: Talk, marks: Marks) -> list[float]:
    """The time of every frame that the server said in an exchange, in seconds as the exchange has them."""
    answered, ended = each.exchange.answer_began, each.exchange.answer_ended
    if not each.streams:
        return [ended] * len(each.said)
    if each.is_timed:
        return list(accumulate(each.exchange.events_at, max))
    return _spread(_pins(each, marks, answered, ended), answered, ended)


def _pins(each: Talk, marks: Marks, answered: float, ended: float) -> list[float | None]:
    """The times that follow from what an event says; None where nothing does."""
    stands = each.opening is None  # a stream of the server's own, which no request waits for
    pins: list[float | None] = []
    bounds: list[float] = []
    told = answered  # the latest answer to an ask of this stream
    for frame in each.said:
        answer = _answer_to(frame, marks, each.exchange.asked)
        pin = None if answer is None else answer - _INSTANT
        bounds.append(float("inf") if pin is None else pin)
        if answer is not None:
            told = max(told, answer)
        elif stands:
            pin = _earliest(frame, marks, told, answered)
        pins.append(pin)
    if pins and not stands and pins[-1] is None:
        pins[-1] = max(ended, told + _INSTANT)
    return _in_order(pins, bounds, answered)


def _answer_to(frame: Frame, marks: Marks, since: float) -> float | None:
    """When the first ask in a frame was answered."""
    messages = () if frame.message is None else frame.message.messages()
    return min((at for each in messages if (at := marks.answer_to(each, since)) is not None), default=None)


def _earliest(frame: Frame, marks: Marks, told: float, answered: float) -> float | None:
    """The earliest that a frame of a standing stream can have come, where its cause is known."""
    if frame.block is not None and frame.block.event == "endpoint":
        return answered
    messages = () if frame.message is None else frame.message.messages()
    causes = [at for each in messages if (at := marks.cause_of(each)) is not None]
    if not causes:
        return None
    return max(*causes, told if any(each.is_response for each in messages) else answered) + _INSTANT


def _in_order(pins: list[float | None], bounds: list[float], start: float) -> list[float | None]:
    """Pins that never go back, and never beyond the bound of a later event."""
    limit = float("inf")
    for index in reversed(range(len(pins))):
        limit = min(limit, bounds[index])
        pin = pins[index]
        pins[index] = None if pin is None else min(pin, limit)
    for index, pin in enumerate(pins):
        if pin is not None:
            start = pins[index] = max(pin, start)
    return pins


def _spread(pins: list[float | None], start: float, end: float) -> list[float]:
    """The times of all: what lies between two pins at even distances."""
    times: list[float] = []
    loose = 0
    for pin in (*pins, None):
        if pin is None and len(times) + loose < len(pins):
            loose += 1
            continue
        until = max(start, end) if pin is None else pin
        times += [start + (until - start) * step / (loose + 1) for step in range(1, loose + 1)]
        if pin is not None:
            times.append(pin)
            start = pin
        loose = 0
    return times


def _member(message: Message, *path: str) -> object:
    """A member of the parameters; None where it is not."""
    value: object = message.section("params")
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
