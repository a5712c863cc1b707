"""Newline framing (stdio): bytes in any chunking become lines. Splits on LF alone, has no line limit, loses nothing."""

Line = tuple[bytes, bytes]  # the content, and the end it had: LF, CR LF, or nothing at the end of the stream


class LineSplitter:
    """Cuts a byte stream at LF. Contents and ends together add up to the stream."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that this chunk completes."""
        *whole, rest = chunk.split(b"\n")
        if whole and self._pieces:
            self._pieces.append(whole[0])
            whole[0] = b"".join(self._pieces)
            self._pieces.clear()
        if rest:
            self._pieces.append(rest)
        return [_line(content) for content in whole]

    def finish(self) -> list[Line]:
        """What stood after the last LF when the stream ended; empty when nothing did."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        return [(rest, b"")] if rest else []


def _line(content: bytes) -> Line:
    return (content[:-1], b"\r\n") if content.endswith(b"\r") else (content, b"\n")
