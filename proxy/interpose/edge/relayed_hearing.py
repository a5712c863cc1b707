"""What a relayed exchange tells the core of itself: together where it happened together, and its end once."""

from collections.abc import Callable, Iterator, Sequence

from interpose.core.events import Closed, End, Event, Frame, Received
from interpose.edge.errand import Errands
from interpose.edge.link import FAULT
from interpose.edge.roster import RelayedSession
from interpose.edge.transports.exchange import Exchange

_LIGHT = 1 << 16


class Hearing:
    """The events of one exchange."""

    def __init__(self, errands: Errands, session: RelayedSession, exchange: Exchange) -> None:
        self.channel = session.enter(exchange)
        self.clock = session.conversation.clock
        self.unheard: list[Event] = []  # what came of the answer and is heard with what follows it
        self._errands = errands
        self._session = session
        self._exchange = exchange
        self.closed = False  # its end was heard

    def hear(self, *events: Event) -> None:
        """Hear these, after what is unheard."""
        unheard, self.unheard = self.unheard, []
        self._errands.hear(self._session, self._exchange, (*unheard, *events))

    def hear_said(self, frames: Sequence[Frame], seen: Callable[[Frame], None], *, ended: bool) -> bool:
        """Hear frames, with what came before them, and with the end where nothing can come between: True for that.

        `seen` does what there is to do about a frame once it was heard.
        """
        self._errands.hear(self._session, self._exchange, self._said(frames, seen, ended=ended))
        return self.closed

    def close(self, end: End, reason: str) -> None:
        """An exchange ends once, by whoever ended it first."""
        if not self.closed:
            self.hear(self._closing(end, reason, self.clock()))

    def close_early(self) -> None:
        """Nobody is there to be answered: the client left, or was made to."""
        if self._exchange.severed:
            self.close("server", FAULT)
        else:
            self.close("client", "disconnect")

    def holds(self) -> bool:
        """Whether something that was said in this exchange is held."""
        return self._session.conversation.core.holds(self.channel)

    def _said(self, frames: Sequence[Frame], seen: Callable[[Frame], None], *, ended: bool) -> Iterator[Event]:
        yield from self.unheard
        self.unheard.clear()
        at, enforces = self.clock(), self._session.enforces
        for frame in frames:
            yield Received(at, "server", self.channel, frame)
            seen(frame)
        if ended and self._is_light and not (enforces and self._is_in_question(frames)):
            yield self._closing("server", "end", at)

    @property
    def _is_light(self) -> bool:
        """Whether all can be sent without waiting for the client, so that nothing comes between it and the end."""
        return self._exchange.takes and sum([len(frame.raw) for frame in self._exchange.downstream]) <= _LIGHT

    def _is_in_question(self, frames: Sequence[Frame]) -> bool:
        """Whether more may be said to either side, or what there is takes its time, or a body becomes another."""
        exchange, said = self._exchange, self._exchange.downstream
        if exchange.is_held or self._session.has_unplaced or self.holds():
            return True
        if len(frames) == len(said) == 1 and said[0] is frames[0]:  # as nearly every reply
            return False
        if any(each.over for each in said):
            return True
        return not exchange.streams and [each.raw for each in said] != [frame.raw for frame in frames]

    def _closing(self, end: End, reason: str, at: float) -> Closed:
        self.closed = True
        return Closed(at, end, self.channel, reason)
