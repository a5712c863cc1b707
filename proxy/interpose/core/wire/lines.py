"""Newline framing (stdio): bytes in any chunking become lines. Splits on LF alone, has no line limit, loses nothing."""

Line = tuple[bytes, bytes]  # the content, and the end it had: LF, CR LF, or nothing at the end of the stream


class LineSplitter:
    """Cuts a byte stream at LF. Contents and ends together add up to the stream."""

    def __init__(self) -> None:
        self._rest = bytearray()  # not a list of pieces: those of a large line would leave holes in the memory

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that this chunk completes."""
        *whole, rest = chunk.split(b"\n")
        if whole and self._rest:
            self._rest += whole[0]
            whole[0] = bytes(self._rest)
            self._rest = bytearray()
        if rest:
            self._rest += rest
        return [(content, b"\n") if content[-1:] != b"\r" else (content[:-1], b"\r\n") for content in whole]

    def finish(self) -> list[Line]:
        """What stood after the last LF when the stream ended; empty when nothing did."""
        rest, self._rest = bytes(self._rest), bytearray()
        return [(rest, b"")] if rest else []
