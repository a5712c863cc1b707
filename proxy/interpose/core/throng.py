"""Lines on stdio that came together, under a policy: those that nobody has a say in are done with together."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from interpose.core.effects import AppendAll, Deliver, Effect
from interpose.core.entrance import Entrance
from interpose.core.errands import STDIO, Errands
from interpose.core.events import End, Frame, Received, other
from interpose.core.passing import Passing
from interpose.core.policy.engine import Engine
from interpose.core.recording.recorder import Recorder
from interpose.core.wire.lines import Line
from interpose.core.wire.message import Message, read

Judge = Callable[[Received, Message | None, dict[str, Any] | None], list[Effect]]
_LARGE = 1 << 16  # lines from here are heard one by one


class Throng:
    """Of one session. `judge` decides about a message that does not pass here; its params or result, where known."""

    def __init__(
        self,
        engine: Engine,
        recorder: Recorder,
        entrance: Entrance,
        passing: Passing,
        errands: Errands,
        judge: Judge,
    ) -> None:
        self._engine = engine
        self._recorder = recorder
        self._entrance = entrance
        self._passing = passing
        self._errands = errands
        self._judge = judge

    def feed(self, at: float, end: End, lines: Sequence[Line]) -> Iterator[list[Effect]]:
        """What follows from the lines, step by step: what comes later is heard once the next step is asked for.

        Lines that stand together and that nobody has a say in go on in one frame. INVARIANT: all else is as if each
        had come alone.
        """
        if len(lines) > 1 and (effects := self._all(at, end, lines)):
            yield effects
            return
        recorder, glance, lets = self._recorder, self._entrance.glance, self._passing.lets
        enforces = self._engine.enforces  # which nothing that is heard here changes
        effects = []
        passing: list[Received] = []
        for content, tail in lines:
            message = read(content) if content.strip() else None
            value = glance(message) if enforces and message is not None else None
            event = Received(at, end, STDIO, Frame(content, message, None, tail))
            if message is not None and value is not None and lets(recorder.seq + 1, event, message, value):
                effects.append(recorder.record(event))
                passing.append(event)
                continue
            if passing:
                yield [*effects, self._let_by(end, passing)]
                effects, passing = [], []
            yield self._judge(event, message, value)
        if passing:
            yield [*effects, self._let_by(end, passing)]

    def _all(self, at: float, end: End, lines: Sequence[Line]) -> list[Effect]:
        """What follows where nobody has a say in any of them; nothing where that cannot be told at a glance."""
        contents = [content for content, _ in lines]
        if not self._engine.enforces or self._passing.pauses or max(map(len, contents)) > _LARGE:
            return []
        seen = self._entrance.glance_lines(contents, calls=end == "client")
        if seen is None or not self._passing.lets_lines(self._recorder.seq + 1, at, contents, seen):
            return []
        if end == "client":
            self._errands.notice(read(contents[-1]))
        recorded = self._recorder.plain(at, end, STDIO, contents)
        return [AppendAll(recorded), Deliver(other(end), STDIO, Frame(b"".join(chain.from_iterable(lines))))]

    def _let_by(self, end: End, passing: Sequence[Received]) -> Deliver:
        """Lines that go on as they came."""
        frames = [event.frame for event in passing]
        latest = frames[-1]
        if end == "client" and latest.message is not None:
            self._errands.notice(latest.message)
        if len(frames) > 1:
            latest = Frame(b"".join([piece for frame in frames for piece in (frame.raw, frame.tail)]))
        return Deliver(other(end), STDIO, latest)
