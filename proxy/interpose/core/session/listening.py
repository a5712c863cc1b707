"""What a client listens to: resource subscriptions of a session, and listen streams (2026-07-28)."""

import msgspec

from interpose.core.session.call import Call
from interpose.core.session.pending import Key
from interpose.core.session.ring import Ring


class Listen(msgspec.Struct, frozen=True, gc=False):
    """A listen request whose stream is open; `granted` is the filter the server acknowledged, as sent."""

    call: Call
    granted: bytes | None = None


class Ended(msgspec.Struct, frozen=True, gc=False):
    """A listen stream that broke: the client is expected to listen again."""

    call: Call
    at: float


class Listening:
    """Who listens to what now."""

    def __init__(self) -> None:
        self.resources: Ring[str, float] = Ring(65_536)
        self.streams: dict[Key, Listen] = {}
        self.broken: Ring[Key, Ended] = Ring(64)

    def began(self, key: Key, call: Call) -> None:
        self.streams[key] = Listen(call)
        self.broken.clear()

    def acknowledged(self, key: Key, granted: bytes) -> bool:
        """Whether such a stream is open."""
        known = self.streams.get(key)
        if known is not None:
            self.streams[key] = Listen(known.call, granted)
        return known is not None

    def ended(self, key: Key, broken_at: float | None = None) -> None:
        known = self.streams.pop(key, None)
        if known is not None and broken_at is not None:
            self.broken.put(key, Ended(known.call, broken_at))
