"""Turns events into lines of a recording. Holds the sequence number and the chain; writes nothing itself."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from interpose.core.effects import Append
from interpose.core.events import Closed, Decided, End, Frame, Headers, Received, Requested, Responded, Told
from interpose.core.recording.codec import (
    LateChain,
    LateLine,
    Pieces,
    chained,
    chained_line,
    chained_messages,
    open_object,
)
from interpose.core.recording.entry import FORMAT, Header
from interpose.core.recording.scrub import Scrubber
from interpose.core.wire.kept import Kept
from interpose.core.wire.message import Message, read
from interpose.core.wire.sse import Block

if TYPE_CHECKING:
    from interpose.core.policy.verdict import Verdict


Recorded = Received | Requested | Responded | Closed | Told | Decided


class Ruling(msgspec.Struct, frozen=True):
    """What a policy made of a message, for its line.

    `by` is `interpose` for a message that no end sent; `delivered` what went on instead; `recorded` what the line holds
    in place of what came, so that a secret never reaches a disk.
    """

    by: str = ""
    verdict: dict[str, Any] | None = None
    delivered: bytes | None = None
    recorded: bytes | None = None


_NO_RULING = Ruling()
_NOTHING = Append(())
_ENDS = {"client": b"client", "server": b"server"}
_FROM = b',"at":%.6f,"from":"%b","channel":"%b","kind":'
_START = b'{"seq":%d' + _FROM
_KIND = _FROM + b'"message","message":'
_MESSAGE = _START + b'"message","message":%b'
_REQUESTED = _START + b'"http-request","method":%b,"target":%b,"headers":[%b]'
_RESPONDED = _START + b'"http-response","status":%d,"headers":[%b]'
_CLOSED = _START + b'"closed","reason":%b'
_KEPT = {"most": 64, "longest": 256}  # of each session
_COPIED = 1 << 14  # a message up to here is copied into its line; a larger one stands in it as it is
_LATE = 1 << 18  # a line of a message from here is closed by whoever writes it


def ruling(verdict: "Verdict", by: str = "") -> Ruling:
    """What a line tells of a verdict: nothing of one that lets pass without a word."""
    if not verdict.hits and verdict.decision == "pass":
        return Ruling(by) if by else _NO_RULING
    delivered = verdict.delivered if verdict.decision == "edit" else None
    return Ruling(by, verdict.as_fields(), delivered, verdict.recorded)


class Recorder:
    """Records one session. `seq` is the number of the last entry; the header is line 0 of the chain."""

    def __init__(self, scrubber: Scrubber | None = None) -> None:
        self.seq = 0
        self.messages = 0
        self._chain = b""
        self._late: LateChain | None = None  # the chain of the last line, where that was a large one
        self._scrubber = scrubber or Scrubber()
        self._targets, self._lines = _written(self._scrubber)

    def header(self, header: Header) -> Append:
        """The first line. Addresses and commands in it are scrubbed here."""
        ends = {name: self._end(getattr(header, name)) for name in ("client", "server")}
        fields = msgspec.to_builtins(msgspec.structs.replace(header, interpose=0, chain="", **ends))
        return self._append((open_object({"interpose": FORMAT, **fields}),))

    def record(self, event: Recorded, ruling: Ruling | None = None) -> Append:
        """The line of an event. Credentials never reach it."""
        self.seq += 1
        match event:
            case Received():
                return self._received(event, ruling or _NO_RULING)
            case Requested():
                said = (orjson.dumps(event.method), self._targets[event.target], self._headers(event.headers))
                return self._whole(_REQUESTED % (self.seq, event.at, b"client", event.channel.encode(), *said))
            case Responded():
                answered = (event.status, self._headers(event.headers))
                return self._whole(_RESPONDED % (self.seq, event.at, b"server", event.channel.encode(), *answered))
            case Closed():
                channel, reason = event.channel.encode(), orjson.dumps(event.reason)
                return self._whole(_CLOSED % (self.seq, event.at, _ENDS[event.end], channel, reason))
            case Told():
                fields = {"from": event.end, "kind": event.what, "text": event.text}
                return self._append((self._start(event.at) + open_object(fields)[1:],))
            case Decided():
                return self._decided(event, ruling or _NO_RULING)

    def trailer(self, at: float, reason: str, waiting: Sequence[dict[str, Any]]) -> Append:
        """The last line: how the session ended and who was still waited for."""
        self.seq += 1
        fields = {"kind": "end", "reason": reason, "messages": self.messages, "waiting": list(waiting)}
        return self._append((self._start(at) + open_object(fields)[1:],))

    def _received(self, event: Received, ruling: Ruling) -> Append:
        frame, message = event.frame, event.frame.message
        if message is not None and ruling is _NO_RULING and frame.block is None and is_plain(message):
            return self._message(event.at, event.end, event.channel, message)
        start = (self.seq, event.at, _ENDS[event.end], event.channel.encode())
        if message is None:
            return self._append((_START % start + b'"data"' + self._sse(frame),))
        self.messages += len(message.parts) or 1
        if ruling.recorded is not None:
            message = read(ruling.recorded)
        extra = _flags(message) + (self._sse(frame) if frame.block is not None else b"") + _ruled(ruling)
        if not message.embeddable:
            return self._append((_START % start + b'"message",' + _as_text(message.raw) + extra,))
        return self._embedded(_START % start + b'"message","message":', message.raw, extra)

    def message(self, at: float, end: End, channel: str, message: Message) -> Append:
        """The line of a plain message that came as a line."""
        self.seq += 1
        return self._message(at, end, channel, message)

    def plain(self, at: float, end: End, channel: str, messages: Sequence[bytes]) -> list[Pieces]:
        """The lines of plain messages that came together as lines."""
        kind, first = _KIND % (at, _ENDS[end], channel.encode()), self.seq + 1
        self.seq += len(messages)
        self.messages += len(messages)
        if max(map(len, messages)) <= _COPIED:
            self._chain, lines = chained_messages(self._previous(), first, kind, messages)
            return lines
        return [
            self._embedded(b'{"seq":%d' % seq + kind, message).pieces for seq, message in enumerate(messages, first)
        ]

    def _message(self, at: float, end: End, channel: str, message: Message) -> Append:
        self.messages += 1
        return self._whole(_MESSAGE % (self.seq, at, _ENDS[end], channel.encode(), message.raw))

    def _decided(self, event: Decided, ruling: Ruling) -> Append:
        fields = {"kind": "decision", "hold": event.hold, "decision": event.decision}
        fields |= {"approver": event.by} if event.by else {}
        line = open_object(fields)[1:] + _instead(event, ruling) + _ruled(ruling)
        return self._append((self._start(event.at) + line,))

    def _headers(self, headers: Headers) -> bytes:
        return b",".join(map(self._lines.__getitem__, headers))

    def _sse(self, frame: Frame) -> bytes:
        block = frame.block
        if block is None:
            return b"," + _as_text(frame.raw) if frame.raw else b""
        fields = {"id": block.id, "retry": block.retry, "comments": block.comments or None}
        fields["event"] = block.event if block.event != "message" else None
        fields["data"] = self._data(block) if frame.message is None else None
        present = {name: value for name, value in fields.items() if value is not None}
        return b',"sse":' + orjson.dumps(present)

    def _data(self, block: Block) -> str | None:
        if block.data is None:
            return None
        text = block.data.decode("utf-8", "replace")
        return self._scrubber.address(text) if block.event == "endpoint" else text

    def _end(self, end: dict[str, Any]) -> dict[str, Any]:
        scrubbed = dict(end)
        if "command" in end:
            scrubbed["command"] = self._scrubber.command(end["command"])
        if "url" in end:
            scrubbed["url"] = self._scrubber.address(end["url"])
        return scrubbed

    def _start(self, at: float) -> bytes:
        return b'{"seq":%d,"at":%.6f,' % (self.seq, at)

    def _previous(self) -> bytes:
        """The chain of the line before."""
        if self._late is not None:
            self._chain, self._late = self._late.value(), None
        return self._chain

    def _whole(self, line: bytes) -> Append:
        self._chain, pieces = chained_line(self._previous(), line)
        return Append(pieces)

    def _append(self, pieces: tuple[bytes, ...]) -> Append:
        self._chain, line = chained(self._previous(), pieces)
        return Append(line)

    def _embedded(self, start: bytes, message: bytes, extra: bytes = b"") -> Append:
        """A message that may be large."""
        pieces = (start, message, extra)
        return self._append(pieces) if len(message) < _LATE else self._append_late(pieces)

    def _append_late(self, pieces: tuple[bytes, ...]) -> Append:
        line = LateLine(self._previous(), pieces)
        self._late = line.chain
        return Append(line)


class Unrecorded(Recorder):
    """Numbers what nobody records. Its lines are empty."""

    def header(self, header: Header) -> Append:
        return _NOTHING

    def record(self, event: Recorded, ruling: Ruling | None = None) -> Append:
        self.seq += 1
        return _NOTHING

    def message(self, at: float, end: End, channel: str, message: Message) -> Append:
        self.seq += 1
        return _NOTHING

    def plain(self, at: float, end: End, channel: str, messages: Sequence[bytes]) -> list[Pieces]:
        self.seq += len(messages)
        return []

    def trailer(self, at: float, reason: str, waiting: Sequence[dict[str, Any]]) -> Append:
        self.seq += 1
        return _NOTHING


def is_plain(message: Message) -> bool:
    """Whether there is nothing to say of a message, and it is small enough to be copied into its line."""
    raw = message.raw
    return not message.flags and not message.parts and len(raw) <= _COPIED and b"\n" not in raw


def _written(scrubber: Scrubber) -> tuple[Kept[str, bytes], Kept[tuple[str, str], bytes]]:
    """Targets and headers as they stand in a line; most come again and again. No cycle with the recorder: many end."""
    targets = Kept[str, bytes](lambda target: orjson.dumps(scrubber.address(target)), **_KEPT)
    return targets, Kept[tuple[str, str], bytes](lambda header: orjson.dumps(scrubber.header(header)), **_KEPT)


def _flags(message: Message) -> bytes:
    return b',"flags":' + orjson.dumps(message.flags) if message.flags else b""


def _instead(event: Decided, ruling: Ruling) -> bytes:
    """What an approver put in a message's place. What is kept of an edited message stands in `recorded`."""
    kept = event.instead if ruling.recorded is None or event.decision != "edit" else ruling.recorded
    return b"" if kept is None else b',"instead":' + kept


def _ruled(ruling: Ruling) -> bytes:
    extra = b',"by":' + orjson.dumps(ruling.by) if ruling.by else b""
    if ruling.verdict is not None:
        extra += b',"verdict":' + orjson.dumps(ruling.verdict)
    if ruling.delivered is not None and read(ruling.delivered).embeddable:
        extra += b',"delivered":' + ruling.delivered
    return extra


def _as_text(raw: bytes) -> bytes:
    """Bytes that cannot be embedded: as a JSON string where they are text, else as base64."""
    try:
        return b'"text":' + orjson.dumps(raw.decode())
    except UnicodeDecodeError:
        return b'"base64":' + orjson.dumps(base64.b64encode(raw).decode())
