"""What a recording tells the end that is played from it: one row a message, in columns, in the order of the recording.

Rows hold no bodies: `Script.raw` fetches the bytes again when a message is to be said. A message that a policy kept
from the played end is no row; what interpose told it in the other end's name is one.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable

from interpose.core.bridge.reply import cancelled
from interpose.core.events import End
from interpose.core.protocol import Era
from interpose.core.recording.entry import Entry
from interpose.core.wire.message import Kind, Message, read

NONE = -1
Fetch = Callable[[int], Entry]


class Mark:
    """What is known of a row beside its columns, as bits: plain integers, since every message is asked for them."""

    OWN = 1  # said by the played end
    REQUEST = 2
    RESPONSE = 4
    ERROR = 8
    STATELESS = 16
    FREE = 32  # whether, when and how often it comes depends on time or on a race
    POLL = 64  # reads a state, and changes none
    CERTAIN = 128  # the wire itself says which call it belongs to


class Script:
    """One recording as the play of one end (`end`).

    `offsets` are those `fetch` takes; `seqs` are the entries' numbers. `keys` are equal where messages compare equal (0
    for own rows). `threads` has the row of the client's call inside which a message happened (`NONE`: in none),
    `follows` the next row of that thread that the played end says or waits for. `replies` has a request's response,
    `causes` a row of the other end that must have come before a row of the played end is due, `twins` the next row with
    the same key, `first` the first. `root` is the first row that the played end says outside of calls. `cancels` has
    the rows that are no message but a stream closed by its client, with the id of the call that this cancels.
    """

    def __init__(self, end: End, fetch: Fetch) -> None:
        self.end = end
        self.fetch = fetch
        self.offsets = array("q")
        self.seqs = array("i")
        self.ats = array("d")
        self.marks = array("H")
        self.method_numbers = array("H")
        self.keys = array("Q")
        self.threads = array("i")
        self.follows = array("i")
        self.replies = array("i")
        self.causes = array("i")
        self.twins = array("i")
        self.first: dict[int, int] = {}
        self.parts: dict[int, int] = {}
        self.methods: list[str] = []
        self.cancels: dict[int, str] = {}
        self.stderr: list[tuple[int, str]] = []
        self.root = NONE

    def __len__(self) -> int:
        return len(self.offsets)

    def own(self, row: int) -> bool:
        return bool(self.marks[row] & Mark.OWN)

    def era(self, row: int) -> Era:
        return "stateless" if self.marks[row] & Mark.STATELESS else "stateful"

    def method(self, row: int) -> str:
        """The method; of a response, that of the request it answers."""
        return self.methods[self.method_numbers[row]]

    def find(self, seq: int, part: int = 0) -> int:
        """The row of an entry (and, of a batch, of one part); NONE when the played end never saw it."""
        row = bisect_left(self.seqs, seq)
        while row < len(self.seqs) and self.seqs[row] == seq:
            if self.parts.get(row, 0) == part:
                return row
            row += 1
        return NONE

    def message(self, row: int) -> Message:
        """A row's message: what the played end said or got, or what the other end said."""
        return read(self.raw(row))

    def raw(self, row: int) -> bytes:
        if row in self.cancels:
            return cancelled(self.cancels[row], "the client closed the stream").raw
        entry = self.fetch(self.offsets[row])
        delivered = bytes(entry.delivered)
        raw = delivered if delivered and self.own(row) else entry.payload() or b""
        return raw if row not in self.parts else read(raw).parts[self.parts[row]].raw

    def named(self, row: int) -> str:
        """A row in words, with its line in the recording's file."""
        marks = self.marks[row]
        method = self.method(row)
        what = f"the answer to {method}" if marks & Mark.RESPONSE else method
        return f"{what} (line {self.seqs[row] + 1})"


def kind_of(marks: int) -> Kind:
    """The kind that marks stand for."""
    if marks & Mark.RESPONSE:
        return Kind.ERROR if marks & Mark.ERROR else Kind.RESULT
    return Kind.REQUEST if marks & Mark.REQUEST else Kind.NOTIFICATION
