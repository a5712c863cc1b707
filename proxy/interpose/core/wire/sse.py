"""Server-sent events (WHATWG HTML §9.2): bytes in any chunking become blocks, and a block knows what it dispatches.

A block is everything up to and including a blank line, kept byte for byte, so that a relay writes what it read. Line
ends are CR LF, LF or CR and nothing else: U+2028 and U+0085 are text.
"""

import re
from collections.abc import Iterator

import msgspec

_LINE_END = re.compile(rb"\r\n|\n|\r")
# Where a block ends: a leading blank line, CR CR (at once: a stream of CRs must not lag one event), or an LF that a
# further line end follows. Atomic groups, or CR LF would be read as two line ends.
_BLOCK_END = re.compile(rb"\A(?>\r\n|\n|\r)|\r\r|(?>\r\n|\n)(?>\r\n|\n|\r)")
_BOM = b"\xef\xbb\xbf"


class Block(msgspec.Struct, frozen=True, gc=False):
    """One block of an event stream.

    `data` is None when there was no data field (comments, `retry:` alone); empty for a priming event, which updates
    the last event id and dispatches nothing (2025-11-25 §basic/transports).
    """

    raw: bytes
    data: bytes | None = None
    event: str = "message"
    id: str | None = None
    retry: int | None = None
    comments: int = 0

    @property
    def dispatches(self) -> bool:
        """Whether a client's reader would hand this on as an event."""
        return bool(self.data)


class BlockSplitter:
    """Cuts an event stream into blocks. `finish` returns the unterminated rest, which no client dispatches."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._first = True

    def feed(self, chunk: bytes) -> list[Block]:
        """The blocks that this chunk completes."""
        self._buffer += chunk
        blocks: list[Block] = []
        while (end := self._next_end()) is not None:
            with memoryview(self._buffer) as view:
                raw = bytes(view[:end])
            del self._buffer[:end]
            self._searched = 0
            blocks.append(read_block(raw, first=self._first))
            self._first = False
        return blocks

    def finish(self) -> bytes:
        """The bytes after the last blank line."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return rest

    def _next_end(self) -> int | None:
        """Where the first block ends; None while that is not known: after `LF CR` an LF may follow."""
        match = self._search()
        if match is None:
            self._searched = max(0, len(self._buffer) - 3)
            return None
        end = match.end()
        if end == len(self._buffer) and self._buffer[-1:] == b"\r" and match.group() != b"\r\r":
            self._searched = match.start()
            return None
        return end

    def _search(self) -> re.Match[bytes] | None:
        """The end of the first block, tried only where a line ends: to try every byte is a hundred times slower."""
        start = self._searched
        if start == 0 and (match := _BLOCK_END.match(self._buffer)) is not None:
            return match
        for candidate in self._line_ends(start):
            if (match := _BLOCK_END.match(self._buffer, candidate)) is not None:
                return match
        return None

    def _line_ends(self, start: int) -> Iterator[int]:
        """Where an LF or CR stands, in order."""
        feed, carriage = self._buffer.find(b"\n", start), self._buffer.find(b"\r", start)
        while feed >= 0 or carriage >= 0:
            if carriage < 0 or 0 <= feed < carriage:
                yield feed
                feed = self._buffer.find(b"\n", feed + 1)
            else:
                yield carriage
                carriage = self._buffer.find(b"\r", carriage + 1)


def read_block(raw: bytes, *, first: bool = False) -> Block:
    """Interpret one block's fields. Unknown fields are ignored, as the standard says."""
    start = len(_BOM) if first and raw.startswith(_BOM) else 0
    data: list[bytes] = []
    event, ident, retry, comments = "message", None, None, 0
    for name, value in _fields(raw, start):
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace") or "message"
        elif name == b"id" and b"\0" not in value:
            ident = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():
            retry = int(value)
        elif name == b"":
            comments += 1
    return Block(raw, b"\n".join(data) if data else None, event, ident, retry, comments)


def _fields(raw: bytes, start: int) -> Iterator[tuple[bytes, bytes]]:
    """Names and values; a comment has an empty name. Slices a value once: it may be 64 MB."""
    while start < len(raw):
        end, following = _line(raw, start)
        colon = raw.find(b":", start, end)
        if colon < 0:
            if end > start:
                yield raw[start:end], b""
        else:
            value = colon + 2 if raw[colon + 1 : colon + 2] == b" " and colon + 1 < end else colon + 1
            yield raw[start:colon], raw[value:end]
        start = following


def _line(raw: bytes, start: int) -> tuple[int, int]:
    """Where the line that starts here ends, and where the next one starts."""
    feed = raw.find(b"\n", start)
    limit = len(raw) if feed < 0 else feed
    carriage = raw.find(b"\r", start, limit)
    if carriage >= 0:
        return carriage, carriage + (2 if carriage + 1 == feed else 1)
    return limit, min(len(raw), limit + 1)


def write_block(data: bytes, *, event: str = "message") -> bytes:
    """A block that carries one message. Newlines inside JSON stand between tokens only, so each gets its data line."""
    lines = b"\n".join(b"data: " + line for line in _LINE_END.split(data))
    return b"event: " + event.encode() + b"\n" + lines + b"\n\n"
