"""Which of a client's HTTP streams a server's message belongs to. Streams are known by their channel names.

Decides by what the messages say; does not deliver, wait or keep. 2025-11-25 §basic/transports: every message goes to
exactly one stream.
"""

from collections.abc import Iterable

import msgspec

from interpose.core.bridge.multiplex import ELSEWHERE
from interpose.core.bridge.stateless import wants_log
from interpose.core.wire.ids import Finder, Path
from interpose.core.wire.message import Kind, Message, id_text

_TOKEN: Path = ("params", "_meta", "progressToken")
_PROGRESS: Path = ("params", "progressToken")
_token = Finder(_TOKEN)
_progress = Finder(_PROGRESS)
_cancelled = Finder(("params", "requestId"))


class Lane(msgspec.Struct):
    """One stream. `waiting` are the ids it must still answer; a `standing` one stays when all are answered.

    `unwanted` are those of them that the client has cancelled: a server may answer them, or not.
    """

    channel: str
    owner: bytes = b""
    standing: bool = False
    waiting: dict[str, None] = {}
    unwanted: set[str] = set()
    tokens: set[str] = set()
    logs: bool = False

    @property
    def is_open(self) -> bool:
        return self.standing or bool(self.waiting)


class Lanes:
    """The open streams of one client, or of many: how messages without an address are placed is up to the kind."""

    keeps = False  # a message without a stream waits for one
    cancel_ends = False  # `notifications/cancelled` of the server ends the stream of what it cancels

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    def open(self, channel: str, message: Message, owner: bytes = b"") -> None:
        """A stream that ends when the requests in a message are answered."""
        self._lanes[channel] = Lane(channel, owner)
        self.expect(channel, message)

    def stand(self, channel: str) -> None:
        """A stream that stays open (GET)."""
        self._lanes[channel] = Lane(channel, standing=True)

    def expect(self, channel: str, message: Message) -> None:
        """The answers to these requests belong on this stream."""
        lane = self._lanes[channel]
        for part in message.messages():
            if part.kind is Kind.REQUEST and part.id is not None:
                lane.waiting[part.id] = None
                lane.tokens.update(_texts(_token, part))
                lane.logs = lane.logs or wants_log(part)

    def shut(self, channel: str) -> Lane | None:
        """A stream is gone."""
        return self._lanes.pop(channel, None)

    def waiting(self) -> list[tuple[str, str]]:
        """The channels and ids of all requests without an answer."""
        return [(lane.channel, ident) for lane in self._lanes.values() for ident in lane.waiting]

    def cancelled(self, message: Message) -> None:
        """The client does not wait for an answer any more (2025-11-25 §basic/utilities/cancellation)."""
        for ident in _texts(_cancelled, message):
            for lane in self._lanes.values():
                if ident in lane.waiting:
                    lane.unwanted.add(ident)

    def wanted(self) -> list[tuple[str, str]]:
        """The channels and ids of all requests whose clients still wait for an answer."""
        return [(name, ident) for name, ident in self.waiting() if ident not in self._lanes[name].unwanted]

    def answered(self, channel: str, idents: Iterable[str | None]) -> bool:
        """These answers went onto a stream. True when it has nothing more to bring."""
        lane = self._lanes[channel]
        for ident in idents:
            lane.waiting.pop(ident or "", None)
        return not lane.waiting and not lane.standing

    @property
    def standing(self) -> str | None:
        """The channel of the standing stream."""
        return next((lane.channel for lane in self._lanes.values() if lane.standing), None)

    def place(self, channel: str, message: Message) -> str | None:
        """The stream for a message that was said on a channel; None when there is none for it now."""
        lane = self._lanes.get(channel)
        if lane is not None and lane.is_open:
            return channel
        return self._find(channel, message)

    def _find(self, channel: str, message: Message) -> str | None:
        """The stream for a message whose channel is no open stream."""
        return self.standing

    def _open(self) -> list[Lane]:
        return [lane for lane in self._lanes.values() if lane.is_open]


class LegacyLanes(Lanes):
    """The one stream of a session of 2024-11-05: everything goes there."""


class SessionLanes(Lanes):
    """The streams of one session, 2025-03-26 to 2025-11-25: a GET stream, and one for each POST with requests."""

    keeps = True

    def _find(self, channel: str, message: Message) -> str | None:
        lanes = self._open()
        if message.is_response:
            return next((lane.channel for lane in lanes if message.id in lane.waiting), None)
        tokens = _texts(_progress, message) if message.method == "notifications/progress" else []
        for lane in lanes:
            if any(token in lane.tokens for token in tokens):
                return lane.channel
        return self._unrelated([lane for lane in lanes if not lane.standing])

    def _unrelated(self, calls: list[Lane]) -> str | None:
        """stdio does not say which call caused a message (PROTOCOL 3.4): with one call open, that one."""
        if len(calls) == 1:
            return calls[0].channel
        return self.standing or (calls[-1].channel if calls else None)


class SharedLanes(Lanes):
    """The streams of many clients on one connection (2026-07-28): never matched by id, which two may share."""

    cancel_ends = True

    def cancelled(self, message: Message) -> None:
        """Nobody's: a client of this era cancels by closing its stream, and an id may be another's too."""

    def _find(self, channel: str, message: Message) -> str | None:
        if channel != ELSEWHERE or message.kind is not Kind.NOTIFICATION:
            return None
        calls = self._open()
        if message.method == "notifications/message":
            calls = [lane for lane in calls if lane.logs]
        # Of one caller only: another's log could carry what is not for him.
        if len({lane.owner for lane in calls}) != 1:
            return None
        return calls[-1].channel


def _texts(finder: Finder, message: Message) -> list[str]:
    return [id_text(message.raw[span.start : span.end]) for span in finder.find(message.raw)]
