"""The client end of a session over HTTP: the open replies of one client, or of many, and which of them says what.

Exchanges come in through the door, which hears them at once; only what goes out passes here. Reads no request.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from interpose.core.bridge.lanes import Lanes
from interpose.core.bridge.multiplex import ELSEWHERE
from interpose.core.bridge.reply import SERVER_GONE, error
from interpose.core.events import End, Event, Frame, Told
from interpose.core.wire.message import Kind, Message
from interpose.edge.link import Clock
from interpose.edge.transports.http_client_request import names_no_request
from interpose.edge.transports.http_client_stream import PATIENCE, Patience, Status, Stream

Hear = Callable[[Event], None]
KEPT_BYTES = 1 << 20


class HttpClientLink:
    """One end reached through many exchanges. What has no stream yet is kept for a GET stream, up to a bound."""

    end: End = "client"

    def __init__(self, lanes: Lanes, hear: Hear, clock: Clock, patience: Patience = PATIENCE) -> None:
        self._lanes = lanes
        self._hear = hear
        self._clock = clock
        self._patience = patience
        self._streams: dict[str, Stream] = {}
        self._cut: set[str] = set()
        self._kept: deque[Message] = deque()
        self._kept_bytes = 0
        self.quiet = asyncio.Event()  # no reply is open
        self.quiet.set()
        self.visits = 0

    def open(self, channel: str, message: Message, status: Status | None, owner: bytes = b"") -> Stream:
        """A reply that ends with the answers to a message's requests."""
        self._lanes.open(channel, message, owner)
        return self._add(channel, Stream(status, self._patience))

    def stand(self, channel: str) -> Stream:
        """A reply that stays open (GET). What was kept for it goes first."""
        self._lanes.stand(channel)
        stream = self._add(channel, Stream(None, self._patience))
        while self._kept:
            stream.put(self._kept.popleft(), last=False)
        self._kept_bytes = 0
        return stream

    def expect(self, channel: str, message: Message) -> None:
        """A message whose answers belong on a standing reply."""
        self._lanes.expect(channel, message)

    def cancelled(self, message: Message) -> None:
        """A client has cancelled a request of its own."""
        self._lanes.cancelled(message)

    @property
    def standing(self) -> str | None:
        """The channel of the standing reply."""
        return self._lanes.standing

    def cut(self, channel: str) -> bool:
        """Break an exchange off. A child does not say which one it means: then all that are open."""
        named = tuple(self._streams) if channel == ELSEWHERE else (channel,)
        self._cut.update(named)
        for each in named:
            if (stream := self._streams.get(each)) is not None:
                stream.cut()
        return False

    def was_cut(self, channel: str) -> bool:
        """Whether an exchange that is not shut yet was broken off."""
        return channel in self._cut

    def shut(self, channel: str) -> bool:
        """A reply is over. True when its client left before all was answered and delivered."""
        self._cut.discard(channel)
        stream = self._streams.pop(channel, None)
        lane = self._lanes.shut(channel)
        if not self._streams:
            self.quiet.set()
        if stream is None or lane is None or stream.delivered:
            return False
        if stream.unsent:
            self._note(f"{stream.unsent} bytes on {channel} were not delivered: the client disconnected")
        return bool(lane.waiting)

    def send(self, channel: str, frame: Frame) -> None:
        message = frame.message
        if message is None:
            if frame.block is not None and (stream := self._streams.get(channel)) is not None:
                stream.put_block(frame.raw)
        elif message.kind is Kind.BATCH:
            self._send_batch(channel, message, frame.over)
        elif message.kind is not Kind.OPAQUE:  # what is no JSON-RPC stays in the recording: HTTP has no place for it
            place = self._lanes.place(channel, message)
            # Said on the exchange's own channel, it is interpose's word about its body: nothing else will come.
            self._send(place, message, frame.over, last=place == channel and names_no_request(message))

    def flush(self) -> None:
        """Each reply has a writer of its own."""

    @property
    def full(self) -> bool:
        return any(stream.full for stream in self._streams.values())

    async def room(self) -> None:
        for stream in tuple(self._streams.values()):
            await stream.room()

    async def finish(self) -> None:
        """End every reply; what was said on it is still written."""
        for stream in self._streams.values():
            stream.end()
        if self._kept:
            self._note(f"never delivered, for the client opened no stream for them: {len(self._kept)} messages")
            self._kept.clear()

    def fail(self, reason: str) -> None:
        """Answer all that is waited for in the server's place, each with its own id; a cancelled request gets none."""
        for channel, ident in self._lanes.wanted():
            self._note(f"answered request {ident} on {channel} with an error: {reason}")
            self._send(channel, error(ident, SERVER_GONE, reason))

    def _add(self, channel: str, stream: Stream) -> Stream:
        self._streams[channel] = stream
        self.quiet.clear()
        self.visits += 1
        return stream

    def _send_batch(self, channel: str, batch: Message, over: float) -> None:
        """A batch stays whole (2025-03-26 §basic) unless its parts belong to different clients' requests."""
        places = [self._lanes.place(channel, part) for part in batch.parts]
        if len(set(places)) == 1:
            self._send(places[0], batch, over)
        else:
            for place, part in zip(places, batch.parts, strict=True):
                self._send(place, part)

    def _send(self, place: str | None, message: Message, over: float = 0.0, *, last: bool = False) -> None:
        stream = None if place is None else self._streams.get(place)
        if place is None or stream is None:
            self._set_aside(message)
            return
        if self._lanes.cancel_ends and message.method == "notifications/cancelled":
            # On stdio a server ends a subscription so; over HTTP it ends the stream (2026-07-28 §basic/cancellation).
            self._lanes.answered(place, [ident for channel, ident in self._lanes.waiting() if channel == place])
            stream.end()
            return
        answers = [part.id for part in message.messages() if part.is_response]
        last = last or (bool(answers) and self._lanes.answered(place, answers))
        stream.put(message, last=last, over=over)

    def _set_aside(self, message: Message) -> None:
        if not self._lanes.keeps or message.is_response:
            self._note(f"{_called(message)} could not be delivered: no stream of a client is open for it")
            return
        self._kept.append(message)
        self._kept_bytes += len(message.raw)
        while self._kept_bytes > KEPT_BYTES:
            dropped = self._kept.popleft()
            self._kept_bytes -= len(dropped.raw)
            self._note(f"{_called(dropped)} was dropped: too much waits for a stream that the client did not open")

    def _note(self, text: str) -> None:
        self._hear(Told(self._clock(), "client", "note", text))


def _called(message: Message) -> str:
    if message.is_response:
        return f"the answer to request {message.id}"
    named = f"{message.kind} {message.method}" if message.method else str(message.kind)
    return f"{named} {message.id}" if message.id is not None else named
