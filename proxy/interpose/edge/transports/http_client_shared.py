"""The server end when many stateless clients share one child: a stdio link that gives each client its own ids."""

from collections import deque
from collections.abc import Sequence

import msgspec

from interpose.core.bridge.multiplex import Multiplexer
from interpose.core.events import End, Event, Frame, Received
from interpose.core.wire.message import Message
from interpose.edge.transports.errands import is_awaited, is_errand
from interpose.edge.transports.stdio import CHANNEL, StdioLink


class SharedServerLink:
    """Wraps a child's link: what goes down gets ids of its own, what comes up is said on the exchange it belongs to."""

    end: End = "server"

    def __init__(self, inner: StdioLink) -> None:
        self._inner = inner
        self._multiplexer = Multiplexer()
        self._lines: deque[Event] = deque()
        self._speaking = ""  # whose exchange the server's latest message belongs to
        self._origins: dict[str, str] = {}  # which exchange waits for a request of interpose's own

    async def receive(self) -> Sequence[Event]:
        """The next event. One at a time: what the core asks because of it is asked for the exchange it belongs to."""
        if not self._lines:
            self._lines.extend(await self._inner.receive())
        return [self._mapped(self._lines.popleft())] if self._lines else ()

    def send(self, channel: str, frame: Frame) -> None:
        if frame.message is None:
            return
        if is_errand(channel) and is_awaited(frame.message):
            self._origins[channel] = self._speaking
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
        return len(notices)

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
        self._speaking = self._origin(channel, message)
        if message is event.frame.message:
            return event
        frame = Frame(message.raw, message, None, event.frame.tail, event.frame.wire)
        return msgspec.structs.replace(event, channel=channel, frame=frame)

    def _origin(self, channel: str, message: Message) -> str:
        """The exchange that waits for this; with its answer, an errand is over."""
        if message.is_response:
            return self._origins.pop(channel, channel)
        return self._origins.get(channel, channel)
