"""Entries to lines and back. A line ends with the chain: a digest over the chain before it and its own bytes.

The chain is `sha256(previous chain as text + the line up to ',"chain":')`, the first 32 hex digits of it. It finds
accidents and careless edits; whoever can rewrite the whole file can rewrite the chain.
"""

from binascii import hexlify
from collections.abc import Iterable, Iterator
from hashlib import sha256

import msgspec
import orjson

from interpose.core.recording.entry import FORMAT, Entry, Header

Pieces = Iterable[bytes]  # of one line

_MARK = b',"chain":"'
_CLOSE = _MARK + b'%b"}\n'
_DIGITS = 32
_EMPTY = sha256()  # a copy is made in a quarter of the time of a new one
_TAIL = len(_MARK) + _DIGITS + len(b'"}')

_decode_header = msgspec.json.Decoder(Header).decode
_decode_entry = msgspec.json.Decoder(Entry).decode


def chained(previous: bytes, pieces: tuple[bytes, ...]) -> tuple[bytes, tuple[bytes, ...]]:
    """Close a line: its new chain, and the pieces with the chain and the line end added.

    `pieces` joined are a JSON object without its closing brace.
    """
    digest = sha256(previous + pieces[0])
    for piece in pieces[1:]:
        digest.update(piece)
    chain = hexlify(digest.digest()[: _DIGITS // 2])
    return chain, (*pieces, _CLOSE % chain)


def chained_line(previous: bytes, line: bytes) -> tuple[bytes, tuple[bytes, bytes]]:
    """The same for a line that is made in one piece."""
    digest = _EMPTY.copy()
    digest.update(previous)
    digest.update(line)
    chain = hexlify(digest.digest()[: _DIGITS // 2])
    return chain, (line, _CLOSE % chain)


def chained_messages(
    previous: bytes, number: int, kind: bytes, messages: Iterable[bytes]
) -> tuple[bytes, list[Pieces]]:
    """The lines of plain messages that came together, numbered from `number` on, and the chain of the last.

    `kind` is what stands between number and message, the same in all of them.
    """
    found: list[Pieces] = []
    for seq, message in enumerate(messages, number):
        start = b'{"seq":%d%b' % (seq, kind)
        digest = _EMPTY.copy()
        digest.update(previous + start)
        digest.update(message)
        previous = hexlify(digest.digest()[: _DIGITS // 2])
        found.append((start, message, _CLOSE % previous))
    return previous, found


class LateChain:
    """A chain that is computed when somebody first asks for it, in whatever thread: it is the same for all who ask."""

    def __init__(self, previous: bytes, pieces: tuple[bytes, ...]) -> None:
        self._chain = b""
        self._of: tuple[bytes, tuple[bytes, ...]] | None = (previous, pieces)

    def value(self) -> bytes:
        """The chain. From then on the line is held no more."""
        of = self._of
        if of is not None:
            self._chain, _ = chained(*of)
            self._of = None
        return self._chain


class LateLine:
    """A large line that is closed by whoever writes it: its digest takes long. Iterating gives its pieces."""

    def __init__(self, previous: bytes, pieces: tuple[bytes, ...]) -> None:
        self.chain = LateChain(previous, pieces)
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        yield _CLOSE % self.chain.value()


def open_object(value: object) -> bytes:
    """A value as a JSON object that still lacks its closing brace."""
    return orjson.dumps(value)[:-1]


def chain_of(previous: str, line: bytes) -> tuple[str, str]:
    """The chain that this line should carry after `previous`, and the one that it carries. Copies no large line."""
    end = len(line) - line.endswith(b"\n")
    digest = sha256(previous.encode())
    digest.update(memoryview(line)[: max(0, end - _TAIL)])
    return digest.hexdigest()[:_DIGITS], line[max(0, end - _DIGITS - 2) : end - 2].decode("ascii", "replace")


def decode_header(line: bytes) -> Header:
    """The first line. Raises ValueError that says what is wrong."""
    try:
        header = _decode_header(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not a recording: its first line is no interpose header ({error})") from None
    if header.interpose < 1:
        raise ValueError("not a recording: its first line has no format number `interpose`")
    if header.interpose > FORMAT:
        raise ValueError(f"format {header.interpose} is newer than this interpose reads ({FORMAT}): update interpose")
    return header


def decode_entry(line: bytes) -> Entry:
    """A line after the first. Raises ValueError that says what is wrong."""
    try:
        return _decode_entry(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not an entry ({error})") from None


def verify(lines: Iterable[bytes]) -> Iterable[tuple[int, bool]]:
    """For each line its number (from 1) and whether it carries the chain it should."""
    chain = ""
    for number, line in enumerate(lines, 1):
        expected, chain = chain_of(chain, line)
        yield number, chain == expected
