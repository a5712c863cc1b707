"""The lines of a recording as values: a header, entries, a last entry of kind `end`."""

import base64
from typing import Any

import msgspec
from msgspec import Raw

from interpose.core.events import Closed, Decided, Decision, End, Event, Frame, Received, Requested, Responded, Told
from interpose.core.wire.message import read
from interpose.core.wire.sse import Block

FORMAT = 1


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first line. `started` is UTC (RFC 3339); `client` and `server` say how each end is reached."""

    session: str
    started: str
    client: dict[str, Any]
    server: dict[str, Any]
    by: str
    policies: list[dict[str, Any]] = []
    interpose: int = msgspec.field(default=0)  # the format's number; a default would be omitted, so 0 is never written
    chain: str = ""


class Sse(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an event stream said beside the data; absent fields were absent on the wire."""

    id: str | None = None
    event: str | None = None
    retry: int | None = None
    comments: int = 0
    data: str | None = None


class Entry(msgspec.Struct, frozen=True, rename={"end": "from"}):
    """One line after the header. Which members are there depends on `kind` (docs/recording-format.md)."""

    seq: int
    at: float
    kind: str
    end: End | None = None
    channel: str = ""
    message: Raw = Raw()
    text: str | None = None
    base64: str | None = None
    flags: tuple[str, ...] = ()
    sse: Sse | None = None
    method: str = ""
    target: str = ""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    waiting: tuple[dict[str, Any], ...] = ()
    messages: int = 0
    by: str = ""
    verdict: dict[str, Any] | None = None
    delivered: Raw = Raw()
    hold: str = ""
    decision: Decision | None = None
    approver: str = ""
    instead: Raw = Raw()
    chain: str = ""

    def payload(self) -> bytes | None:
        """The message's bytes as they came; None where the entry carries none."""
        embedded = bytes(self.message)
        if embedded:
            return embedded
        if self.base64 is not None:
            return base64.b64decode(self.base64)
        return None if self.text is None else self.text.encode()

    def event(self) -> Event | None:
        """The event that made this entry; None for the last line."""
        end = self.end or "client"
        match self.kind:
            case "message" | "data":
                return Received(self.at, end, self.channel, self._frame())
            case "http-request":
                return Requested(self.at, self.channel, self.method, self.target, self.headers)
            case "http-response":
                return Responded(self.at, self.channel, self.status, self.headers)
            case "closed":
                return Closed(self.at, end, self.channel, self.reason)
            case "decision":
                instead = bytes(self.instead) or None
                return Decided(self.at, self.hold, self.decision or "abandon", self.approver, instead)
            case "end":
                return None
            case what:
                return Told(self.at, end, what, self.text or "")

    def _frame(self) -> Frame:
        payload = self.payload()
        message = read(payload) if payload is not None and self.kind == "message" else None
        if self.sse is None:
            return Frame(payload or b"", message)
        data = self.sse.data.encode() if self.sse.data is not None else payload
        block = Block(b"", data, self.sse.event or "message", self.sse.id, self.sse.retry, self.sse.comments)
        return Frame(payload or b"", message, block)
