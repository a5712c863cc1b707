"""Newline framing (stdio): bytes in any chunking become lines. Splits on LF alone, has no line limit, loses nothing."""

from io import BytesIO

Line = tuple[bytes, bytes]  # the content, and the end it had: LF, CR LF, or nothing at the end of the stream

_SMALL = 1 << 12


class LineSplitter:
    """Cuts a byte stream at LF. Contents and ends together add up to the stream."""

    def __init__(self) -> None:
        # Not a list of pieces: those of a large line would leave holes in the memory. No moment holds the line twice.
        self._rest = BytesIO()

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that this chunk completes."""
        if len(chunk) > _SMALL and b"\n" not in chunk:  # a tenth of the time that `split` takes
            self._rest.write(chunk)
            return []
        *whole, rest = chunk.split(b"\n")
        if whole and self._rest.tell():
            self._rest.write(whole[0])
            whole[0] = self._taken()
        if rest:
            self._rest.write(rest)
        return [(content, b"\n") if content[-1:] != b"\r" else (content[:-1], b"\r\n") for content in whole]

    def finish(self) -> list[Line]:
        """What stood after the last LF when the stream ended; empty when nothing did."""
        rest = self._taken()
        return [(rest, b"")] if rest else []

    def _taken(self) -> bytes:
        rest, self._rest = self._rest.getvalue(), BytesIO()
        return rest
