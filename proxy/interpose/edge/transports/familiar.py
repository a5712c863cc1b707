"""Heads of HTTP messages that were read before: the same bytes say the same again, and need no parser.

Whose bodies have no length that their head tells, or a large one, are not among them, nor whatever ends or changes a
connection: those are a parser's to read, each time.
"""

from typing import Generic, TypeVar

from aiohttp.http import HttpVersion11, RawRequestMessage, RawResponseMessage

from interpose.core.wire.kept import Remembered

Parsed = TypeVar("Parsed", RawRequestMessage, RawResponseMessage)

LARGE = 1 << 16
_END = b"\r\n\r\n"
_MANY = 1 << 11
_LONG = 1 << 12  # bytes: what is longer is hardly said twice
_BY_HAND = frozenset((b"transfer-encoding", b"expect", b"upgrade"))


class Familiar(Remembered[bytes, tuple[Parsed, int]], Generic[Parsed]):
    """What heads say, by their bytes, and how many bytes of body each announces. For as many as are usual."""

    def __init__(self) -> None:
        super().__init__(_MANY)

    def learn(self, head: bytes, message: Parsed, length: int) -> None:
        """A parser read this head."""
        if length <= LARGE and len(head) <= _LONG:
            self.remember(head, (message, length))


def end_of_head(data: bytes) -> int:
    """Where the body begins; 0 while the head is not whole."""
    return data.find(_END) + len(_END) if _END in data else 0


def announced(head: bytes, message: RawRequestMessage | RawResponseMessage) -> int | None:
    """The bytes of body that follow a head; None where that is a parser's to say (RFC 9112 §6.3)."""
    if message.version != HttpVersion11 or message.should_close or message.upgrade or message.chunked:
        return None
    if head.count(b"\n") != head.count(b"\r\n"):  # whoever takes LF for the end of a line may see another end
        return None
    lengths = []
    for name, value in message.raw_headers:
        known = name.lower()
        if known in _BY_HAND:
            return None
        if known == b"content-length":
            lengths.append(value)
    if len(lengths) == 1 and lengths[0].isdigit():
        return int(lengths[0])
    return 0 if not lengths and isinstance(message, RawRequestMessage) else None
