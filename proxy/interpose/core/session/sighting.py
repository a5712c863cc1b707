"""A message seen in its session: what the session knows about it when it passes. Values only."""

import msgspec

from interpose.core.events import End
from interpose.core.protocol import Era
from interpose.core.session.asks import Ask
from interpose.core.session.call import Call, Confidence
from interpose.core.wire.message import Kind, Message


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """One JSON-RPC message, or one frame that is none.

    `method` is, for a response, that of the request it answers, and `request` is that request. `call` is the call the
    message belongs to: itself for a request; for a response, a cancellation or progress the request it is about.
    `parents` are the calls during which it happened, with a `confidence`. `asks` are the asks it opens or, with
    another state, settles. `notes` are words of `notes.NOTES`.
    """

    seq: int
    at: float
    end: End
    channel: str
    message: Message
    kind: Kind
    era: Era
    part: int = 0
    method: str | None = None
    name: str | None = None
    call: Call | None = None
    request: Message | None = None
    parents: tuple[int, ...] = ()
    confidence: Confidence = "none"
    asks: tuple[Ask, ...] = ()
    task: str | None = None
    elapsed: float | None = None
    notes: tuple[str, ...] = ()


class Heard(msgspec.Struct, frozen=True, gc=False):
    """A message as it arrives, before the session has made anything of it."""

    seq: int
    at: float
    end: End
    channel: str
    message: Message
    part: int = 0
