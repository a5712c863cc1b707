"""What can happen to a session, as values: the only things that go into the core. Every event carries its time.

Times (`at`) are seconds since the session began, from a clock that never goes back.
"""

from typing import Literal

import msgspec

from interpose.core.wire.message import Message
from interpose.core.wire.sse import Block

End = Literal["client", "server"]
Headers = tuple[tuple[str, str], ...]
Decision = Literal["approve", "edit", "answer", "decline", "cancel", "release", "expire", "abandon"]


class Frame(msgspec.Struct, frozen=True, gc=False):
    """What one end sent in one piece, as its transport frames it.

    `raw` and `tail` are the exact bytes: a line and its end, an SSE block with its blank line, an HTTP body. `message`
    is None where nothing is dispatched (a comment, a priming event, an empty line). `over` are the seconds that sending
    it is to take, where a rule makes it slow.
    """

    raw: bytes
    message: Message | None = None
    block: Block | None = None
    tail: bytes = b""
    wire: Literal["line", "block", "body"] = "line"
    over: float = 0.0


class Received(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One end sent a frame."""

    at: float
    end: End
    channel: str
    frame: Frame


class Requested(msgspec.Struct, frozen=True, tag=True):
    """A client opened an HTTP exchange; `channel` is its name from here on."""

    at: float
    channel: str
    method: str
    target: str
    headers: Headers


class Responded(msgspec.Struct, frozen=True, tag=True):
    """The server answered an exchange with a status and headers; frames may follow."""

    at: float
    channel: str
    status: int
    headers: Headers


class Closed(msgspec.Struct, frozen=True, tag=True):
    """One end is done with a channel: `end` (in good order), `disconnect`, or an error's text."""

    at: float
    end: End
    channel: str
    reason: str


class Told(msgspec.Struct, frozen=True, tag=True):
    """A fact that is no message: `stderr` (a line), `spawn`, `exit` (a status), `signal`, `note`."""

    at: float
    end: End
    what: str
    text: str


class Ticked(msgspec.Struct, frozen=True, tag=True):
    """Time has passed: what the core wanted to do by now is due."""

    at: float


class Decided(msgspec.Struct, frozen=True, tag=True):
    """What becomes of a held message. `hold` names it, and with it exactly what was held; `by` is who decided.

    `instead` is, for `edit`, the message as it shall go on; for `answer`, the result that the user's side gives: of the
    one ask that is held, or an object of results by the keys of the asks. `expire` (nobody answered), `release` (a
    delay is over) and `abandon` (who asked has left, or wants it no more) are the core's own.
    """

    at: float
    hold: str
    decision: Decision
    by: str = ""
    instead: bytes | None = None


Event = Received | Requested | Responded | Closed | Told | Ticked | Decided


def other(end: End) -> End:
    """The end across."""
    return "server" if end == "client" else "client"
