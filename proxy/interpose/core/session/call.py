"""A request and what is known of it by the message that asked it. Not whether it is still open: see pending.py."""

from typing import Literal

import msgspec

from interpose.core.events import End
from interpose.core.protocol import Era
from interpose.core.session.opening import Capabilities

Confidence = Literal["certain", "likely", "candidates", "none"]


class Call(msgspec.Struct, frozen=True, gc=False):
    """One request, from the end that made it.

    `parents` are the calls of the other end inside which it may have been made (a server's request inside a tool call).
    `previous` is the earlier round it repeats with answers (2026-07-28), `round` counts them from 0. `capabilities` are
    the client's, as in force for it.
    """

    seq: int
    at: float
    end: End
    channel: str
    id: str
    method: str
    era: Era
    part: int = 0
    name: str | None = None
    version: str | None = None
    token: str | None = None
    task: str | None = None
    previous: int | None = None
    round: int = 0
    parents: tuple[int, ...] = ()
    confidence: Confidence = "none"
    capabilities: Capabilities | None = None
    cancelled_at: float | None = None
