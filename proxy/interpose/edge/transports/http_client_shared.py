"""The server end when many stateless clients share one server: a link of one lane, in which each has ids of its own."""

from collections.abc import Callable

import msgspec

from interpose.core.bridge.multiplex import Multiplexer
from interpose.core.events import End, Event, Frame, Received
from interpose.core.wire.message import Message
from interpose.edge.link import BoundedSink, Hear, Link
from interpose.edge.transports.errands import is_awaited, is_errand
from interpose.edge.transports.stdio import CHANNEL


class SharedServerLink:
    """Wraps the server's link: what goes down gets ids of its own, what comes up is said on the exchange it belongs to.

    `home` names the exchange that waits for a request of interpose's own.
    """

    end: End = "server"

    def __init__(self, inner: Link, home: Callable[[str], str]) -> None:
        self._inner = inner
        self._home = home
        self._multiplexer = Multiplexer()
        self._origins: dict[str, str] = {}  # which exchange waits for a request of interpose's own

    async def carry(self, hear: Hear, sink: BoundedSink) -> None:
        await self._inner.carry(lambda events: hear([self._mapped(event) for event in events]), sink)

    def send(self, channel: str, frame: Frame) -> None:
        if frame.message is None:
            return
        if is_errand(channel) and is_awaited(frame.message):
            self._origins[channel] = self._home(channel)
        message = self._multiplexer.down(channel, frame.message)
        if message is not None:
            self._send(message)

    def cancel(self, channel: str) -> int:
        """The client of an exchange has left: tell the server (2026-07-28 §basic/transports). How often it was told."""
        errands = [each for each, origin in self._origins.items() if origin == channel]
        for each in errands:
            del self._origins[each]
        notices = [notice for each in (channel, *errands) for notice in self._multiplexer.cancel(each)]
        for notice in notices:
            self._send(notice)
        self._inner.flush()
        return len(notices)

    def flush(self) -> None:
        self._inner.flush()

    @property
    def full(self) -> bool:
        return self._inner.full

    async def room(self) -> None:
        await self._inner.room()

    async def finish(self) -> None:
        await self._inner.finish()

    def _send(self, message: Message) -> None:
        self._inner.send(CHANNEL, Frame(message.raw, message, wire="body"))

    def _mapped(self, event: Event) -> Event:
        if not isinstance(event, Received) or event.frame.message is None:
            return event
        channel, message = self._multiplexer.up(event.frame.message)
        if message.is_response:
            self._origins.pop(channel, None)  # with its answer, an errand is over
        if message is event.frame.message:
            return event
        frame = Frame(message.raw, message, None, event.frame.tail, event.frame.wire)
        return msgspec.structs.replace(event, channel=channel, frame=frame)
